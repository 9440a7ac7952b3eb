/** How does clevis keep something under a secret of the broker's? In a compact JWE whose key is derived from the released secret. */
import { base64UrlOf, concatBytes, parseBase64Url, parseUtf8, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hasShape, integer, object, oneOf, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { hkdf } from "../keys/derive.ts";

type Crypto = Pick<Primitives, "hmac" | "aeadSeal" | "aeadOpen">;

/** Which version of which secret opens a JWE. */
export interface ClevisSecret {
  readonly path: string;
  readonly version: number;
  /** Plaintext; its owner overwrites it. */
  readonly secret: Uint8Array;
}

type Header = {
  readonly alg: "dir";
  readonly enc: "A256GCM";
  readonly clevis: {
    readonly pin: "ostiary";
    readonly ostiary: { readonly secret: string; readonly version: number; readonly salt: string };
  };
};

const PIN = {
  secret: text(/^[A-Za-z0-9._/-]{1,512}$/),
  version: integer(1, Number.MAX_SAFE_INTEGER),
  salt: text(/^[A-Za-z0-9_-]{43}$/),
};
const HEADER: Shape<Header> = {
  alg: oneOf("dir"),
  enc: oneOf("A256GCM"),
  clevis: object({ pin: oneOf("ostiary"), ostiary: object(PIN) }),
};
/** Clevis keeps key slots' passphrases, not documents. */
const MAX_JWE_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 2048;
const INFO = "ostiary/clevis/v1";
const SALT_SIZE = 32;
const IV_SIZE = 12;
const TAG_SIZE = 16;

/** Seals what clevis gives. Each JWE has a salt, and so a key, of its own (RFC 7516, `dir`; RFC 7518 section 5.3). */
export async function sealForClevis(
  plaintext: Uint8Array,
  { path, version, secret }: ClevisSecret,
  { primitives, random }: { readonly primitives: Crypto; readonly random: (size: number) => Uint8Array },
): Promise<string> {
  const salt = random(SALT_SIZE);
  const pin = { secret: path, version, salt: base64UrlOf(salt) };
  const header: Header = { alg: "dir", enc: "A256GCM", clevis: { pin: "ostiary", ostiary: pin } };
  const protectedHeader = base64UrlOf(canonicalJsonBytes(header));
  const iv = random(IV_SIZE);
  const sealed = await withKey(secret, salt, primitives, (key) =>
    primitives.aeadSeal(key, iv, utf8(protectedHeader), plaintext),
  );
  const [ct, tag] = [sealed.slice(0, -TAG_SIZE), sealed.slice(-TAG_SIZE)];
  return [protectedHeader, "", base64UrlOf(iv), base64UrlOf(ct), base64UrlOf(tag)].join(".");
}

/** Which secret a JWE asks for. Whoever wrote it chose the name; what it opens, the AEAD says. @throws {@link Fault} `disk/bad-jwe`. */
export function clevisSecretOf(jwe: Uint8Array): Omit<ClevisSecret, "secret"> {
  const { secret, version } = parsed(jwe).pin;
  return { path: secret, version };
}

/** @throws {@link Fault} `disk/bad-jwe`, also where the secret is another one. */
export async function openForClevis(
  jwe: Uint8Array,
  secret: Uint8Array,
  primitives: Crypto,
): Promise<Uint8Array> {
  const { protectedHeader, pin, iv, ct } = parsed(jwe);
  const salt = parseBase64Url(pin.salt) ?? new Uint8Array(0);
  const plaintext = await withKey(secret, salt, primitives, (key) =>
    primitives.aeadOpen(key, iv, utf8(protectedHeader), ct),
  );
  if (plaintext === undefined) throw bad("one that this secret opens");
  return plaintext;
}

async function withKey<T>(
  secret: Uint8Array,
  salt: Uint8Array,
  primitives: Crypto,
  use: (key: Uint8Array) => Promise<T>,
): Promise<T> {
  const key = hkdf(primitives, { hash: "sha256", ikm: secret, salt, info: utf8(INFO), length: 32 });
  try {
    return await use(key);
  } finally {
    key.fill(0);
  }
}

function parsed(jwe: Uint8Array) {
  const compact = jwe.length <= MAX_JWE_BYTES ? parseUtf8(jwe)?.trim() : undefined;
  const [protectedHeader = "", encryptedKey, ...rest] = compact?.split(".") ?? [];
  const [iv, ct, tag] = rest.map((part) => parseBase64Url(part));
  if (rest.length !== 3 || encryptedKey !== "" || iv === undefined || ct === undefined || tag === undefined) {
    throw bad("five parts, the second one empty");
  }
  if (iv.length !== IV_SIZE || tag.length !== TAG_SIZE) throw bad("A256GCM's sizes");
  const header = parseStrictJson(parseBase64Url(protectedHeader) ?? new Uint8Array(0), {
    maxBytes: MAX_HEADER_BYTES,
    maxDepth: 4,
    code: "disk/bad-jwe",
  });
  if (!isHeader(header)) throw bad("a header of this pin");
  return { protectedHeader, pin: header.clevis.ostiary, iv, ct: concatBytes(ct, tag) };
}

function isHeader(value: JsonValue): value is Header {
  return hasShape(value, HEADER);
}

function bad(expected: string): Fault {
  return new Fault("disk/bad-jwe", `expected a JWE of clevis-encrypt-ostiary: ${expected}`);
}
