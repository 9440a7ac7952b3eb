/** Is this one of our tokens, and does it count now? Signature, issuer, times, revocation. */
import { parseBase64Url, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { TokenClaims } from "../wire/messages.ts";
import { decodeTokenClaims, decodeTokenHeader, MAX_TOKEN_LENGTH } from "../wire/token.ts";
import type { World } from "./world.ts";

/** The three parts of a compact JWS (RFC 7515 section 7.1), decoded; `input` is what is signed. */
export interface CompactJws {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly input: Uint8Array;
}

/** `undefined` for anything but three parts in base64url, of at most {@link MAX_TOKEN_LENGTH} characters. */
export function parseCompactJws(text: string): CompactJws | undefined {
  if (text.length > MAX_TOKEN_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return undefined;
  const [header, payload, signature] = text.split(".").map(parseBase64Url);
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  return { header, payload, signature, input: utf8(text.slice(0, text.lastIndexOf("."))) };
}

/**
 * Believes a token of this broker: by a key that is published now, within its times, of a decision that was not revoked.
 * For whom it is, the caller asks. What came of a simulator's evidence counts only where its root is trusted.
 *
 * @throws {@link Fault} `token/invalid` for every deviation; `store/unavailable`, `kek/unavailable`.
 */
export async function verifyToken(token: string, world: World): Promise<TokenClaims> {
  const jws = parseCompactJws(token);
  if (jws === undefined) throw invalid("a compact JWS");
  const { kid } = decodeTokenHeader(jws.header);
  const claims = decodeTokenClaims(await believedPayload(jws, kid, world));
  await refuseOutOfForce(claims, world);
  return claims;
}

/** What a key signed that is published now; the header names it, and says nothing else of it. @throws {@link Fault} `token/invalid`. */
export async function believedPayload(jws: CompactJws, kid: string, world: World): Promise<Uint8Array> {
  const { published } = await world.tokenKeys.keys();
  const key = published.find(({ signer }) => signer.kid === kid);
  if (key === undefined) throw invalid("a key that is published");
  const { verify } = world.primitives;
  if (await verify("ecdsa-p256-sha256", key.signer.spki, jws.input, jws.signature)) return jws.payload;
  throw invalid("a good signature");
}

/** Refuses a token of another issuer, out of its times, or of a decision that was revoked. @throws {@link Fault} `token/invalid`. */
export async function refuseOutOfForce(claims: TokenClaims, world: World): Promise<void> {
  const now = world.now();
  if (claims.iss !== world.settings.issuer) throw invalid("a token of this issuer");
  if (claims.nbf > now || claims.exp <= now) throw invalid("a token that is within its times");
  if (claims.ostiary.simulated && !world.trust.roots.some(({ isSimulated }) => isSimulated)) {
    throw invalid("a token of hardware, received one of a simulator");
  }
  for (const decision of new Set([claims.jti, claims.ostiary.evidence?.decision ?? claims.jti])) {
    if ((await world.store.revocation(decision)) !== undefined) throw invalid("a token that was not revoked"); // in order: one, as a rule
  }
}

function invalid(expected: string): Fault {
  return new Fault("token/invalid", `expected ${expected}`);
}
