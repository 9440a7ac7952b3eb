/** Which admin asks by `kbs-client`? A JWT by the Ed25519 key of an admin; since it binds no request, it counts for a minute and for each request once. */
import { base64UrlOf, concatBytes, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { addSeconds, type Instant, instant } from "../../base/time.ts";
import type { Actor } from "../../broker/secrets.ts";
import { type CompactJws, parseCompactJws } from "../../broker/verify-token.ts";
import type { World } from "../../broker/world.ts";
import type { Admin } from "../../policy/admins.ts";
import {
  decodeKbsAdminClaims,
  type KbsAdminClaims,
  MAX_KBS_ADMIN_TOKEN_LENGTH,
  refuseOtherAdminHeader,
} from "../../wire/kbs/admin-token.ts";

/** The client makes a token for each request: what is older was taken from somewhere. */
const WINDOW_SECONDS = 60;
const SKEW_SECONDS = 5;
const MAX_LIFE_SECONDS = 2 * 3600;

export interface KbsAdminRequest {
  readonly actor: Actor & { readonly admin: Admin };
  readonly token: string;
  readonly claims: KbsAdminClaims;
}

/**
 * Believes the signature, before a body is read. The token names no key: each admin's is tried.
 *
 * @throws {@link Fault} `admin/unauthorized` for every deviation.
 */
export async function verifyKbsAdmin(
  authorization: string | undefined,
  world: World,
): Promise<KbsAdminRequest> {
  const token = /^Bearer ([\w.-]+)$/.exec(authorization ?? "")?.[1];
  const isShort = token !== undefined && token.length <= MAX_KBS_ADMIN_TOKEN_LENGTH;
  const jws = isShort ? parseCompactJws(token) : undefined;
  if (token === undefined || jws === undefined) throw unauthorized("a bearer token");
  refuseOtherAdminHeader(jws.header);
  const claims = decodeKbsAdminClaims(jws.payload);
  refuseOutOfTime(claims, world.now());
  const admin = await signerOf(jws, world);
  return { actor: { kid: admin.kid, admin }, token, claims };
}

/** Spends the token for this request. @throws {@link Fault} `admin/unauthorized` the second time; `store/unavailable`. */
export async function spendKbsAdmin(
  { actor, token, claims }: KbsAdminRequest,
  asked: { readonly method: string; readonly path: string; readonly body: Uint8Array },
  world: World,
): Promise<Actor> {
  const { digest } = world.primitives;
  const line = utf8(`${token} ${asked.method} ${asked.path} `);
  const jti = base64UrlOf(digest("sha256", concatBytes(line, digest("sha256", asked.body))));
  const until = addSeconds(instant(claims.iat), WINDOW_SECONDS + 2 * SKEW_SECONDS);
  if (await world.store.spendAdminRequest(actor.kid, jti, until)) return actor;
  throw unauthorized("a request that was not made before");
}

async function signerOf({ input, signature }: CompactJws, world: World): Promise<Admin> {
  const { admins } = (await world.roster()).now;
  const ofFiles = admins.filter(({ webauthn }) => webauthn === undefined); // of a security key nothing counts but assertions
  for (const admin of ofFiles) {
    if (await world.primitives.verify("ed25519", admin.spki, input, signature)) return admin; // in order: as a rule there are few
  }
  throw unauthorized("a good signature by the key of an admin");
}

function refuseOutOfTime({ iat, exp, nbf = iat }: KbsAdminClaims, now: Instant): void {
  const isOfNow = iat <= now + SKEW_SECONDS && iat >= now - WINDOW_SECONDS && nbf <= now + SKEW_SECONDS;
  if (!isOfNow || exp <= now || exp - iat > MAX_LIFE_SECONDS) {
    throw unauthorized(
      `a token made within the last ${WINDOW_SECONDS} s, for at most two hours; look at the clocks`,
    );
  }
}

function unauthorized(expected: string): Fault {
  return new Fault("admin/unauthorized", `expected ${expected}`);
}
