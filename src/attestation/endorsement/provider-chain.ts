/** Does a cloud provider vouch for this key? From a certificate to the roots that configuration names, and to no others. */
import { equalBytes } from "../../base/bytes.ts";
import { p1363OfDer } from "../../base/ecdsa-signature.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { Primitives, SignatureScheme } from "../../base/primitives.ts";
import { bareKeyOf } from "../../base/spki.ts";
import { formatInstant, type Instant } from "../../base/time.ts";
import { DER, elementsOf, parseDer } from "./der.ts";
import { isSimulated, refuseBadAuthority } from "./profile.ts";
import { type ProviderAlgorithm, type ProviderCertificate, parseProviderCertificate } from "./x509.ts";

/** Certificates of authorities: roots, which are trusted, and intermediates, which a root must have signed. */
export type ProviderAuthorities = readonly ProviderCertificate[];

/** Whom the operator trusts to speak for a cloud. Where a list is empty, that kind of statement is passed over. */
export interface ProviderTrust {
  /** Google's, for its firmware (`GCE-cc-tcb-root`). */
  readonly firmware: ProviderAuthorities;
  /** For the attestation keys of vTPMs that the host runs (Google's `EK/AK CA Root`, or an authority of one's own). */
  readonly hostVtpm: ProviderAuthorities;
  /** Asks for Google's word on a genuine report's MEASUREMENT where the host did not bring it. Never throws. */
  readonly findFirmware?: (measurement: Uint8Array) => Promise<Uint8Array | undefined>;
}

/** Nobody speaks for a cloud. */
export const NO_PROVIDERS: ProviderTrust = { firmware: [], hostVtpm: [] };

/** A key for which a configured root vouches. */
export interface ProviderKey {
  readonly spki: Uint8Array;
  readonly notAfter: Instant;
  /** The root is the simulator's. */
  readonly isSimulated: boolean;
}

export interface ProviderOptions {
  readonly authorities: ProviderAuthorities;
  readonly now: Instant;
  readonly primitives: Primitives;
}

/** A root, an intermediate, and one more between them. */
const MAX_AUTHORITIES_IN_A_CHAIN = 3;
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const DIGITAL_SIGNATURE = 0x80;
const BOOLEAN = 0x01;

/**
 * Reads the authorities of a configuration.
 *
 * @param ders - Certificates in DER, in any order: each an authority, at least one of them a root (its issuer is its subject).
 * @throws {@link Fault} `endorsement/malformed` for what is no authority, `endorsement/provider-untrusted` without a root.
 */
export function providerAuthorities(ders: readonly Uint8Array[]): ProviderAuthorities {
  const authorities = ders.map(parseProviderCertificate);
  for (const authority of authorities) refuseBadAuthority(authority, 0);
  if (!authorities.some(isRoot)) throw untrusted("a root among the authorities: one that issued itself");
  return authorities;
}

/** Whether one of them was made by the simulator: for a demonstration, and nowhere else. */
export function haveSimulated(authorities: ProviderAuthorities): boolean {
  return authorities.some(isSimulated);
}

/**
 * Verifies that a provider vouches for a signing key now: signatures up to a configured root, dates of all, and a leaf that may
 * sign and is no authority itself.
 *
 * @param der - The leaf, attacker-controlled.
 * @throws {@link Fault} `endorsement/malformed`, `endorsement/provider-untrusted`, `endorsement/provider-expired`.
 * @see RFC 5280 section 6.1; revocation is not looked at: neither authority of Google's is known to publish one for its leaves
 */
export async function verifyProviderLeaf(der: Uint8Array, options: ProviderOptions): Promise<ProviderKey> {
  const leaf = parseProviderCertificate(der);
  refuseUnfitLeaf(leaf);
  const chain = await chainOf(leaf, options, 0);
  if (chain === undefined) throw untrusted("a certificate under a root of the configuration");
  for (const certificate of [leaf, ...chain]) refuseOutOfDate(certificate, options.now);
  return { spki: leaf.spki, notAfter: leaf.notAfter, isSimulated: haveSimulated(chain) };
}

/** RFC 5280 section 4.2.1: it may sign, it is no authority, and nothing critical is passed over. */
function refuseUnfitLeaf(leaf: ProviderCertificate): void {
  for (const { oid, isCritical } of leaf.extensions.values()) {
    if (isCritical && oid !== BASIC_CONSTRAINTS && oid !== KEY_USAGE)
      throw untrusted(`no unknown critical extension, received ${oid}`);
  }
  const usage = leaf.extensions.get(KEY_USAGE);
  const [, bits = 0] = usage === undefined ? [] : parseDer(usage.value, DER.bitString).content;
  if ((bits & DIGITAL_SIGNATURE) === 0) throw untrusted("a certificate of a key that may sign");
  const constraints = leaf.extensions.get(BASIC_CONSTRAINTS);
  const [first] =
    constraints === undefined ? [] : elementsOf(parseDer(constraints.value, DER.sequence).content);
  if (first?.tag === BOOLEAN && first.content[0] !== 0)
    throw untrusted("a certificate that is no authority's own");
}

/** The authorities above a certificate, the nearest first, up to a root. */
async function chainOf(
  certificate: ProviderCertificate,
  options: ProviderOptions,
  below: number,
): Promise<readonly ProviderCertificate[] | undefined> {
  if (below >= MAX_AUTHORITIES_IN_A_CHAIN) return undefined;
  for (const issuer of options.authorities) {
    if (!equalBytes(issuer.subject, certificate.issuer) || !allows(issuer, below)) continue;
    if (!(await isSignedBy(certificate, issuer, options.primitives))) continue; // in order: the first that holds
    if (isRoot(issuer)) return [issuer];
    const above = await chainOf(issuer, options, below + 1);
    if (above !== undefined) return [issuer, ...above];
  }
  return undefined;
}

function isRoot({ subject, issuer }: ProviderCertificate): boolean {
  return equalBytes(subject, issuer);
}

/** A path length that is too short for this chain, though the certificate is an authority's. */
function allows(authority: ProviderCertificate, below: number): boolean {
  try {
    refuseBadAuthority(authority, below);
    return true;
  } catch (thrown) {
    if (isFault(thrown)) return false;
    throw thrown;
  }
}

/** Which keys may have made a signature of an algorithm; the issuer's own SubjectPublicKeyInfo chooses. */
const SCHEMES: Readonly<Record<ProviderAlgorithm, readonly SignatureScheme[]>> = {
  "rsa-pss-sha256": ["rsa-4096-pss-sha256", "rsa-3072-pss-sha256"],
  "rsa-pkcs1-sha256": ["rsa-4096-pkcs1-sha256", "rsa-3072-pkcs1-sha256"],
  "ecdsa-p256-sha256": ["ecdsa-p256-sha256"],
  "ecdsa-p384-sha384": ["ecdsa-p384-sha384"],
};

/** Bytes of `r` and of `s`; X.509 has them in DER. */
const ECDSA_HALVES: ReadonlyMap<ProviderAlgorithm, number> = new Map([
  ["ecdsa-p256-sha256", 32],
  ["ecdsa-p384-sha384", 48],
]);

async function isSignedBy(
  { tbs, signature, signedWith }: ProviderCertificate,
  issuer: ProviderCertificate,
  primitives: Primitives,
): Promise<boolean> {
  const scheme = SCHEMES[signedWith].find((one) => bareKeyOf(one, issuer.spki) !== undefined);
  if (scheme === undefined) return false;
  const half = ECDSA_HALVES.get(signedWith);
  const plain = half === undefined ? signature : p1363OfDer(signature, half);
  return plain !== undefined && primitives.verify(scheme, issuer.spki, tbs, plain);
}

function refuseOutOfDate({ notBefore, notAfter }: ProviderCertificate, now: Instant): void {
  if (now >= notBefore && now <= notAfter) return;
  throw new Fault("endorsement/provider-expired", "expected a provider's certificate within its dates", {
    expected: `${formatInstant(notBefore)} to ${formatInstant(notAfter)}`,
    received: formatInstant(now),
  });
}

function untrusted(expected: string): Fault {
  return new Fault("endorsement/provider-untrusted", `expected ${expected}`);
}
