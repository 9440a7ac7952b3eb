/** Who uses this token? Whoever proves, for this one request, the key that the token is bound to (RFC 9449). */
import { base64UrlOf, concatBytes, parseBase64Url, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { SignatureScheme } from "../base/primitives.ts";
import { spkiOf } from "../base/spki.ts";
import { addSeconds } from "../base/time.ts";
import type { ProofClaims, ProofHeader, PublicJwk, TokenClaims } from "../wire/messages.ts";
import { thumbprintOf } from "../wire/thumbprint.ts";
import { decodeProofClaims, decodeProofHeader } from "../wire/token.ts";
import { isDpopNonce, issueDpopNonce } from "./dpop-nonce.ts";
import { parseCompactJws, verifyToken } from "./verify-token.ts";
import type { World } from "./world.ts";

/** One use of a token, as the broker saw it. */
export interface TokenUse {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The `DPoP` header; where there were two, both with a comma between, which is no proof. */
  readonly proof: string | undefined;
  readonly method: string;
  readonly path: string;
  /** The URLs by which configuration knows this broker; `Host` and forwarding headers are never asked. */
  readonly ownUrls: readonly string[];
  /** DER of the client certificate of this connection. */
  readonly peerCertificate?: Uint8Array;
}

/** Somebody who holds a token of this broker and its key. */
export interface Holder {
  readonly jkt: string;
  /** SHA-256 of the body that the proof was made for, base64url, where it says one. */
  readonly bh?: string;
  readonly claims: TokenClaims;
}

const WINDOW_SECONDS = 60;

/**
 * Believes the use: the token first, then the proof, then that this proof was not used before.
 *
 * @throws {@link Fault} `token/invalid`, `token/bad-proof`, `token/wants-nonce` (its detail has the nonce), `store/unavailable`.
 */
export async function verifyHolder(use: TokenUse, world: World): Promise<Holder> {
  const token = /^DPoP ([\w.-]+)$/.exec(use.authorization ?? "")?.[1];
  if (token === undefined) throw new Fault("token/invalid", "expected `Authorization: DPoP` and a token");
  const claims = await verifyToken(token, world);
  if (claims.aud !== world.settings.audience) {
    throw new Fault("token/invalid", "expected a token for this broker: ask /v1/attest");
  }
  const { cnf } = claims;
  if (cnf === undefined) throw new Fault("token/invalid", "expected a token that is bound to a key");
  refuseOtherCertificate(cnf, use, world);
  const proof = await verifiedProof({ proof: use.proof, jkt: cnf.jkt }, world);
  refuseOtherUse(proof, { token, use }, world);
  await refuseOldNonce(proof, world);
  const until = addSeconds(world.now(), 2 * WINDOW_SECONDS + 1);
  if (!(await world.store.spendProof(cnf.jkt, proof.jti, until)))
    throw bad("a proof that was not used before");
  return { jkt: cnf.jkt, claims, ...(proof.bh === undefined ? {} : { bh: proof.bh }) };
}

/** RFC 8705 section 3: a token that names a certificate serves nobody who does not show it. */
function refuseOtherCertificate(cnf: NonNullable<TokenClaims["cnf"]>, use: TokenUse, world: World): void {
  const expected = cnf["x5t#S256"];
  if (expected === undefined) return;
  const shown = use.peerCertificate && base64UrlOf(world.primitives.digest("sha256", use.peerCertificate));
  if (shown !== expected) throw new Fault("token/invalid", "expected the certificate that the token names");
}

/** The key is the one in the proof, once its thumbprint is the token's; the algorithm is that key's own. */
async function verifiedProof(
  { proof, jkt }: { readonly proof: string | undefined; readonly jkt: string },
  world: World,
): Promise<ProofClaims> {
  const jws = parseCompactJws(proof ?? "");
  if (jws === undefined) throw bad("one DPoP header with a compact JWS");
  const header = decodeProofHeader(jws.header);
  const { scheme, spki } = keyOf(header);
  if (thumbprintOf(header.jwk, world.primitives) !== jkt) throw bad("a proof by the key of the token");
  if (!(await world.primitives.verify(scheme, spki, jws.input, jws.signature))) {
    throw bad("a good signature of the proof");
  }
  return decodeProofClaims(jws.payload);
}

function refuseOtherUse(
  proof: ProofClaims,
  { token, use }: { readonly token: string; readonly use: TokenUse },
  world: World,
): void {
  if (proof.htm !== use.method) throw bad("a proof for this method");
  if (!use.ownUrls.some((url) => proof.htu === `${url}${use.path}`)) throw bad("a proof for this URL");
  const ath = base64UrlOf(world.primitives.digest("sha256", utf8(token)));
  if (proof.ath !== ath) throw bad("a proof for this token");
  if (Math.abs(proof.iat - world.now()) > WINDOW_SECONDS) throw bad("a proof of now; look at the clocks");
}

async function refuseOldNonce({ nonce }: ProofClaims, world: World): Promise<void> {
  const keys = await world.nonceKeys();
  const { primitives } = world;
  if (nonce !== undefined && isDpopNonce(nonce, world.now(), { keys, primitives })) return;
  const dpopNonce = issueDpopNonce(world.now(), keys, primitives);
  throw new Fault("token/wants-nonce", "expected a proof with the broker's nonce", { dpopNonce });
}

interface KeyKind {
  readonly algorithms: readonly ProofHeader["alg"][];
  readonly scheme: SignatureScheme;
  readonly coordinateSize: number;
}

const KEY_KINDS: Readonly<Record<PublicJwk["crv"], KeyKind>> = {
  "P-256": { algorithms: ["ES256"], scheme: "ecdsa-p256-sha256", coordinateSize: 32 },
  "P-384": { algorithms: ["ES384"], scheme: "ecdsa-p384-sha384", coordinateSize: 48 },
  Ed25519: { algorithms: ["EdDSA", "Ed25519"], scheme: "ed25519", coordinateSize: 32 },
};

function keyOf({ alg, jwk }: ProofHeader): { readonly scheme: SignatureScheme; readonly spki: Uint8Array } {
  const { algorithms, scheme, coordinateSize } = KEY_KINDS[jwk.crv];
  if (!algorithms.includes(alg)) throw bad("the algorithm of the key in the proof");
  const coordinates = (jwk.kty === "EC" ? [jwk.x, jwk.y] : [jwk.x]).map(parseBase64Url);
  const sized = coordinates.flatMap((bytes) => (bytes?.length === coordinateSize ? [bytes] : []));
  if (sized.length !== coordinates.length) throw bad("coordinates of the curve's size");
  return { scheme, spki: spkiOf(scheme, concatBytes(...sized)) };
}

function bad(expected: string): Fault {
  return new Fault("token/bad-proof", `expected ${expected}`);
}
