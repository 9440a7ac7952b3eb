/** Which activation, change of the roster and edition of the advisory were the last in the log? Signed with its newest head: rows cut off since are missed. */
import { equalBytes, hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot } from "../ledger/merkle.ts";
import { openDsse, parseObject, signDsse } from "../policy/signatures.ts";
import { type HeadWorld, keptHead, type SignedHead } from "./heads.ts";
import { leafPages } from "./leaves.ts";

/** Digests as their entries have them; `undefined` where the log has no such act. */
export interface LastActs {
  /** Of the bundle that was activated last. */
  readonly policy: string | undefined;
  /** Of the roster's last change. */
  readonly roster: string | undefined;
  /** Of the edition of the advisory data that was imported last. */
  readonly advisory: string | undefined;
}

const TYPE = "application/vnd.ostiary.last-acts.v1+json";
const NONE: LastActs = { policy: undefined, roster: undefined, advisory: undefined };

/** Which act an entry of an admin is. */
const KINDS: ReadonlyMap<string, keyof LastActs> = new Map([
  ["policy-activate", "policy"],
  ["admin-add", "roster"],
  ["admin-remove", "roster"],
  ["advisory-import", "advisory"],
]);

/** The last acts after some more entries. */
export function notedActs(before: LastActs, entries: readonly LedgerEntry[]): LastActs {
  let acts = before;
  for (const entry of entries) {
    const kind = entry.kind === "admin" ? KINDS.get(entry.act) : undefined;
    if (kind !== undefined && entry.kind === "admin") acts = { ...acts, [kind]: entry.digest };
  }
  return acts;
}

/** What stands beside a head of this tree. */
export function signActs(acts: LastActs, frontier: Frontier, world: HeadWorld): Promise<string> {
  return signDsse(TYPE, payloadOf(acts, frontier, world), world.ledgerSigner);
}

/** Where no edition was ever imported nothing is said of one, as before there were any. */
function payloadOf({ policy, roster, advisory }: LastActs, frontier: Frontier, world: HeadWorld): Uint8Array {
  const root = hexOf(frontierRoot(frontier, world.primitives.digest));
  const { audience } = world.settings;
  return canonicalJsonBytes({
    v: 1,
    audience,
    size: frontier.size,
    root,
    policy: policy ?? null,
    roster: roster ?? null,
    advisory,
  });
}

/** The last acts under the newest head; none before the first. @throws {@link Fault} `ledger/inconsistent`, `ledger/malformed`. */
export async function lastActs(world: HeadWorld): Promise<LastActs> {
  return actsUnder(await keptHead(world), world);
}

/**
 * Believes what stands beside a head because our own key signed it for this tree. A head of before has nothing beside it: then the
 * entries are read, and have to make the tree that was signed.
 *
 * @throws {@link Fault} `ledger/inconsistent`, `ledger/malformed`.
 */
export async function actsUnder(head: SignedHead | undefined, world: HeadWorld): Promise<LastActs> {
  if (head === undefined) return NONE;
  return head.acts === undefined ? readActs(head, world) : openActs(head.acts, head, world);
}

async function openActs(envelope: string, head: SignedHead, world: HeadWorld): Promise<LastActs> {
  const { ledgerSigner, primitives } = world;
  const opened = await signedBy(openDsse(envelope, { payloadType: TYPE, keys: [ledgerSigner] }, primitives));
  const { policy, roster, advisory } = parseObject(opened.payload, MAX_BYTES);
  const acts = { policy: digestOf(policy), roster: digestOf(roster), advisory: digestOf(advisory) };
  if (equalBytes(payloadOf(acts, head.frontier, world), opened.payload)) return acts;
  throw otherActs();
}

const MAX_BYTES = 4096;

function digestOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

async function signedBy<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (thrown) {
    throw otherActs(thrown);
  }
}

/** From the first entry to the head's last. */
async function readActs({ checkpoint }: SignedHead, world: HeadWorld): Promise<LastActs> {
  const { digest } = world.primitives;
  let frontier = emptyFrontier();
  let acts = NONE;
  for await (const page of leafPages({ start: 0, end: checkpoint.size }, world)) {
    for (const hash of page.hashes) frontier = appendLeaf(frontier, hash, digest);
    acts = notedActs(acts, page.entries);
  }
  if (equalBytes(frontierRoot(frontier, digest), checkpoint.root)) return acts;
  throw new Fault("ledger/inconsistent", "the entries are not those that were signed", {
    size: checkpoint.size,
  });
}

function otherActs(cause?: unknown): Fault {
  return new Fault("ledger/inconsistent", "what stands beside the head is not what was signed", {}, cause);
}
