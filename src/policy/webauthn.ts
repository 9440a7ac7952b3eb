/** Did a security key sign this, for its person? A WebAuthn assertion whose challenge is the SHA-256 of what was signed (W3C Web Authentication Level 3). */
import { base64UrlOf, concatBytes, equalBytes, parseBase64Url, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject, type JsonValue } from "../base/canonical-json.ts";
import { p1363OfDer } from "../base/ecdsa-signature.ts";
import { isFault } from "../base/fault.ts";
import type { Primitives, SignatureScheme } from "../base/primitives.ts";
import { hasShape, isJsonObject, text } from "../base/shape.ts";
import { bareKeyOf } from "../base/spki.ts";
import { parseStrictJson } from "../base/strict-json.ts";

/** What a credential of a security key is bound to, beside its public key. */
export interface WebAuthnCredential {
  /** Names it to the key that holds it. */
  readonly id: Uint8Array;
  /** The domain that it was made for. */
  readonly rpId: string;
  /** The one page origin by which it signs here: another page below the same domain counts for nothing. */
  readonly origin: string;
}

/** A credential and the public key that its signatures are judged by: DER SubjectPublicKeyInfo, P-256 or Ed25519. */
export interface WebAuthnKey {
  readonly spki: Uint8Array;
  readonly webauthn: WebAuthnCredential;
}

/** What a security key answers, as the browser hands it over. */
export interface Assertion {
  readonly authenticatorData: Uint8Array;
  /** The bytes, since they are what was signed. */
  readonly clientDataJSON: Uint8Array;
  /** DER for P-256, 64 bytes for Ed25519. */
  readonly signature: Uint8Array;
}

/** Every kind of key signs by one scheme; the assertion has no say in it. */
const SCHEMES = ["ecdsa-p256-sha256", "ed25519"] as const satisfies readonly SignatureScheme[];
const P256_BYTES = 32;

const MAX_ASSERTION_BYTES = 8 * 1024;
const MAX_CLIENT_DATA_BYTES = 4 * 1024;
const MAX_DEPTH = 4;

/** Section 6.1: SHA-256 of the RP ID, one byte of flags, a counter of four bytes; behind them, extensions. */
const RP_ID_HASH_BYTES = 32;
const FLAGS_AT = 32;
const HEADER_BYTES = 37;
const FLAG = {
  userPresent: 0x01,
  userVerified: 0x04,
  backupEligible: 0x08,
  backedUp: 0x10,
  attestedCredential: 0x40,
  extensions: 0x80,
} as const;

/** The challenge for bytes, as the browser takes it. */
export function challengeOf(bytes: Uint8Array, digest: Primitives["digest"]): Uint8Array {
  return digest("sha256", bytes);
}

/**
 * Judges an assertion over bytes. Extensions that nobody asked for and members of the client data that are not known here are passed over,
 * as sections 5.8.1 and 9 want it; token binding too. The counter is not looked at: what is signed here is kept for ever and judged again in
 * any order, so that none is the newest.
 *
 * @param encoded - As {@link encodeAssertion} writes it; attacker-controlled.
 * @returns Why it does not count; `undefined` where it does.
 */
export function whyNotAsserted(
  bytes: Uint8Array,
  encoded: Uint8Array,
  key: WebAuthnKey,
  primitives: Pick<Primitives, "verify" | "digest">,
): Promise<string | undefined> {
  return whyNotAnswered(challengeOf(bytes, primitives.digest), encoded, key, primitives);
}

/** The same of an answer to a challenge. */
export async function whyNotAnswered(
  challenge: Uint8Array,
  encoded: Uint8Array,
  { spki, webauthn }: WebAuthnKey,
  { digest, verify }: Pick<Primitives, "verify" | "digest">,
): Promise<string | undefined> {
  const assertion = parseAssertion(encoded);
  if (assertion === undefined) return "expected an assertion: authenticatorData, clientDataJSON, signature";
  const { authenticatorData, clientDataJSON } = assertion;
  const why =
    whyNotClientData(clientDataJSON, { challenge: base64UrlOf(challenge), origin: webauthn.origin }) ??
    whyNotAuthenticatorData(authenticatorData, digest("sha256", utf8(webauthn.rpId)));
  if (why !== undefined) return why;
  const scheme = schemeOf(spki);
  const signature = scheme && signatureOf(scheme, assertion.signature);
  if (scheme === undefined || signature === undefined) return NO_SIGNATURE;
  const signed = concatBytes(authenticatorData, digest("sha256", clientDataJSON));
  return (await verify(scheme, spki, signed, signature)) ? undefined : NO_SIGNATURE;
}

const NO_SIGNATURE = "expected a good signature of the credential's key";

/** The counter that the security key told, 0 for one that has none; of an assertion that was judged to be good. */
export function signCountOf(encoded: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] =
    parseAssertion(encoded)?.authenticatorData.subarray(FLAGS_AT + 1, HEADER_BYTES) ?? [];
  return ((a * 256 + b) * 256 + c) * 256 + d;
}

/** By which scheme a public key of a credential signs; `undefined` for a key of another kind. */
export function schemeOf(spki: Uint8Array): (typeof SCHEMES)[number] | undefined {
  return SCHEMES.find((scheme) => bareKeyOf(scheme, spki) !== undefined);
}

/** An assertion in the one form in which it is carried and kept: canonical JSON, each member in base64url. */
export function encodeAssertion({ authenticatorData, clientDataJSON, signature }: Assertion): Uint8Array {
  return canonicalJsonBytes({
    authenticatorData: base64UrlOf(authenticatorData),
    clientDataJSON: base64UrlOf(clientDataJSON),
    signature: base64UrlOf(signature),
  });
}

/** Whether pages of an origin may use credentials of an RP ID: `https`, or this machine itself, on that host or below it. */
export function isOriginOf(origin: string, rpId: string): boolean {
  const [, scheme, host = ""] = /^(https?):\/\/([a-z0-9.-]{1,253})(?::[1-9]\d{0,4})?$/.exec(origin) ?? [];
  if (!RP_ID.test(rpId) || (scheme === "http" && host !== "localhost")) return false;
  return scheme !== undefined && (host === rpId || host.endsWith(`.${rpId}`));
}

const RP_ID =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const BYTES = text(/^[A-Za-z0-9_-]+$/);
const ASSERTION = { authenticatorData: BYTES, clientDataJSON: BYTES, signature: BYTES };

type AssertionJson = Readonly<Record<keyof typeof ASSERTION, string>>;

function isAssertion(value: JsonValue | undefined): value is AssertionJson {
  return hasShape(value, ASSERTION);
}

/** Reads an assertion in its one form; `undefined` for anything else. */
function parseAssertion(encoded: Uint8Array): Assertion | undefined {
  const value = readJson(encoded, MAX_ASSERTION_BYTES);
  if (!isAssertion(value)) return undefined;
  const authenticatorData = parseBase64Url(value.authenticatorData);
  const clientDataJSON = parseBase64Url(value.clientDataJSON);
  const signature = parseBase64Url(value.signature);
  if (authenticatorData === undefined || clientDataJSON === undefined || signature === undefined) {
    return undefined;
  }
  const assertion = { authenticatorData, clientDataJSON, signature };
  return equalBytes(encodeAssertion(assertion), encoded) ? assertion : undefined;
}

interface ExpectedClientData {
  readonly challenge: string;
  readonly origin: string;
}

/** Section 7.2, steps 10 to 14. Read strictly: of two members of one name the browser and we might each believe another. */
function whyNotClientData(bytes: Uint8Array, { challenge, origin }: ExpectedClientData): string | undefined {
  const read = readJson(bytes, MAX_CLIENT_DATA_BYTES);
  if (read === undefined) return "expected client data in JSON, each member once";
  if (read["type"] !== "webauthn.get") return "expected an assertion, no other ceremony";
  if (read["challenge"] !== challenge) return "expected a signature over exactly these bytes";
  if (read["origin"] !== origin) return `expected a page of ${origin}`;
  const { crossOrigin = false, topOrigin } = read;
  const isFramed = crossOrigin !== false || topOrigin !== undefined;
  return isFramed ? "expected a page that no other one frames" : undefined;
}

/** Section 7.2, steps 15 to 19. */
function whyNotAuthenticatorData(bytes: Uint8Array, rpIdHash: Uint8Array): string | undefined {
  const flags = bytes[FLAGS_AT] ?? 0;
  const has = (flag: keyof typeof FLAG): boolean => (flags & FLAG[flag]) !== 0;
  const isWhole = has("extensions") ? bytes.length > HEADER_BYTES : bytes.length === HEADER_BYTES;
  if (!isWhole || has("attestedCredential")) return "expected authenticator data of an assertion";
  if (!equalBytes(bytes.subarray(0, RP_ID_HASH_BYTES), rpIdHash)) return "expected the credential's RP ID";
  if (!has("userPresent")) return "expected somebody who touched the key";
  if (!has("userVerified")) return "expected somebody whom the key knows, by PIN or finger";
  return has("backedUp") && !has("backupEligible") ? "expected flags that fit together" : undefined;
}

/** `r ‖ s` of the one DER form, or what Ed25519 gives. */
function signatureOf(scheme: SignatureScheme, signature: Uint8Array): Uint8Array | undefined {
  return scheme === "ed25519" ? signature : p1363OfDer(signature, P256_BYTES);
}

function readJson(bytes: Uint8Array, maxBytes: number): JsonObject | undefined {
  try {
    const value = parseStrictJson(bytes, { maxBytes, maxDepth: MAX_DEPTH, code: "policy/bad-signature" });
    return isJsonObject(value) ? value : undefined;
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
