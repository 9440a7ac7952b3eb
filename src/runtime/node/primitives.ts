/** Which cryptography does Node have? `node:crypto`, behind the Primitives port, on the paths that measured fastest. */
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type ECDH,
  hash,
  type KeyObject,
  verify as verifySignature,
} from "node:crypto";
import { equalBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Group, HashName, Primitives, SignatureScheme } from "../../base/primitives.ts";
import { bareKeyOf, signatureSizeOf } from "../../base/spki.ts";
import { generateKeyPair } from "./key-pairs.ts";
import { mlKem } from "./ml-kem.ts";
import { keyed, NODE_SCHEMES, sign } from "./signing.ts";
import { tpmCiphers } from "./tpm-ciphers.ts";

const KEY_SIZE = 32;
const UNCOMPRESSED = 0x04;
const IV_SIZE = 12;
const TAG_SIZE = 16;
const MAX_PUBLIC_KEYS = 512;

/**
 * The Primitives of Node. Public keys are kept parsed, at most 512 of them, by their SPKI and scheme. A private key is
 * kept parsed only as long as its caller holds the array it came in.
 */
export const nodePrimitives: Primitives = {
  digest,
  sha3,
  shake256,
  hmac,
  verify,
  sign,
  agree,
  publicKeyOf,
  generateKeyPair,
  ...mlKem,
  aeadSeal,
  aeadOpen,
  wrapKey,
  ...tpmCiphers,
};

/** As text and back: a third of what node's own array costs. What is hashed with a key in it goes through {@link hmac}. */
function digest(algorithm: HashName, bytes: Uint8Array): Uint8Array {
  const text = hash(algorithm, bytes, "binary");
  const made = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) made[i] = text.charCodeAt(i);
  return made;
}

/** A digest of what holds a key: never a string, which could not be overwritten. */
function secretDigest(algorithm: HashName, bytes: Uint8Array): Uint8Array {
  return plain(hash(algorithm, bytes, "buffer"));
}

function sha3(bytes: Uint8Array): Uint8Array {
  return plain(hash("sha3-256", bytes, "buffer"));
}

function shake256(bytes: Uint8Array, length: number): Uint8Array {
  return plain(createHash("shake256", { outputLength: length }).update(bytes).digest());
}

const BLOCK_SIZE: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 128, sha512: 128 };

/** Where short messages are put together for {@link hmac}, which is synchronous and leaves zeros behind. */
const SCRATCH = new Uint8Array(1024);

/** HMAC as RFC 2104 writes it, by two one-shot hashes: half as much CPU as a KeyObject and an `Hmac` object. */
function hmac(algorithm: HashName, key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const size = BLOCK_SIZE[algorithm];
  const short = key.length <= size ? key : secretDigest(algorithm, key);
  const inner = padded(short, 0x36, blockOf(size + bytes.length), size);
  inner.set(bytes, size);
  const innerHash = secretDigest(algorithm, inner);
  inner.fill(0);
  const outer = padded(short, 0x5c, blockOf(size + innerHash.length), size);
  outer.set(innerHash, size);
  const tag = secretDigest(algorithm, outer);
  outer.fill(0);
  innerHash.fill(0);
  if (short !== key) short.fill(0);
  return tag;
}

function blockOf(size: number): Uint8Array {
  return size <= SCRATCH.length ? SCRATCH.subarray(0, size) : new Uint8Array(size);
}

/** Fills the first `size` bytes with the key under the pad. */
function padded(key: Uint8Array, pad: number, block: Uint8Array, size: number): Uint8Array {
  for (let i = 0; i < size; i += 1) block[i] = (key[i] ?? 0) ^ pad;
  return block;
}

/** The callback form runs on the thread pool and leaves the event loop free; node copies its inputs first. */
function verify(
  scheme: SignatureScheme,
  spki: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (signature.length !== signatureSizeOf(scheme)) return Promise.resolve(false);
  const key = publicKeyFor(scheme, spki);
  if (key === undefined) return Promise.resolve(false);
  const { hash, padding, toNative } = NODE_SCHEMES[scheme];
  return new Promise((resolve) => {
    verifySignature(hash, bytes, keyed(key, padding), toNative(signature), (error, isGood) =>
      resolve(error === null && isGood),
    );
  });
}

const publicKeys = new Map<string, KeyObject>();

/** The parsed key; `undefined` for one of another kind or a point off the curve. Least recently used keys fall out. */
function publicKeyFor(scheme: SignatureScheme, spki: Uint8Array): KeyObject | undefined {
  const name = scheme + asBuffer(spki).toString("latin1");
  const known = publicKeys.get(name);
  const key = known ?? parsePublicKey(scheme, spki);
  if (key === undefined) return undefined;
  publicKeys.delete(name);
  publicKeys.set(name, key);
  if (publicKeys.size > MAX_PUBLIC_KEYS) forgetOldest();
  return key;
}

function forgetOldest(): void {
  for (const oldest of publicKeys.keys()) {
    publicKeys.delete(oldest);
    return;
  }
}

function parsePublicKey(scheme: SignatureScheme, spki: Uint8Array): KeyObject | undefined {
  if (bareKeyOf(scheme, spki) === undefined) return undefined;
  try {
    return createPublicKey({ key: asBuffer(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

async function agree(group: Group, privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
  return group === "x25519"
    ? agreeX25519(privateKey, publicKey)
    : agreeOn(CURVES[group], privateKey, publicKey);
}

function agreeX25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const own = x25519PrivateKey(privateKey);
  const key = asBuffer(sized(publicKey, KEY_SIZE, "an X25519 public key"));
  const peer = withoutTraces(() =>
    createPublicKey({ key, format: "raw-public", asymmetricKeyType: "x25519" }),
  );
  try {
    return plain(diffieHellman({ privateKey: own, publicKey: peer }));
  } catch {
    // OpenSSL refuses a point of small order, whose shared secret is all zero: the port gives the zeros to its caller.
    return new Uint8Array(KEY_SIZE);
  }
}

/** OpenSSL refuses a point off the curve: the port gives no byte for it. It would take a compressed one, the port does not. */
function agreeOn(curve: Curve, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const own = scalarOf(curve, privateKey);
  const point = sized(publicKey, 1 + 2 * curve.size, `an uncompressed point of ${curve.title}`);
  if (point[0] !== UNCOMPRESSED) return new Uint8Array(0);
  try {
    return plain(own.computeSecret(point));
  } catch {
    return new Uint8Array(0);
  }
}

interface Curve {
  readonly title: string;
  readonly name: string;
  /** Of a coordinate and of a scalar, in bytes. */
  readonly size: number;
}

const CURVES = {
  p256: { title: "P-256", name: "prime256v1", size: 32 },
  p521: { title: "P-521", name: "secp521r1", size: 66 },
} as const satisfies Record<Exclude<Group, "x25519">, Curve>;

function scalarOf({ title, name, size }: Curve, bytes: Uint8Array): ECDH {
  const own = createECDH(name);
  try {
    own.setPrivateKey(sized(bytes, size, `a ${title} private key`));
    return own;
  } catch {
    throw new Fault(
      "internal/invariant",
      `a ${title} private key is a number of ${size} bytes from 1 to the order less 1`,
    );
  }
}

async function publicKeyOf(group: Group, privateKey: Uint8Array): Promise<Uint8Array> {
  if (group !== "x25519") return plain(scalarOf(CURVES[group], privateKey).getPublicKey());
  return plain(createPublicKey(x25519PrivateKey(privateKey)).export({ format: "raw-public" }));
}

const privateKeys = new WeakMap<Uint8Array, KeyObject>();

/** Parsing a private key costs a scalar multiplication, so one array is parsed once, unless its bytes have changed. */
function x25519PrivateKey(bytes: Uint8Array): KeyObject {
  sized(bytes, KEY_SIZE, "an X25519 private key");
  const known = privateKeys.get(bytes);
  if (known !== undefined && equalBytes(known.export({ format: "raw-private" }), bytes)) return known;
  const raw = asBuffer(bytes);
  const key = withoutTraces(() =>
    createPrivateKey({ key: raw, format: "raw-private", asymmetricKeyType: "x25519" }),
  );
  privateKeys.set(bytes, key);
  return key;
}

/**
 * Node tells raw keys from key objects by throwing and catching inside, four times for each key. The stack traces of those
 * errors, which nobody ever sees, cost more than the keys.
 */
function withoutTraces(read: () => KeyObject): KeyObject {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return read();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

async function aeadSeal(
  key: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const cipher = createCipheriv(gcmOf(key), createSecretKey(key), sized(iv, IV_SIZE, "an AES-GCM IV"));
  cipher.setAAD(aad);
  const sealed = new Uint8Array(plaintext.length + TAG_SIZE);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

async function aeadOpen(
  key: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array | undefined> {
  const decipher = createDecipheriv(gcmOf(key), createSecretKey(key), sized(iv, IV_SIZE, "an AES-GCM IV"), {
    authTagLength: TAG_SIZE,
  });
  if (ciphertext.length < TAG_SIZE) return undefined;
  decipher.setAAD(aad);
  decipher.setAuthTag(ciphertext.subarray(-TAG_SIZE));
  const plaintext = decipher.update(ciphertext.subarray(0, -TAG_SIZE));
  try {
    decipher.final();
    return plain(plaintext);
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}

/** The initial value of RFC 3394 section 2.2.3.1. */
const WRAP_IV = new Uint8Array(8).fill(0xa6);

async function wrapKey(wrappingKey: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  const under = createSecretKey(sized(wrappingKey, KEY_SIZE, "a wrapping key"));
  const cipher = createCipheriv("id-aes256-wrap", under, WRAP_IV);
  return plain(cipher.update(sized(key, KEY_SIZE, "a key to wrap")));
}

function gcmOf(key: Uint8Array): "aes-128-gcm" | "aes-256-gcm" {
  if (key.length === 16) return "aes-128-gcm";
  if (key.length === 32) return "aes-256-gcm";
  throw new Fault("internal/invariant", `an AES key has 16 or 32 bytes, received ${key.length}`);
}

function sized(bytes: Uint8Array, size: number, what: string): Uint8Array {
  if (bytes.length === size) return bytes;
  throw new Fault("internal/invariant", `${what} has ${size} bytes, received ${bytes.length}`);
}

/** The same memory under the type that node's key functions ask for. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A `Uint8Array` proper, since `Buffer.slice` aliases; over the same memory when nothing else lives in it. */
function plain(buffer: Buffer): Uint8Array {
  return buffer.byteLength === buffer.buffer.byteLength
    ? new Uint8Array(buffer.buffer)
    : new Uint8Array(buffer);
}
