/** Did this broker ask for a sign-in lately, and for this one? A time, chance and a MAC over both: stored nowhere until it is spent. */
import { concatBytes, equalBytes, hexOf, u8, u32be } from "../base/bytes.ts";
import { Reader } from "../base/reader.ts";
import { addSeconds, type Instant, instant } from "../base/time.ts";
import { NONCE_TAG_SIZE, nonceTag } from "./nonce-tag.ts";
import type { World } from "./world.ts";

const LABEL = "ostiary/sign-in-challenge/v1";
/** Somebody has to find a telephone. */
const LIFETIME_SECONDS = 600;
const RANDOM_SIZE = 16;
const HEAD_SIZE = 1 + 4 + RANDOM_SIZE;
/** In bytes. */
const SIGN_IN_CHALLENGE_SIZE = HEAD_SIZE + NONCE_TAG_SIZE;

/** A challenge for one sign-in of the next ten minutes. */
export async function issueSignInChallenge(
  world: Pick<World, "now" | "random" | "nonceKeys" | "primitives">,
): Promise<{ readonly challenge: Uint8Array; readonly expiresAt: Instant }> {
  const keys = await world.nonceKeys();
  const expiresAt = addSeconds(world.now(), LIFETIME_SECONDS);
  const head = concatBytes(u8(keys.current.kid), u32be(expiresAt), world.random(RANDOM_SIZE));
  return {
    challenge: concatBytes(head, nonceTag({ label: LABEL, head }, keys.current, { keys, ...world })),
    expiresAt,
  };
}

/** What a good challenge is spent by, and how long it is good; `undefined` for one that is none of this broker's, or over. */
export async function openSignInChallenge(
  challenge: Uint8Array,
  world: Pick<World, "now" | "nonceKeys" | "primitives">,
): Promise<{ readonly id: string; readonly expiresAt: Instant } | undefined> {
  if (challenge.length !== SIGN_IN_CHALLENGE_SIZE) return undefined;
  const keys = await world.nonceKeys();
  const reader = new Reader(challenge, "login/refused");
  const kid = reader.u8();
  const expiresAt = instant(reader.u32be());
  const key = keys.live.find((live) => live.kid === kid);
  const now = world.now();
  if (key === undefined || expiresAt <= now || expiresAt > now + LIFETIME_SECONDS) return undefined;
  const head = challenge.slice(0, HEAD_SIZE);
  const isOurs = equalBytes(
    challenge.slice(HEAD_SIZE),
    nonceTag({ label: LABEL, head }, key, { keys, ...world }),
  );
  return isOurs ? { id: `sign-in.${hexOf(head)}`, expiresAt } : undefined;
}
