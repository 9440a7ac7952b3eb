/** Which session of the KBS exchange is this? A nonce and the name that its guest repeats as a cookie; nothing is stored for it. */
import { concatBytes, hexOf, parseHex, u8, u32be } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { KbsVersion } from "./kbs-binding.ts";
import { issueNonce, type NonceKeys, remakeNonce } from "./nonce.ts";

const KBS = 0;
const RAND_SIZE = 16;
/** What is left of `rand` behind epoch and end. */
const SHORT_RAND_SIZE = 11;

export interface KbsSession {
  /** 32 lower-case hex digits: the `rand` of the nonce. */
  readonly id: string;
  readonly nonce: Uint8Array;
  readonly expiresAt: Instant;
}

/**
 * Opens a session for one version of the protocol.
 *
 * A guest of 0.2.0 repeats the cookie and no nonce. So there, `rand` says of which epoch the nonce is and when it ends, and has 88
 * random bits: the nonce can be made again of it, and its MAC is what no stranger can.
 */
export function openKbsSession(
  version: KbsVersion,
  { now, random }: { readonly now: Instant; readonly random: (size: number) => Uint8Array },
  keys: NonceKeys,
  primitives: Pick<Primitives, "hmac">,
): KbsSession {
  const rand = version === "0.4.0" ? random(RAND_SIZE) : tellingRand(now, random, keys);
  const { nonce, expiresAt } = issueNonce({ binding: KBS, now, rand }, keys, primitives);
  return { id: hexOf(rand), nonce, expiresAt };
}

/** The nonce of a session that was opened for 0.2.0. @throws {@link Fault} `nonce/invalid` for what is none of a live epoch. */
export function nonceOfSession(
  id: string,
  keys: NonceKeys,
  primitives: Pick<Primitives, "hmac">,
): Uint8Array {
  const rand = parseHex(id) ?? new Uint8Array(0);
  const reader = new Reader(rand, "nonce/invalid");
  const [kid, exp] = [reader.u8(), reader.u32be()];
  const nonce = remakeNonce({ binding: KBS, kid, exp, rand }, keys, primitives);
  if (nonce === undefined) throw new Fault("nonce/invalid", "expected a session of this broker");
  return nonce;
}

function tellingRand(now: Instant, random: (size: number) => Uint8Array, keys: NonceKeys): Uint8Array {
  const expiresAt = addSeconds(now, keys.lifetimeSeconds);
  return concatBytes(u8(keys.current.kid), u32be(expiresAt), random(SHORT_RAND_SIZE));
}
