/** How is an admin request signed? A JWT whose claims bind method, URL and body (PRODUCT section 3), by an admin's key or a session's. */
import * as v from "valibot";
import { base64UrlOf, utf8 } from "../base/bytes.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { decode, encode, type Reading } from "./codec.ts";
import { countField, textField } from "./fields.ts";
import { MAX_AUDIENCE_BYTES, MAX_JSON_DEPTH } from "./limits.ts";
import type { AdminClaims } from "./messages.ts";
import { MAX_SESSION_LENGTH } from "./sign-in.ts";

const ADMIN_TOKEN_TYPE = "ostiary-admin+jwt";
/** How the key of a file signs a request, and how a security key does: by an assertion whose challenge is the SHA-256 of header and claims. */
export const ADMIN_ALGORITHM = "EdDSA";
export const SECURITY_KEY_ALGORITHM = "WebAuthn";
export const MAX_ADMIN_TOKEN_SECONDS = 60;
/** Length of a token that is looked at, in characters. */
export const MAX_ADMIN_TOKEN_LENGTH = 8 * 1024;

const TOKEN_PART: Reading = {
  maxBytes: MAX_ADMIN_TOKEN_LENGTH,
  maxDepth: MAX_JSON_DEPTH,
  code: "admin/unauthorized",
};

/** These members and no others: a `crit`, a `jwk` or a `jku` has nothing to say here. */
const ADMIN_HEADER = v.strictObject({
  alg: v.picklist([ADMIN_ALGORITHM, SECURITY_KEY_ALGORITHM]),
  typ: v.literal(ADMIN_TOKEN_TYPE),
  kid: textField(128),
  /** What the broker gave to whoever signed in by a provider. */
  session: v.exactOptional(v.pipe(v.string(), v.maxLength(MAX_SESSION_LENGTH))),
});

const ADMIN_CLAIMS = v.strictObject({
  aud: textField(MAX_AUDIENCE_BYTES),
  htm: textField(16),
  htu: textField(2048),
  bh: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  iat: countField(0),
  exp: countField(0),
  jti: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.~-]{16,128}$/)),
});

/** Reads the protected header. @throws {@link Fault} `admin/unauthorized`. */
export function decodeAdminHeader(bytes: Uint8Array): {
  readonly alg: typeof ADMIN_ALGORITHM | typeof SECURITY_KEY_ALGORITHM;
  readonly kid: string;
  readonly session?: string;
} {
  return decode(ADMIN_HEADER, bytes, TOKEN_PART);
}

/** Reads the claims. @throws {@link Fault} `admin/unauthorized`. */
export function decodeAdminClaims(bytes: Uint8Array): AdminClaims {
  return decode(ADMIN_CLAIMS, bytes, TOKEN_PART);
}

/** `bh`: SHA-256 of the body, of no bytes where there is none. */
export function bodyHashOf(body: Uint8Array, digest: Primitives["digest"]): string {
  return base64UrlOf(digest("sha256", body));
}

/** Signs an admin request; the signer's `kid` is the name that the roster has for the key, or for the account of the session. */
export async function signAdminToken(claims: AdminClaims, signer: Signer, session?: string): Promise<string> {
  const alg = signer.algorithm === "WebAuthn" ? SECURITY_KEY_ALGORITHM : ADMIN_ALGORITHM;
  const header = encode({ alg, typ: ADMIN_TOKEN_TYPE, kid: signer.kid, session });
  const input = `${base64UrlOf(utf8(header))}.${base64UrlOf(utf8(encode({ ...claims })))}`;
  return `${input}.${base64UrlOf(await signer.sign(utf8(input)))}`;
}
