/** Which key signs tokens now, and which are published? A row of keys in the store, each announced before it signs. */
import { equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import { thumbprintOf } from "../wire/thumbprint.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { StoredTokenKey, TokenStore } from "./token-store.ts";
import { jwkOf } from "./tokens.ts";
import type { Kek, TokenKey, TokenKeyRing, TokenKeys, World } from "./world.ts";

/** How long a new key stands in the JWK set before it signs: relying parties keep the set for some minutes. */
const ANNOUNCED_SECONDS = 600;
/** How long a key that signs no more stays there: its last tokens, and clocks that differ. */
const RETIRED_SECONDS = 900;
/** A key that another process or broker withdrew counts so much longer here. */
const VIEW_SECONDS = 1;

export interface TokenKeySources {
  readonly store: Pick<TokenStore, "tokenKeys" | "putTokenKey" | "dropTokenKeys">;
  readonly kek: Kek;
  readonly primitives: Primitives;
  readonly now: () => Instant;
  readonly maker: TokenKeyMaker;
  readonly pseudonym?: NonNullable<World["pseudonym"]>;
}

/** The platform's part: P-256 private keys as PKCS#8 DER. */
export interface TokenKeyMaker {
  readonly make: () => Promise<Uint8Array>;
  readonly signerOf: (pkcs8: Uint8Array) => Promise<Signer>;
}

/** Makes the ring. It reads the store when its view is older than a second, and makes the first key where there is none. */
export function createTokenKeyRing(sources: TokenKeySources): TokenKeyRing {
  let view: { readonly row: readonly OpenedKey[]; readonly until: number } | undefined;
  const read = async (): Promise<readonly OpenedKey[]> => {
    const now = sources.now();
    if (view === undefined || now >= view.until) {
      view = { row: await openedRow(sources, view?.row ?? []), until: now + VIEW_SECONDS };
    }
    return view.row;
  };
  const forget = (): void => {
    view = undefined;
  };
  return {
    keys: async () => keysAt(await read(), sources.now()),
    rotate: async (order, actor) => {
      forget();
      await putNext(await read(), { ...order, actor }, sources);
      forget();
      return keysAt(await read(), sources.now());
    },
  };
}

interface OpenedKey extends TokenKey {
  readonly withdraws: boolean;
  readonly wrapped: Uint8Array;
}

/** The root key may be slow, or far away: a key that is open already is not opened again. */
async function openedRow(
  sources: TokenKeySources,
  known: readonly OpenedKey[],
): Promise<readonly OpenedKey[]> {
  const stored = await storedRow(sources);
  const opened: OpenedKey[] = [];
  for (const key of sinceWithdrawal(stored)) {
    opened.push(known.find((open) => isSameKey(open, key)) ?? (await openKey(key, sources))); // one after the other: two or three
  }
  return opened;
}

/** What the wrapping authenticates is compared with it: a row that somebody changed is opened anew, which refuses it. */
function isSameKey(open: OpenedKey, { serial, signsFrom, withdraws, wrapped }: StoredTokenKey): boolean {
  const isNamedSo = open.serial === serial && open.signsFrom === signsFrom && open.withdraws === withdraws;
  return isNamedSo && equalBytes(open.wrapped, wrapped);
}

/** What no token can need any more is forgotten on the way. */
async function storedRow(sources: TokenKeySources): Promise<readonly StoredTokenKey[]> {
  const { store, now } = sources;
  const stored = await store.tokenKeys();
  if (stored.length === 0) {
    await store.putTokenKey(await newKey({ serial: 1, signsFrom: now(), by: "broker" }, sources), undefined);
    return store.tokenKeys(); // another broker may have been first
  }
  const useful = sinceWithdrawal(stored).filter((_, i, row) => isUseful(row[i + 1], now()));
  const [first] = useful;
  if (first !== undefined && first.serial !== stored[0]?.serial) await store.dropTokenKeys(first.serial);
  return useful;
}

function sinceWithdrawal<Key extends { readonly withdraws: boolean }>(row: readonly Key[]): readonly Key[] {
  const last = row.findLastIndex(({ withdraws }) => withdraws);
  return last < 0 ? row : row.slice(last);
}

/** A key is useful until its successor has signed long enough; without a successor, for ever. */
function isUseful(successor: { readonly signsFrom: Instant } | undefined, now: Instant): boolean {
  return successor === undefined || now < successor.signsFrom + RETIRED_SECONDS;
}

function keysAt(row: readonly OpenedKey[], now: Instant): TokenKeys {
  const current = row.findLast(({ signsFrom }) => signsFrom <= now) ?? row[0];
  if (current === undefined)
    throw new Fault("internal/invariant", "a token key was just made and is not there");
  return { current, published: row.filter((_, i) => isUseful(row[i + 1], now)) };
}

async function openKey(key: StoredTokenKey, sources: TokenKeySources): Promise<OpenedKey> {
  const pkcs8 = await sources.kek.unwrap(key.wrapped, tokenKeyAad(key));
  try {
    const signer = await sources.maker.signerOf(pkcs8);
    const kid = thumbprintOf(jwkOf(signer.spki), sources.primitives);
    const { serial, signsFrom, withdraws, createdAt, createdBy, wrapped } = key;
    return { signer: { ...signer, kid }, serial, signsFrom, withdraws, createdAt, createdBy, wrapped };
  } finally {
    pkcs8.fill(0);
  }
}

async function putNext(
  row: readonly OpenedKey[],
  order: { readonly withdraws: boolean; readonly actor: Actor },
  sources: TokenKeySources,
): Promise<void> {
  const now = sources.now();
  const newest = row.at(-1);
  if (!order.withdraws && newest !== undefined && newest.signsFrom > now) {
    throw new Fault("request/conflict", "expected no other key to wait for its turn; withdraw, or wait");
  }
  const signsFrom = order.withdraws ? now : addSeconds(now, ANNOUNCED_SECONDS);
  const serial = (newest?.serial ?? 0) + 1;
  const key = await newKey({ serial, signsFrom, withdraws: order.withdraws, by: order.actor.kid }, sources);
  const { kid, spki } = (await openKey(key, sources)).signer;
  const act = order.withdraws ? "token-key-withdraw" : "token-key-rotate";
  const digest = hexOf(sources.primitives.digest("sha256", spki));
  const entry = adminEntry({ act, subject: kid, digest }, order.actor, { ...sources, now: () => now });
  if (!(await sources.store.putTokenKey(key, entry))) {
    throw new Fault("request/conflict", "expected to be the only one who rotates this key");
  }
}

interface KeyPlan {
  readonly serial: number;
  readonly signsFrom: Instant;
  readonly withdraws?: boolean;
  readonly by: string;
}

async function newKey(plan: KeyPlan, { kek, maker, now }: TokenKeySources): Promise<StoredTokenKey> {
  const { serial, signsFrom, withdraws = false, by } = plan;
  const pkcs8 = await maker.make();
  try {
    const wrapped = await kek.wrap(pkcs8, tokenKeyAad({ serial, signsFrom, withdraws }));
    return { serial, wrapped, signsFrom, withdraws, createdAt: now(), createdBy: by };
  } finally {
    pkcs8.fill(0);
  }
}

/** What a wrapped key is authenticated with: whoever can only write rows can move none to another place or time. */
export function tokenKeyAad(key: Pick<StoredTokenKey, "serial" | "signsFrom" | "withdraws">): Uint8Array {
  return utf8(`ostiary/token-key/v1/${key.serial}/${key.signsFrom}/${key.withdraws}`);
}
