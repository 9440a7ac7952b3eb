/** Who are the admins now? Those of the configuration, and what its root has signed since: a chain, followed from the root each time. */
import { equalBytes, hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { hasShape, hex, integer, object, text } from "../base/shape.ts";
import { type Account, accountRecord, parseAccountRecord } from "./accounts.ts";
import { type Admin, adminRecord, type Governance, parseAdminRecord, ROOT_GROUP } from "./admins.ts";
import { openDsse, parseObject, payloadIn, signDsse } from "./signatures.ts";

const ROSTER_TYPE = "application/vnd.ostiary.roster.v1+json";

/** More than this is a database that somebody filled. */
const MAX_ROSTER = 4096;
const MAX_BYTES = 32_768;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31

/** The activation that was live when the roster changed: who signs the change vouches for it under the admins of before. */
export interface VouchedActivation {
  readonly serial: number;
  /** SHA-256 of its envelope, lower-case hex. */
  readonly envelope: string;
}

export type RosterChange =
  | { readonly act: "add"; readonly admin: Admin }
  | { readonly act: "add"; readonly account: Account }
  | { readonly act: "remove"; readonly kid: string };

type Addition = Extract<RosterChange, { readonly act: "add" }>;

/** One change of the roster, as the root signs it. */
export interface RosterStatement {
  /** From 1, without gaps. */
  readonly serial: number;
  /** Digest of the statement before; `undefined` for the first. */
  readonly previous: string | undefined;
  readonly audience: string;
  /** `undefined` where no policy was live. */
  readonly live: VouchedActivation | undefined;
  /** When it was made, in Unix seconds; for the record. */
  readonly at: number;
  readonly change: RosterChange;
}

type AnyKey = Pick<Admin, "spki" | "webauthn">;

/** The admins after some changes. */
export interface Roster {
  /** Those with a key: nobody else's signature counts anywhere. */
  readonly admins: readonly Admin[];
  /** Those who sign in by a provider. */
  readonly accounts: readonly Account[];
  /** How many changes there were. */
  readonly serial: number;
  /** Digest of the last one. */
  readonly head: string | undefined;
  /** Every key id and key that ever was one's; neither is given to anybody again. An account has a name alone. */
  readonly known: readonly (Pick<Admin, "kid"> & Partial<AnyKey>)[];
}

/** What the chain was followed to, change by change. The last element is the roster of now. */
export interface RosterHistory {
  readonly now: Roster;
  /** The roster after each change, the configuration's first. */
  readonly each: readonly Roster[];
  readonly statements: readonly RosterStatement[];
}

/** Signs a change. Others add their signatures to the envelope. */
export function signRosterChange(statement: RosterStatement, signer: Signer): Promise<string> {
  return signDsse(ROSTER_TYPE, encodeRosterChange(statement), signer);
}

/** The canonical JSON that is signed. Its SHA-256 is the statement's digest, whoever signed it. */
export function encodeRosterChange(statement: RosterStatement): Uint8Array {
  const { serial, previous = null, audience, live, at, change } = statement;
  return canonicalJsonBytes({
    v: 1,
    serial,
    previous,
    audience,
    live: live === undefined ? null : { serial: live.serial, envelope: live.envelope },
    at,
    act: change.act,
    ...(change.act === "add" ? { admin: recordOf(change) } : { kid: change.kid }),
  });
}

function recordOf(change: Addition): JsonObject {
  return "admin" in change ? adminRecord(change.admin) : accountRecord(change.account);
}

/** Whom a change names. */
export function nameIn(change: RosterChange): string {
  if (change.act === "remove") return change.kid;
  return "admin" in change ? change.admin.kid : change.account.kid;
}

const HEAD = {
  serial: integer(1, MAX_ROSTER),
  previous: (value: JsonValue | undefined) => value === null || hex(32)(value),
  audience: text(/^\P{Cc}{1,512}$/u),
  live: (value: JsonValue | undefined) => value === null || object(LIVE)(value),
  at: integer(0, MAX_SECONDS),
};
const LIVE = { serial: integer(1, Number.MAX_SAFE_INTEGER), envelope: hex(32) };

type HeadJson = {
  readonly serial: number;
  readonly previous: string | null;
  readonly audience: string;
  readonly live: { readonly serial: number; readonly envelope: string } | null;
  readonly at: number;
};

function isHead(value: JsonObject): value is HeadJson {
  return hasShape(value, HEAD);
}

/** Reads the payload of a change: canonical, with its members and no others. @throws {@link Fault} `roster/bad-statement`. */
function parseRosterChange(payload: Uint8Array): RosterStatement {
  const { v: _version, act, admin, kid, ...head } = readObject(payload);
  const change = changeOf(act, admin, kid);
  if (change !== undefined && isHead(head)) {
    const { serial, previous, audience, live, at } = head;
    const statement = {
      serial,
      previous: previous ?? undefined,
      audience,
      live: live ?? undefined,
      at,
      change,
    };
    if (equalBytes(encodeRosterChange(statement), payload)) return statement;
  }
  throw bad("expected a change: v, serial, previous, audience, live, at, act, and `admin` or `kid`");
}

/** What an envelope says, whoever signed it. @throws {@link Fault} `roster/bad-statement`. */
export function rosterChangeIn(envelope: string): RosterStatement {
  return parseRosterChange(asRoster(() => payloadIn(envelope, ROSTER_TYPE)));
}

function readObject(payload: Uint8Array): JsonObject {
  return asRoster(() => parseObject(payload, MAX_BYTES));
}

function changeOf(
  act: JsonValue | undefined,
  admin: JsonValue | undefined,
  kid: JsonValue | undefined,
): RosterChange | undefined {
  if (act === "remove" && typeof kid === "string" && admin === undefined) return { act, kid };
  if (act !== "add" || kid !== undefined) return undefined;
  const [read, account] = [parseAdminRecord(admin), parseAccountRecord(admin)];
  if (read !== undefined) return { act, admin: read };
  return account === undefined ? undefined : { act, account };
}

/** The roster of a broker to which nothing was added. */
export function rootRoster({ admins }: Pick<Governance, "admins">): Roster {
  return { admins, accounts: [], serial: 0, head: undefined, known: admins };
}

/** What it takes to follow a chain. */
export interface RosterEdges {
  readonly governance: Governance;
  readonly audience: string;
  readonly primitives: Pick<Primitives, "verify" | "digest">;
}

/**
 * Follows the chain from the root. Each change has to be the next one, for this broker, and signed by enough people of the root as
 * it was before: a key that was removed signs nothing any more. Up to a digest that the configuration accepts, the chain holds by
 * its hashes alone.
 *
 * @throws {@link Fault} `roster/bad-statement`, `roster/not-next`.
 */
export async function followRoster(envelopes: readonly string[], edges: RosterEdges): Promise<RosterHistory> {
  if (envelopes.length > MAX_ROSTER) throw bad(`expected at most ${MAX_ROSTER} changes`);
  const payloads = envelopes.map((envelope) => asRoster(() => payloadIn(envelope, ROSTER_TYPE)));
  const digests = payloads.map((payload) => hexOf(edges.primitives.digest("sha256", payload)));
  const accepted = acceptedUpTo(digests, edges.governance);
  let now = rootRoster(edges.governance);
  const each = [now];
  const statements: RosterStatement[] = [];
  for (const [at, envelope] of envelopes.entries()) {
    if (at >= accepted) await refuseUnsigned(envelope, now, edges); // in order: each is judged by the root before it
    const statement = parseRosterChange(payloads[at] ?? new Uint8Array(0));
    now = (at < accepted ? afterAccepted : after)(now, statement, digests[at] ?? "", edges);
    each.push(now);
    statements.push(statement);
  }
  return { now, each, statements };
}

/** Takes one more change. @throws {@link Fault} as {@link followRoster}. */
export async function nextRoster(envelope: string, before: Roster, edges: RosterEdges) {
  const statement = rosterChangeIn(envelope);
  await refuseUnsigned(envelope, before, edges);
  const digest = hexOf(edges.primitives.digest("sha256", encodeRosterChange(statement)));
  return { statement, roster: after(before, statement, digest, edges) };
}

function acceptedUpTo(digests: readonly string[], { accepts: { roster } }: Governance): number {
  if (roster === undefined) return 0;
  const at = digests.indexOf(roster);
  if (at < 0) {
    throw bad("expected the change that `[governance.accept] roster` names to be in the database");
  }
  return at + 1;
}

/** People count, not keys. */
async function refuseUnsigned(envelope: string, before: Roster, edges: RosterEdges): Promise<void> {
  const { primitives, governance } = edges;
  const root = rootOf(before);
  const opened = await asRosterAsync(
    openDsse(envelope, { payloadType: ROSTER_TYPE, keys: root }, primitives),
  );
  const people = peopleOf(root.filter(({ kid }) => opened.signedBy.includes(kid)));
  if (people.length < governance.rootThreshold) {
    throw bad(
      `expected the signatures of ${governance.rootThreshold} people of the root, received ${people.length}`,
    );
  }
}

/** The keys that may sign changes of the roster. */
export function rootOf({ admins }: Pick<Roster, "admins">): readonly Admin[] {
  return admins.filter(({ owns }) => owns.includes(ROOT_GROUP));
}

/** Each of them once. */
export function peopleOf(admins: readonly Admin[]): readonly string[] {
  return [...new Set(admins.map(({ person }) => person))];
}

/** The roster after a change whose signatures hold. */
function after(before: Roster, statement: RosterStatement, digest: string, edges: RosterEdges): Roster {
  refuseOutOfTurn(before, statement, edges);
  const { serial, change } = statement;
  const next = change.act === "add" ? added(before, change) : removed(before, change.kid);
  const root = peopleOf(rootOf(next));
  if (root.length < edges.governance.rootThreshold) {
    throw bad(
      `expected ${edges.governance.rootThreshold} people to be left in the root: nobody could change it again`,
    );
  }
  return { ...next, serial, head: digest, known: knownAfter(before, change) };
}

function knownAfter({ known }: Roster, change: RosterChange): Roster["known"] {
  if (change.act === "remove") return known;
  return [...known, "admin" in change ? change.admin : { kid: change.account.kid }];
}

/** Of a history that the configuration vouches for: its root may be another since, so that names came or went by other ways. */
function afterAccepted(
  before: Roster,
  statement: RosterStatement,
  digest: string,
  edges: RosterEdges,
): Roster {
  refuseOutOfTurn(before, statement, edges);
  const { serial, change } = statement;
  const others = without(before, nameIn(change));
  const next = change.act === "remove" ? others : isTaken(before, change) ? before : joined(others, change);
  return { ...next, serial, head: digest, known: knownAfter(before, change) };
}

type Members = Pick<Roster, "admins" | "accounts">;

function joined({ admins, accounts }: Members, change: Addition): Members {
  return "admin" in change
    ? { admins: [...admins, change.admin], accounts }
    : { admins, accounts: [...accounts, change.account] };
}

function without({ admins, accounts }: Members, name: string): Members {
  return {
    admins: admins.filter(({ kid }) => kid !== name),
    accounts: accounts.filter(({ kid }) => kid !== name),
  };
}

/** Whether somebody has this key, or this account of a provider, now. */
function isTaken({ admins, accounts }: Members, change: Addition): boolean {
  if ("admin" in change) return admins.some((one) => isSameKey(one, change.admin));
  const { issuer, subject } = change.account;
  return accounts.some((one) => one.issuer === issuer && one.subject === subject);
}

function refuseOutOfTurn(before: Roster, statement: RosterStatement, edges: RosterEdges): void {
  const { serial, previous, audience } = statement;
  if (audience !== edges.audience) throw bad("expected a change for this broker");
  if (serial !== before.serial + 1 || previous !== before.head) {
    throw new Fault("roster/not-next", `expected change ${before.serial + 1} on top of the last one`);
  }
}

/** A key is never given again. An account may come back, under another name: what was signed in for the former one stays ended. */
function added(before: Roster, change: Addition): Members {
  const name = nameIn(change);
  const isKnown = before.known.some(
    (one) => one.kid === name || ("admin" in change && isSameKey(one, change.admin)),
  );
  if (isKnown || isTaken(before, change))
    throw bad("expected a name and a key that no admin has or ever had");
  return joined(before, change);
}

/** By its public half, or by the name that a security key has for it. */
function isSameKey(one: Partial<AnyKey>, other: AnyKey): boolean {
  const isSameCredential =
    one.webauthn !== undefined &&
    other.webauthn !== undefined &&
    equalBytes(one.webauthn.id, other.webauthn.id);
  return isSameCredential || (one.spki !== undefined && equalBytes(one.spki, other.spki));
}

function removed(before: Roster, kid: string): Members {
  const left = without(before, kid);
  const isOne = left.admins.length < before.admins.length || left.accounts.length < before.accounts.length;
  if (!isOne) throw bad(`expected the name of an admin, received \`${kid}\``);
  return left;
}

function asRoster<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw told(thrown);
  }
}

async function asRosterAsync<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw told(thrown);
  }
}

/** What DSSE says of a bundle, said of a change of the roster. */
function told(thrown: unknown): unknown {
  return thrown instanceof Fault && thrown.code === "policy/bad-signature" ? bad(thrown.message) : thrown;
}

function bad(expected: string): Fault {
  return new Fault("roster/bad-statement", `roster: ${expected}`);
}
