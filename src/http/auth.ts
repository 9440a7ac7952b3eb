/** Which admin asks? A JWT by the key of an admin, or of a session, that binds this method, this URL and this body, once (PRODUCT section 3). */
import { base64UrlOf, equalBytes, hexOf, parseBase64Url, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { bareKeyOf } from "../base/spki.ts";
import { addSeconds, type Instant, instant } from "../base/time.ts";
import { openSession } from "../broker/admin-session.ts";
import type { Actor } from "../broker/secrets.ts";
import type { World } from "../broker/world.ts";
import type { Admin } from "../policy/admins.ts";
import { signCountOf, type WebAuthnKey, whyNotAsserted } from "../policy/webauthn.ts";
import {
  ADMIN_ALGORITHM,
  bodyHashOf,
  decodeAdminClaims,
  decodeAdminHeader,
  MAX_ADMIN_TOKEN_LENGTH,
  MAX_ADMIN_TOKEN_SECONDS,
} from "../wire/admin-token.ts";
import type { AdminClaims } from "../wire/messages.ts";

const SKEW_SECONDS = 5;

/** What the signature must be about. */
export interface AdminRequest {
  readonly authorization: string | undefined;
  readonly method: string;
  readonly path: string;
  /** The URLs by which configuration knows this broker; `Host` and forwarding headers are never asked. */
  readonly ownUrls: readonly string[];
}

/** A signed request whose body has not been looked at yet. */
export interface SignedAdminRequest {
  readonly actor: Required<Actor>;
  readonly claims: AdminClaims;
  /** What the security key's counter said, where one signed, and by which name that key is known. */
  readonly signCount?: number;
  readonly credential?: Uint8Array;
}

/**
 * Believes the signature, and everything that it binds but the body: so nobody without a key makes the broker read a large one.
 *
 * @throws {@link Fault} `admin/unauthorized` for every deviation.
 */
export async function verifyAdminToken(request: AdminRequest, world: World): Promise<SignedAdminRequest> {
  const token = bearerTokenOf(request.authorization);
  const key = await keyOf(token, world);
  const claims = decodeAdminClaims(await verifiedPayload(token, key, world));
  const isForThis =
    claims.aud === world.settings.audience &&
    claims.htm === request.method &&
    request.ownUrls.some((url) => claims.htu === `${url}${request.path}`);
  if (!isForThis) throw unauthorized("a token for this audience, method and URL");
  refuseOutOfTime(claims, world.now());
  const signed = { actor: { kid: key.kid, admin: key.admin }, claims };
  if (key.webauthn === undefined) return signed;
  return { ...signed, signCount: signCountOf(signatureIn(token)), credential: key.webauthn.id };
}

/**
 * Believes the body, and spends the token.
 *
 * @throws {@link Fault} `admin/unauthorized` for another body or a token used before; `store/unavailable`.
 */
export async function spendAdminToken(
  signed: SignedAdminRequest,
  body: Uint8Array,
  world: World,
): Promise<Actor> {
  const { actor, claims } = signed;
  const expected = bodyHashOf(body, world.primitives.digest);
  if (!equalBytes(utf8(claims.bh), utf8(expected))) throw unauthorized("a token for exactly this body");
  const until = addSeconds(instant(claims.exp), 2 * SKEW_SECONDS);
  if (!(await world.store.spendAdminRequest(actor.kid, claims.jti, until))) {
    throw unauthorized("a token that was not used before");
  }
  await refuseOlderCount(signed, world);
  return actor;
}

/**
 * Section 7.2, step 22 of Web Authentication: a counter that does not go up tells of a copy of the key. Of two requests that race the later
 * one is believed; a key without a counter says 0 and never anything else. Requests come one after the other, so that there is a newest; statements do not.
 */
async function refuseOlderCount({ signCount, credential }: SignedAdminRequest, world: World): Promise<void> {
  if (credential === undefined || signCount === undefined) return;
  const name = `sign-count:${hexOf(world.primitives.digest("sha256", credential))}`;
  const before = await world.store.meta(name);
  if (before === undefined && signCount === 0) return;
  const isNewer = signCount > Number(before ?? 0);
  if (isNewer && (await world.store.putMeta(name, before, String(signCount)))) return;
  throw unauthorized("a counter of the security key that goes up: somebody may have a copy of the key");
}

function bearerTokenOf(authorization: string | undefined): string {
  const token = /^Bearer ([A-Za-z0-9_.-]+)$/.exec(authorization ?? "")?.[1];
  if (token === undefined || token.length > MAX_ADMIN_TOKEN_LENGTH) throw unauthorized("a bearer token");
  return token;
}

/** A key that may sign this request, and what its holder's roles reach. */
interface RequestKey extends Pick<Admin, "kid" | "spki" | "webauthn"> {
  readonly admin: Required<Actor>["admin"];
}

/**
 * The header only names a key, or brings a session that the broker itself signed; which algorithm a key is used with stands here, not
 * there. What is no such token asks no database.
 */
async function keyOf(token: string, world: World): Promise<RequestKey> {
  const { alg, kid, session } = decodeAdminHeader(headerOf(token));
  const key =
    session === undefined
      ? ownKeyOf(kid, (await world.roster()).now.admins)
      : await sessionKeyOf(kid, session, world);
  const isOfKind = (key.webauthn === undefined) === (alg === ADMIN_ALGORITHM);
  if (!isOfKind) throw unauthorized("the algorithm of the key that is named");
  return key;
}

async function sessionKeyOf(kid: string, session: string, world: World): Promise<RequestKey> {
  const { account, spki } = await openSession(session, world);
  if (account.kid !== kid) throw unauthorized("the name that the session is for");
  return { kid, spki, admin: account };
}

function ownKeyOf(kid: string, admins: readonly Admin[]): RequestKey {
  const admin = admins.find((known) => known.kid === kid);
  if (admin === undefined) throw unauthorized("the name of a key that an admin has");
  const { spki, webauthn } = admin;
  return { kid, spki, admin, ...(webauthn === undefined ? {} : { webauthn }) };
}

function headerOf(token: string): Uint8Array {
  const header = parseBase64Url(token.split(".", 1).join(""));
  if (header === undefined) throw unauthorized("a JWT");
  return header;
}

async function verifiedPayload(token: string, key: RequestKey, { primitives }: World): Promise<Uint8Array> {
  const { spki, webauthn } = key;
  if (webauthn !== undefined) return assertedPayload(token, { spki, webauthn }, primitives);
  const bare = bareKeyOf("ed25519", spki);
  if (bare === undefined) throw new Fault("internal/invariant", "an admin key is an Ed25519 key");
  const { compactVerify, importJWK } = await import("jose"); // when an admin first asks: no guest waits for it at the start
  const jwk = await importJWK({ kty: "OKP", crv: "Ed25519", x: base64UrlOf(bare) }, ADMIN_ALGORITHM);
  try {
    const { payload } = await compactVerify(token, jwk, { algorithms: [ADMIN_ALGORITHM] });
    return payload;
  } catch (thrown) {
    throw new Fault("admin/unauthorized", "expected a good signature", {}, thrown);
  }
}

/** In the place of the signature stands an assertion. The challenge covers header and claims, as a signature would. */
async function assertedPayload(
  token: string,
  key: WebAuthnKey,
  primitives: World["primitives"],
): Promise<Uint8Array> {
  const [header = "", claims = "", , ...more] = token.split(".");
  const payload = parseBase64Url(claims);
  if (payload === undefined || more.length > 0) throw unauthorized("a JWT");
  const why = await whyNotAsserted(utf8(`${header}.${claims}`), signatureIn(token), key, primitives);
  if (why !== undefined) throw new Fault("admin/unauthorized", why);
  return payload;
}

function signatureIn(token: string): Uint8Array {
  return parseBase64Url(token.split(".")[2] ?? "") ?? new Uint8Array(0);
}

function refuseOutOfTime({ iat, exp }: AdminClaims, now: Instant): void {
  const isBrief = exp > iat && exp - iat <= MAX_ADMIN_TOKEN_SECONDS;
  const isNow = iat <= now + SKEW_SECONDS && exp > now - SKEW_SECONDS;
  if (!isBrief || !isNow) throw unauthorized(`a token of now, for at most ${MAX_ADMIN_TOKEN_SECONDS} s`);
}

function unauthorized(expected: string): Fault {
  return new Fault("admin/unauthorized", `expected ${expected}`);
}
