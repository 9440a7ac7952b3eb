/** Did we give out this nonce, for this binding, lately? Stateless: a header and a MAC over it (PROTOCOL section 3). */
import type { Brand } from "../base/brand.ts";
import { concatBytes, equalBytes, lengthPrefixed, u8, u16be, u32be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import { addSeconds, type Instant, instant } from "../base/time.ts";
import { deriveKey } from "../keys/derive.ts";
import type { ChannelId } from "./bindings.ts";

const VERSION = 1;
const HEADER_SIZE = 24;
const RAND_SIZE = 16;
const TAG_SIZE = 24;
const CLUSTER_SECRET_SIZE = 32;
const LABEL = "ostiary/nonce/v1";
/** Bits 1, 2 and 3 stand for the bindings, bit 0 for the KBS exchange, by its channel's number; every other one is reserved. */
const KNOWN_FLAGS = 0b1111;
const MAX_LIFETIME_SECONDS = 120;
const SKEW_SECONDS = 5;

/** One epoch of the MAC. */
export interface NonceKey {
  readonly kid: number;
  readonly macKey: Uint8Array;
}

/** What issues and opens nonces: the epoch to issue with, the live ones, and whose nonces they are. */
export interface NonceKeys {
  readonly current: NonceKey;
  /** At most two, `current` among them. */
  readonly live: readonly NonceKey[];
  readonly audience: string;
  /** Empty where the broker has no tenants. */
  readonly tenant: string;
  readonly lifetimeSeconds: number;
}

/** A nonce that this broker gave out, opened. `kid` and `rand` are the key of its spend. */
export type Nonce = Brand<
  {
    readonly bytes: Uint8Array;
    readonly kid: number;
    readonly rand: Uint8Array;
    readonly expiresAt: Instant;
    /** `expiresAt` less the configured lifetime. */
    readonly issuedAt: Instant;
  },
  "nonce"
>;

/** The MAC key of one epoch. @throws {@link Fault} `internal/invariant` unless the cluster secret has 32 bytes. */
export function nonceMacKey(clusterSecret: Uint8Array, primitives: Pick<Primitives, "hmac">): Uint8Array {
  if (clusterSecret.length !== CLUSTER_SECRET_SIZE) {
    throw new Fault("internal/invariant", `a cluster secret has ${CLUSTER_SECRET_SIZE} bytes`);
  }
  return deriveKey(primitives, "nonceMac", clusterSecret);
}

/**
 * Makes a nonce that serves one binding, or the KBS exchange. Nothing is stored.
 *
 * @param request - `rand` is 16 fresh random bytes.
 * @throws {@link Fault} `internal/invariant` for a wrong size or a lifetime beyond 120 s.
 */
export function issueNonce(
  request: { readonly binding: ChannelId; readonly now: Instant; readonly rand: Uint8Array },
  keys: NonceKeys,
  primitives: Pick<Primitives, "hmac">,
): { readonly nonce: Uint8Array; readonly expiresAt: Instant } {
  const { lifetimeSeconds, current } = keys;
  if (lifetimeSeconds <= 0 || lifetimeSeconds > MAX_LIFETIME_SECONDS || request.rand.length !== RAND_SIZE) {
    throw new Fault(
      "internal/invariant",
      `a nonce lives 1 to ${MAX_LIFETIME_SECONDS} s and has 16 random bytes`,
    );
  }
  const expiresAt = addSeconds(request.now, lifetimeSeconds);
  const header = headerOf({ ...request, kid: current.kid, exp: expiresAt });
  return { nonce: concatBytes(header, tagOf(header, current, { keys, primitives })), expiresAt };
}

/**
 * Opens a nonce that a peer sent back: version, live epoch, reserved flags, the flag of this binding, the MAC over our own
 * audience and tenant, then the times. Says nothing about whether it was spent.
 *
 * @param bytes - Attacker-controlled.
 * @throws {@link Fault} `nonce/invalid`, `nonce/expired`.
 */
export function openNonce(
  bytes: Uint8Array,
  expected: { readonly binding: ChannelId; readonly now: Instant },
  keys: NonceKeys,
  primitives: Pick<Primitives, "hmac">,
): Nonce {
  const header = readHeader(bytes);
  const key = keys.live.find(({ kid }) => kid === header.kid);
  if (header.version !== VERSION || key === undefined) throw invalid("version 1 under a live key");
  if ((header.flags & ~KNOWN_FLAGS) !== 0) throw invalid("no reserved flag");
  if ((header.flags & (1 << expected.binding)) === 0) throw invalid("one that serves this binding");
  if (!equalBytes(header.tag, tagOf(header.bytes, key, { keys, primitives })))
    throw invalid("one of our own");
  if (header.exp > expected.now + MAX_LIFETIME_SECONDS + SKEW_SECONDS)
    throw invalid("a lifetime within 120 s");
  const expiresAt = instant(header.exp);
  const nonce = {
    bytes: bytes.slice(),
    kid: header.kid,
    rand: header.rand,
    expiresAt,
    issuedAt: addSeconds(expiresAt, -keys.lifetimeSeconds),
  } as Nonce;
  refuseExpired(nonce, expected.now);
  return nonce;
}

/**
 * Makes a nonce again from its moving parts, where a peer sends no more of it. Whoever sends them may have thought them up: only
 * evidence over the whole nonce shows that it was given out.
 *
 * @returns `undefined` for an epoch that lives no more.
 */
export function remakeNonce(
  parts: NonceParts,
  keys: NonceKeys,
  primitives: Pick<Primitives, "hmac">,
): Uint8Array | undefined {
  const key = keys.live.find(({ kid }) => kid === parts.kid);
  if (key === undefined || parts.rand.length !== RAND_SIZE) return undefined;
  const header = headerOf(parts);
  return concatBytes(header, tagOf(header, key, { keys, primitives }));
}

/** Whether a nonce, spent or over long ago, was made under a key that still lives: since then, no database was put back. */
export function isOfLiveEpoch(
  bytes: Uint8Array,
  keys: NonceKeys,
  primitives: Pick<Primitives, "hmac">,
): boolean {
  if (bytes.length !== HEADER_SIZE + TAG_SIZE) return false;
  const { kid, tag, bytes: header } = readHeader(bytes);
  const key = keys.live.find((one) => one.kid === kid);
  return key !== undefined && equalBytes(tag, tagOf(header, key, { keys, primitives }));
}

/** Refuses a nonce whose time is over, five seconds of skew between clocks allowed. @throws {@link Fault} `nonce/expired`. */
export function refuseExpired(nonce: Nonce, now: Instant): void {
  if (now <= nonce.expiresAt + SKEW_SECONDS) return;
  throw new Fault("nonce/expired", "expected a nonce within its lifetime", {
    expired: nonce.expiresAt,
    now,
  });
}

interface NonceParts {
  readonly binding: ChannelId;
  readonly kid: number;
  readonly exp: number;
  readonly rand: Uint8Array;
}

function headerOf({ binding, kid, exp, rand }: NonceParts): Uint8Array {
  return concatBytes(u8(VERSION), u8(kid), u16be(1 << binding), u32be(exp), rand);
}

/** Of 48 bytes, no fewer and no more. */
function readHeader(bytes: Uint8Array) {
  const reader = new Reader(bytes, "nonce/invalid");
  const header = {
    bytes: bytes.slice(0, HEADER_SIZE),
    version: reader.u8(),
    kid: reader.u8(),
    flags: reader.u16be(),
    exp: reader.u32be(),
    rand: reader.bytes(RAND_SIZE),
    tag: reader.bytes(TAG_SIZE),
  };
  reader.end();
  return header;
}

function tagOf(
  header: Uint8Array,
  key: NonceKey,
  under: { readonly keys: NonceKeys; readonly primitives: Pick<Primitives, "hmac"> },
): Uint8Array {
  const { audience, tenant } = under.keys;
  const input = concatBytes(
    lengthPrefixed(utf8(LABEL)),
    lengthPrefixed(utf8(audience)),
    lengthPrefixed(utf8(tenant)),
    header,
  );
  return under.primitives.hmac("sha256", key.macKey, input).slice(0, TAG_SIZE);
}

function invalid(expected: string): Fault {
  return new Fault("nonce/invalid", `expected a nonce of ${expected}`);
}
