/** Who holds a session, and may they still? A statement of this broker that names an account and the key that signs its requests. */
import { base64UrlOf, concatBytes, lengthPrefixed, parseBase64Url, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { hasShape, integer, text } from "../base/shape.ts";
import { bareKeyOf } from "../base/spki.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { Instant } from "../base/time.ts";
import type { Account } from "../policy/accounts.ts";
import { MAX_SESSION_LENGTH } from "../wire/sign-in.ts";
import type { World } from "./world.ts";

const LABEL = "ostiary/admin-session/v1";
/** Of brokers that share their keys. */
const SKEW_SECONDS = 5;

/** Who signed in, by what, for how long. */
export interface SessionGrant {
  readonly account: Account;
  /** The Ed25519 key that requests are signed with, DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly expiresAt: Instant;
}

/**
 * Signs a session. Nothing of it is stored: whoever writes to the database opens none, and every broker that has this signing key
 * knows it again.
 */
export async function signSession(
  { account, spki, expiresAt }: SessionGrant,
  { settings, signer, now }: Pick<World, "settings" | "signer" | "now">,
): Promise<string> {
  const { kid, issuer, subject } = account;
  const claims = {
    v: 1,
    aud: settings.audience,
    kid,
    issuer,
    subject,
    key: base64UrlOf(spki),
    iat: now(),
    exp: expiresAt,
  };
  const payload = canonicalJsonBytes(claims);
  return `${base64UrlOf(payload)}.${base64UrlOf(await signer.sign(inputOf(payload)))}`;
}

/**
 * Believes a session: this broker's, within its time, of a provider that the configuration still names and an account that is still in
 * the roster under the same name.
 *
 * @throws {@link Fault} `admin/unauthorized` for every deviation; what {@link World.roster} throws.
 */
export async function openSession(session: string, world: World): Promise<Omit<SessionGrant, "expiresAt">> {
  const [payload, signature] = partsOf(session);
  const { primitives, signer, settings, identity } = world;
  if (!(await primitives.verify("ecdsa-p256-sha256", signer.spki, inputOf(payload), signature)))
    throw unauthorized("a session of this broker");
  const { aud, kid, issuer, subject, key, iat, exp } = claimsIn(payload);
  const now = world.now();
  if (aud !== settings.audience) throw unauthorized("a session for this broker");
  if (iat > now + SKEW_SECONDS || exp <= now) throw unauthorized("a session that is not over");
  if (identity?.offered.some((provider) => provider.issuer === issuer) !== true)
    throw unauthorized("a session by a provider of the configuration");
  const account = (await world.roster()).now.accounts.find(
    (one) => one.kid === kid && one.issuer === issuer && one.subject === subject,
  );
  if (account === undefined) throw unauthorized("a session of somebody who is an admin");
  const spki = parseBase64Url(key) ?? new Uint8Array(0);
  if (bareKeyOf("ed25519", spki) === undefined) throw unauthorized("a session with an Ed25519 key");
  return { account, spki };
}

/** The label keeps it apart from whatever else the same key signs. */
function inputOf(payload: Uint8Array): Uint8Array {
  return concatBytes(lengthPrefixed(utf8(LABEL)), lengthPrefixed(payload));
}

function partsOf(session: string): readonly [Uint8Array, Uint8Array] {
  const parts = session.length > MAX_SESSION_LENGTH ? [] : session.split(".").map(parseBase64Url);
  const [payload, signature] = parts;
  if (payload === undefined || signature === undefined || parts.length !== 2) throw unauthorized("a session");
  return [payload, signature];
}

const CLAIMS = {
  v: integer(1, 1),
  aud: text(/^.+$/su),
  kid: text(/^.+$/su),
  issuer: text(/^.+$/su),
  subject: text(/^.+$/su),
  key: text(/^[\w-]+$/),
  iat: integer(0, Number.MAX_SAFE_INTEGER),
  exp: integer(0, Number.MAX_SAFE_INTEGER),
};

type Claims = {
  readonly aud: string;
  readonly kid: string;
  readonly issuer: string;
  readonly subject: string;
  readonly key: string;
  readonly iat: number;
  readonly exp: number;
};

/** Written by this broker, or one of before: what it does not know is none of its sessions. */
function claimsIn(payload: Uint8Array): Claims {
  const value = parseStrictJson(payload, {
    maxBytes: MAX_SESSION_LENGTH,
    maxDepth: 2,
    code: "admin/unauthorized",
  });
  if (isClaims(value)) return value;
  throw unauthorized("a session of this version");
}

function isClaims(value: ReturnType<typeof parseStrictJson>): value is Claims {
  return hasShape(value, CLAIMS);
}

function unauthorized(expected: string): Fault {
  return new Fault("admin/unauthorized", `expected ${expected}`);
}
