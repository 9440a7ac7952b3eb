/** How is a root key divided among people? Shamir's scheme over GF(2^8), each share a line of text that knows its set and its own damage. */
import { combine, split } from "shamir-secret-sharing";
import { base64UrlOf, concatBytes, equalBytes, hexOf, parseBase64Url, u8, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { zeroize } from "../keys/zeroize.ts";
import { keyIdOf } from "./key.ts";

/** One share, read. It alone tells nothing of the key. */
export interface Share {
  /** Of the key that it is a share of: 32 hexadecimal digits. */
  readonly id: string;
  /** How many different shares make the key. */
  readonly threshold: number;
  /** Its place on the curve, 1 to 255: different shares of a set differ in it. */
  readonly place: number;
  /** 32 bytes, then the place. */
  readonly value: Uint8Array;
}

export interface SharePlan {
  /** How many people get one, 2 to 20. */
  readonly shares: number;
  /** How many of them make the key, 2 to `shares`. */
  readonly threshold: number;
}

type Parts = Pick<Primitives, "hmac" | "digest">;

/**
 * `ostiary-share-1:` and the base64url of: id of the key (16), threshold (1), value (32), place (1), and the first 4 bytes of
 * SHA-256 over all that with the prefix before it. The last find a slip of the pen, not a forger: whoever joins compares ids.
 */
const PREFIX = "ostiary-share-1:";
const ID_BYTES = 16;
const VALUE_BYTES = 33;
const CHECK_BYTES = 4;
const ALL_BYTES = ID_BYTES + 1 + VALUE_BYTES + CHECK_BYTES;
const MOST_SHARES = 20;

/**
 * Divides a key. Before it returns, the shares were joined again, so that no set leaves that does not make the key.
 *
 * @param key - 32 bytes; stays with the caller.
 * @throws {@link Fault} `request/malformed` for a plan that cannot be.
 */
export async function splitKey(key: Uint8Array, plan: SharePlan, parts: Parts): Promise<readonly string[]> {
  const { shares: count, threshold } = plan;
  if (!(threshold >= 2 && threshold <= count && count <= MOST_SHARES)) {
    throw new Fault(
      "request/malformed",
      `expected 2 to ${MOST_SHARES} shares, and as many or fewer to make the key`,
    );
  }
  const values = await split(Uint8Array.from(key), count, threshold);
  const id = keyIdOf(key, parts);
  const texts = values.map((value) => textOf(concatBytes(id, u8(threshold), value), parts));
  for (const some of [texts.slice(0, threshold), texts.slice(-threshold)]) {
    const joined = await joinShares(some.map((text) => parseShare(text, parts)));
    const isSame = equalBytes(joined, key);
    zeroize(joined);
    if (!isSame)
      throw new Fault("internal/invariant", "expected the shares to make the key that was divided");
  }
  for (const value of values) zeroize(value);
  return texts;
}

function textOf(content: Uint8Array, parts: Parts): string {
  return PREFIX + base64UrlOf(concatBytes(content, checkOf(content, parts)));
}

function checkOf(content: Uint8Array, { digest }: Parts): Uint8Array {
  return digest("sha256", concatBytes(utf8(PREFIX), content)).slice(0, CHECK_BYTES);
}

/**
 * Reads a share.
 *
 * @throws {@link Fault} `kek/bad-share`; the message never quotes it.
 */
export function parseShare(text: string, parts: Parts): Share {
  const bytes = text.startsWith(PREFIX) ? parseBase64Url(text.slice(PREFIX.length)) : undefined;
  if (bytes?.length !== ALL_BYTES) throw badShare(`expected one line that begins with \`${PREFIX}\``);
  const content = bytes.subarray(0, -CHECK_BYTES);
  if (!equalBytes(bytes.subarray(-CHECK_BYTES), checkOf(content, parts))) {
    throw badShare("expected a share as it was written, some of its letters are others");
  }
  const [threshold = 0] = content.subarray(ID_BYTES);
  const value = content.slice(-VALUE_BYTES);
  const [place = 0] = value.subarray(-1);
  if (threshold < 2 || threshold > MOST_SHARES || place === 0)
    throw badShare("expected a share of a set that can be");
  return { id: hexOf(content.subarray(0, ID_BYTES)), threshold, place, value };
}

/** The key of 32 bytes that shares of different places make; whether it is the right one, its id says. */
export async function joinShares(shares: readonly Share[]): Promise<Uint8Array> {
  return combine(shares.map(({ value }) => value));
}

export function badShare(sentence: string): Fault {
  return new Fault("kek/bad-share", sentence);
}
