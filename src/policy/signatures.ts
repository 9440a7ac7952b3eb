/** Who signed this bundle, or this statement about policy? DSSE envelopes with Ed25519 or by security keys, k of n distinct keys. */
import { base64UrlOf, concatBytes, equalBytes, parseBase64Url, utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { MAX_TAR_BYTES } from "./tar.ts";
import { type WebAuthnCredential, whyNotAsserted } from "./webauthn.ts";

export const BUNDLE_TYPE = "application/vnd.ostiary.bundle.v1+tar";

const MAX_ENVELOPE = 2 * MAX_TAR_BYTES;
const MAX_SIGNATURES = 64;

/** A person's public key, DER SubjectPublicKeyInfo: Ed25519, or what a security key holds. */
interface VerificationKey {
  readonly kid: string;
  readonly spki: Uint8Array;
  readonly webauthn?: WebAuthnCredential;
}

/** What an envelope must be to count. */
export interface ExpectedEnvelope {
  readonly payloadType: string;
  readonly keys: readonly VerificationKey[];
  /** How many distinct keys must have signed; 1 where nothing is said. */
  readonly threshold?: number;
  /** Where the payload is known already: the envelope must carry exactly these bytes. */
  readonly payload?: Uint8Array;
}

export interface OpenedEnvelope {
  readonly payload: Uint8Array;
  /** Key ids whose signatures hold, in the order of the configured keys. */
  readonly signedBy: readonly string[];
}

/**
 * Signs a payload and writes the envelope as canonical JSON, payload and signature in base64url.
 *
 * @throws {@link Fault} `internal/invariant` when the signer is neither Ed25519 nor a security key.
 * @see DSSE v1 protocol, https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md
 */
export async function signDsse(payloadType: string, payload: Uint8Array, signer: Signer): Promise<string> {
  if (signer.algorithm === "ES256")
    throw new Fault("internal/invariant", "bundles are signed with Ed25519, or by a security key");
  const sig = await signer.sign(preAuthenticationEncoding(payloadType, payload));
  return canonicalJson({
    payload: base64UrlOf(payload),
    payloadType,
    signatures: [{ keyid: signer.kid, sig: base64UrlOf(sig) }],
  });
}

/**
 * Opens an envelope: the payload, and who signed it. Signatures by unknown keys are passed over; one key counts once,
 * also where it is configured under two ids.
 *
 * @param envelope - JSON text, attacker-controlled.
 * @throws {@link Fault} `policy/bad-signature` for anything but enough good signatures over this type of payload.
 */
export async function openDsse(
  envelope: string,
  expected: ExpectedEnvelope,
  primitives: Pick<Primitives, "verify" | "digest">,
): Promise<OpenedEnvelope> {
  const { payloadType, payload, signatures } = parseEnvelope(envelope);
  if (payloadType !== expected.payloadType)
    throw rejected(`expected a payload of type ${expected.payloadType}`);
  if (expected.payload !== undefined && !equalBytes(payload, expected.payload)) {
    throw rejected("expected a signature over exactly these bytes");
  }
  const signed = preAuthenticationEncoding(payloadType, payload);
  const signedBy: string[] = [];
  const people = new Set<string>();
  for (const key of expected.keys) {
    const sig = signatures.get(key.kid);
    // One after the other on purpose: there are few keys, and a flood of signatures must not become a flood of work.
    if (sig === undefined || !(await isSignedBy(key, signed, sig, primitives))) continue;
    signedBy.push(key.kid);
    people.add(base64UrlOf(key.spki));
  }
  const threshold = Math.max(1, expected.threshold ?? 1);
  if (people.size < threshold) {
    throw rejected(`expected good signatures of ${threshold} known keys, received ${people.size}`);
  }
  return { payload, signedBy };
}

/** The key says how it signs, never the envelope: an Ed25519 key of a file signs the bytes, a security key their digest in an assertion. */
async function isSignedBy(
  { spki, webauthn }: VerificationKey,
  signed: Uint8Array,
  sig: Uint8Array,
  primitives: Pick<Primitives, "verify" | "digest">,
): Promise<boolean> {
  if (webauthn === undefined) return primitives.verify("ed25519", spki, signed, sig);
  return (await whyNotAsserted(signed, sig, { spki, webauthn }, primitives)) === undefined;
}

/** Signs a bundle's archive. */
export function signBundle(tar: Uint8Array, signer: Signer): Promise<string> {
  return signDsse(BUNDLE_TYPE, tar, signer);
}

/** The same envelope with one more signature. @throws {@link Fault} `policy/bad-signature` for what is none; as {@link signDsse}. */
export async function cosignDsse(envelope: string, signer: Signer): Promise<string> {
  const { payload, payloadType, signatures } = parseEnvelope(envelope);
  const own = await signDsse(payloadType, payload, signer);
  const [added] = [...parseEnvelope(own).signatures];
  const all = new Map([...signatures, ...(added === undefined ? [] : [added])]);
  return canonicalJson({
    payload: base64UrlOf(payload),
    payloadType,
    signatures: [...all].map(([keyid, sig]) => ({ keyid, sig: base64UrlOf(sig) })),
  });
}

/** What an envelope carries, whoever signed it: to be shown to people before they sign. @throws {@link Fault} `policy/bad-signature`. */
export function payloadIn(envelope: string, payloadType: string): Uint8Array {
  const opened = parseEnvelope(envelope);
  if (opened.payloadType !== payloadType) throw rejected(`expected a payload of type ${payloadType}`);
  return opened.payload;
}

/** The key ids that signatures of an envelope name, whether or not they hold. @throws {@link Fault} `policy/bad-signature`. */
export function keyIdsIn(envelope: string): readonly string[] {
  return [...parseEnvelope(envelope).signatures.keys()];
}

/** `DSSEv1 SP len(type) SP type SP len(payload) SP payload`: lengths in bytes, decimal. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** The first signature of each key id. */
  readonly signatures: ReadonlyMap<string, Uint8Array>;
}

function parseEnvelope(text: string): Envelope {
  if (text.length > MAX_ENVELOPE || !text.isWellFormed()) throw rejected("expected a DSSE envelope");
  const { payload, payloadType, signatures } = parseObject(utf8(text), MAX_ENVELOPE);
  const bytes = bytesOf(payload);
  const isWhole = typeof payloadType === "string" && bytes !== undefined && Array.isArray(signatures);
  if (!isWhole || signatures.length > MAX_SIGNATURES) throw rejected("expected a DSSE envelope");
  return { payloadType, payload: bytes, signatures: signaturesOf(signatures) };
}

function signaturesOf(list: readonly JsonValue[]): ReadonlyMap<string, Uint8Array> {
  const signatures = new Map<string, Uint8Array>();
  for (const item of list) {
    const { keyid, sig } = objectOf(item);
    const bytes = bytesOf(sig);
    if (typeof keyid !== "string" || bytes === undefined) throw rejected("expected `keyid` and `sig`");
    if (!signatures.has(keyid)) signatures.set(keyid, bytes);
  }
  return signatures;
}

/** DSSE leaves the producer the choice between the two alphabets of base64; both are read, padded or not. */
function bytesOf(value: JsonValue | undefined): Uint8Array | undefined {
  if (typeof value !== "string") return undefined;
  return parseBase64Url(
    value
      .replace(/={1,2}$/, "")
      .replaceAll("+", "-")
      .replaceAll("/", "_"),
  );
}

/** Reads an object of JSON that was signed. @throws {@link Fault} `policy/bad-signature`. */
export function parseObject(bytes: Uint8Array, maxBytes: number): JsonObject {
  if (bytes.length > maxBytes) throw rejected(`expected at most ${maxBytes} bytes`);
  return objectOf(parseStrictJson(bytes, { maxBytes, maxDepth: 4, code: "policy/bad-signature" }));
}

function objectOf(value: JsonValue): JsonObject {
  if (typeof value !== "object" || value === null || isList(value)) throw rejected("expected a JSON object");
  return value;
}

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function rejected(expected: string): Fault {
  return new Fault("policy/bad-signature", `signature: ${expected}`);
}
