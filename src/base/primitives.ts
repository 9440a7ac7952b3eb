/** Which cryptography does the core reach for? One port, implemented per runtime and checked by one contract. */

export type HashName = "sha256" | "sha384" | "sha512";
export type Group = "x25519" | "p256" | "p521";

/**
 * A signature scheme is chosen by the kind of key we expect, never by the message.
 * ECDSA signatures are IEEE P1363 (`r ‖ s`). `rsa-pss-sha384` is AMD's: 4096 bits, SHA-384, MGF1-SHA-384, salt 48. The others of RSA
 * are PS256 and RS256 of RFC 7518, for keys of the bits that they name; of 2048 bits are the keys by which vTPMs quote.
 */
export type SignatureScheme =
  | "ecdsa-p384-sha384"
  | "ecdsa-p256-sha256"
  | "ed25519"
  | "rsa-pss-sha384"
  | "rsa-2048-pkcs1-sha256"
  | "rsa-3072-pss-sha256"
  | "rsa-3072-pkcs1-sha256"
  | "rsa-4096-pss-sha256"
  | "rsa-4096-pkcs1-sha256";

/** Which key pair is wanted. RSA ones have the exponent 65537. */
export type KeyPairKind = "ed25519" | "p-256" | "p-384" | "rsa-3072" | "rsa-4096";

/** Both halves as DER: PKCS#8 (RFC 5958), which its holder overwrites, and SubjectPublicKeyInfo. */
export interface KeyPair {
  readonly pkcs8: Uint8Array;
  readonly spki: Uint8Array;
}

/** Cryptographic operations. Hashing is synchronous; everything with a private key, and verification, is not. */
export interface Primitives {
  readonly digest: (algorithm: HashName, bytes: Uint8Array) => Uint8Array;
  /** SHA3-256 (FIPS 202): 32 bytes. */
  readonly sha3: (bytes: Uint8Array) => Uint8Array;
  /** SHAKE256 (FIPS 202) of any output length. */
  readonly shake256: (bytes: Uint8Array, length: number) => Uint8Array;
  readonly hmac: (algorithm: HashName, key: Uint8Array, bytes: Uint8Array) => Uint8Array;
  /** False for a bad signature of any kind, an out-of-range or wrongly sized one included. A bad key is false too. */
  readonly verify: (
    scheme: SignatureScheme,
    spki: Uint8Array,
    bytes: Uint8Array,
    signature: Uint8Array,
  ) => Promise<boolean>;
  /**
   * Signs by a private key in PKCS#8 DER. `undefined` for what is no key of the scheme. ECDSA and PSS draw on the runtime's own
   * randomness.
   */
  readonly sign: (
    scheme: SignatureScheme,
    pkcs8: Uint8Array,
    bytes: Uint8Array,
  ) => Promise<Uint8Array | undefined>;
  /** A fresh key pair, from the runtime's own randomness. */
  readonly generateKeyPair: (kind: KeyPairKind) => Promise<KeyPair>;
  /**
   * The raw shared secret of 32 bytes, on P-521 of 66. X25519 takes 32 bytes of key, P-256 an uncompressed point of 65 and P-521 one
   * of 133, with a scalar below the order (a random one of P-256 is not once in 2^32: misuse). All zero for an X25519 point of small
   * order, no byte at all for what is no point of the curve: the caller refuses both.
   */
  readonly agree: (group: Group, privateKey: Uint8Array, publicKey: Uint8Array) => Promise<Uint8Array>;
  readonly publicKeyOf: (group: Group, privateKey: Uint8Array) => Promise<Uint8Array>;
  /** The encapsulation key of an ML-KEM-768 seed `d ‖ z` of 64 bytes (FIPS 203 section 7.1): 1184 bytes. */
  readonly kemPublicKeyOf: (seed: Uint8Array) => Promise<Uint8Array>;
  /**
   * A fresh ML-KEM-768 secret of 32 bytes and its ciphertext of 1088, from the runtime's own randomness: OpenSSL takes none.
   * `undefined` for a key of another length or one that fails the modulus check (FIPS 203 section 7.2).
   */
  readonly kemEncapsulate: (
    encapsulationKey: Uint8Array,
  ) => Promise<{ readonly shared: Uint8Array; readonly ciphertext: Uint8Array } | undefined>;
  /** A ciphertext of 1088 bytes that was not made for this seed gives an unrelated secret: implicit rejection. */
  readonly kemDecapsulate: (seed: Uint8Array, ciphertext: Uint8Array) => Promise<Uint8Array>;
  /** AES-GCM with a 96-bit IV and a 128-bit tag at the end; the key's length chooses AES-128 or AES-256. */
  readonly aeadSeal: (
    key: Uint8Array,
    iv: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ) => Promise<Uint8Array>;
  /** `undefined` when the tag does not match. */
  readonly aeadOpen: (
    key: Uint8Array,
    iv: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ) => Promise<Uint8Array | undefined>;
  /**
   * RSAES-OAEP (RFC 8017 section 7.1) with SHA-256 in both places, under a label, to a key of 2048, 3072 or 4096 bits with the exponent
   * 65537: as many bytes as the modulus has, others each time. `undefined` for what is no such key.
   */
  readonly rsaSeal: (
    spki: Uint8Array,
    label: Uint8Array,
    plaintext: Uint8Array,
  ) => Promise<Uint8Array | undefined>;
  /** AES key wrap (RFC 3394) of a key of 32 bytes under another: 40 bytes. */
  readonly wrapKey: (wrappingKey: Uint8Array, key: Uint8Array) => Promise<Uint8Array>;
  /** AES-128 in CFB mode, fed back by whole blocks (NIST SP 800-38A section 6.3): as long as what goes in, and unauthenticated. */
  readonly cfbEncrypt: (key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array) => Uint8Array;
}

/** A private key that signs, wherever it lives. `spki` is its public half as DER SubjectPublicKeyInfo. */
export interface Signer {
  readonly kid: string;
  readonly algorithm: "ES256" | "Ed25519" | "WebAuthn";
  readonly spki: Uint8Array;
  /** ES256 gives 64 bytes `r ‖ s`, Ed25519 its 64 bytes, a security key its assertion (`policy/webauthn.ts`). */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}
