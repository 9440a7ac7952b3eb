/** Does this client certificate carry this very request? The carrier of binding 1: RA-TLS with a CMW (PROTOCOL sections 4 and 5). */
import { DER } from "../attestation/endorsement/der.ts";
import { type EcdsaCertificate, parseEcdsaCertificate } from "../attestation/endorsement/x509.ts";
import { base64UrlOf, concatBytes, equalBytes, utf8 } from "../base/bytes.ts";
import { p1363OfDer } from "../base/ecdsa-signature.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { signatureSizeOf } from "../base/spki.ts";
import type { Instant } from "../base/time.ts";

/** id-pe-cmw (RFC 9999): what we write, and read. */
export const CMW_OID = "1.3.6.1.5.5.7.1.35";
/** tcg-dice-conceptual-message-wrapper (TCG DICE Attestation Architecture 1.1, section 6.1.8): read only. */
const DICE_OID = "2.23.133.5.4.9";
const MEDIA_TYPE = "application/vnd.ostiary.evidence+json";
/** The indicator of Evidence among the conceptual messages. */
const EVIDENCE = 4;
const MAX_LEAF_BYTES = 65_536;
const SKEW_SECONDS = 5;

/** What a connection showed, and the request that came over it. */
export interface Carried {
  /** DER of the one leaf that TLS verified possession for; absent where the guest sent none. */
  readonly certificate: Uint8Array | undefined;
  /** DER SubjectPublicKeyInfo of that leaf, as the transcript has it. */
  readonly spki: Uint8Array | undefined;
  /** The exact bytes of the request's body. */
  readonly body: Uint8Array;
  readonly now: Instant;
}

/** The value of the extension for a body: a JSON Record CMW (RFC 9999 section 3.1) as a UTF8String. */
export function cmwExtensionOf(body: Uint8Array): Uint8Array {
  return derOf(DER.utf8String, recordOf(body));
}

/**
 * Refuses a carrier that is not one certificate, signed by its own key on P-256 or P-384, valid now, that holds the body of this
 * request, byte for byte. Whose key it is, the transcript says: nothing here vouches for anybody.
 *
 * @throws {@link Fault} `channel/bad-carrier`.
 */
export async function refuseBadCarrier(carried: Carried, primitives: Primitives): Promise<void> {
  if (carried.certificate === undefined) throw bad("one on this connection, without an issuer");
  const leaf = parsed(carried.certificate);
  if (carried.spki === undefined || !equalBytes(leaf.spki, carried.spki)) {
    throw bad("the key of the certificate in its one encoding");
  }
  if (carried.now + SKEW_SECONDS < leaf.notBefore || carried.now > leaf.notAfter + SKEW_SECONDS) {
    throw bad("a certificate that is valid now: it is made for one nonce");
  }
  refuseCritical(leaf);
  refuseOtherBody(leaf, carried.body);
  if (!(await isSelfSigned(leaf, primitives))) throw bad("a certificate signed by its own key");
}

function parsed(der: Uint8Array): EcdsaCertificate {
  try {
    return parseEcdsaCertificate(der, MAX_LEAF_BYTES);
  } catch (thrown) {
    const reason = thrown instanceof Fault ? thrown.message : "unreadable";
    throw new Fault("channel/bad-carrier", `client certificate: ${reason}`, {}, thrown);
  }
}

/** RFC 5280 section 4.2: what is critical and not understood is refused; here, all but the evidence itself. */
function refuseCritical({ extensions }: EcdsaCertificate): void {
  for (const { oid, isCritical } of extensions.values()) {
    if (isCritical && oid !== CMW_OID && oid !== DICE_OID) throw bad("no other critical extension");
  }
}

/** The evidence is never read from the certificate: only whether it is the body is. */
function refuseOtherBody({ extensions }: EcdsaCertificate, body: Uint8Array): void {
  const [own, dice] = [extensions.get(CMW_OID), extensions.get(DICE_OID)];
  const found = own ?? dice;
  if (found === undefined || (own !== undefined && dice !== undefined)) {
    throw bad("one extension with evidence (id-pe-cmw)");
  }
  const expected = own === undefined ? diceExtensionOf(body) : cmwExtensionOf(body);
  if (!equalBytes(found.value, expected))
    throw bad("evidence that is the body of this request, byte for byte");
}

/** The curve goes with the hash of the signature, so that neither is a free choice: `verify` takes no key of another kind. */
async function isSelfSigned(leaf: EcdsaCertificate, { verify }: Primitives): Promise<boolean> {
  const { scheme, spki, tbs, signature, issuer, subject } = leaf;
  if (!equalBytes(issuer, subject)) return false;
  const bare = p1363OfDer(signature, signatureSizeOf(scheme) / 2);
  return bare !== undefined && verify(scheme, spki, tbs, bare);
}

function recordOf(body: Uint8Array): Uint8Array {
  return utf8(`["${MEDIA_TYPE}","${base64UrlOf(body)}",${EVIDENCE}]`);
}

/** `SEQUENCE { cmw OCTET STRING }`. */
function diceExtensionOf(body: Uint8Array): Uint8Array {
  return derOf(DER.sequence, derOf(DER.octetString, recordOf(body)));
}

function derOf(tag: number, content: Uint8Array): Uint8Array {
  const digits: number[] = [];
  for (let rest = content.length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | digits.length, ...digits];
  return concatBytes(Uint8Array.from(head), content);
}

function bad(expected: string): Fault {
  return new Fault("channel/bad-carrier", `client certificate: expected ${expected}`);
}
