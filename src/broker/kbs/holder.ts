/** Who asks for a resource? Whoever holds a session that was attested, or a token: its answer is of use to the guest alone. */
import { base64Of, hexOf, parseBase64Url } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { KbsPublicKey } from "../../channel/kbs-key.ts";
import {
  decodeKbsTokenClaims,
  decodeKbsTokenHeader,
  type KbsTokenClaims,
  kbsAudienceOf,
} from "../../wire/kbs/token.ts";
import type { TokenHolder } from "../held-decision.ts";
import { believedPayload, parseCompactJws, refuseOutOfForce } from "../verify-token.ts";
import type { World } from "../world.ts";

/** A guest whose token was believed. */
export interface KbsHolder extends TokenHolder {
  /** The key in its report: answers are sealed to it. */
  readonly teePubkey: KbsPublicKey;
}

/** What a request shows, as it was sent. */
export interface KbsShown {
  /** The cookie, if it is one of ours by its form. */
  readonly session?: string;
  readonly token?: string;
}

/**
 * Believes whoever asks. The session is looked at first, as the protocol says; where it was never attested, the token counts.
 *
 * @throws {@link Fault} `kbs/no-session` where there is neither; `token/invalid`; `store/unavailable`, `kek/unavailable`.
 */
export async function verifyKbsHolder({ session, token }: KbsShown, world: World): Promise<KbsHolder> {
  const kept = session === undefined ? undefined : await world.store.kbsSession(session);
  if (kept !== undefined && session !== undefined && kept.until > world.now()) {
    return holderOfSession(kept.token, session, world);
  }
  if (token !== undefined) return verifiedToken(token, world);
  throw new Fault("kbs/no-session", "expected a session that was attested, or a token");
}

/** INVARIANT: the token names the session's own nonce, so that whoever can write rows gives nobody another's session. */
async function holderOfSession(token: string, session: string, world: World): Promise<KbsHolder> {
  const believed = await verifiedToken(token, world);
  const nonce = parseBase64Url(believed.claims.eat_nonce ?? "") ?? new Uint8Array(0);
  if (hexOf(nonce.slice(RAND_AT, RAND_END)) === session && base64Of(nonce) === believed.nonce)
    return believed;
  throw new Fault("token/invalid", "expected the token of this session");
}

/** Where `rand` stands in a nonce (PROTOCOL section 3). */
const [RAND_AT, RAND_END] = [8, 24] as const;

async function verifiedToken(token: string, world: World): Promise<KbsHolder & KbsTokenClaims> {
  const jws = parseCompactJws(token);
  if (jws === undefined) throw new Fault("token/invalid", "expected a compact JWS");
  const { kid } = decodeKbsTokenHeader(jws.header);
  const told = decodeKbsTokenClaims(await believedPayload(jws, kid, world));
  await refuseOutOfForce(told.claims, world);
  if (told.claims.aud === kbsAudienceOf(world.settings.audience)) return told;
  throw new Fault("token/invalid", "expected a token for the KBS of this broker");
}
