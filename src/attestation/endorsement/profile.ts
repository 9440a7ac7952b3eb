/** What is a certificate, by AMD's own names and constraints? ARK, ASK, ASVK, VCEK or VLEK, of which product line. */
import { Fault } from "../../base/fault.ts";
import type { ProductLine } from "../snp/product.ts";
import type { AmdExtensions } from "./amd-extensions.ts";
import { DER, elementsOf, parseDer, smallInteger } from "./der.ts";
import type { Certificate, Crl } from "./x509.ts";

export type EndorsementKind = "vcek" | "vlek";

/** What a certificate is. `product` is open for a leaf: its issuer says it. */
export type Role =
  | { readonly is: "ark"; readonly product: ProductLine }
  | { readonly is: "intermediate"; readonly kind: EndorsementKind; readonly product: ProductLine }
  | { readonly is: "leaf"; readonly kind: EndorsementKind };

/** Common names, compared whole: every one of AMD's names holds "SEV". */
const ROLE_OF_NAME: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...(["milan", "genoa", "turin"] as const).flatMap((product): [string, Role][] => {
    const name = titleOf(product);
    return [
      [`ARK-${name}`, { is: "ark", product }],
      [`SEV-${name}`, { is: "intermediate", kind: "vcek", product }],
      [`SEV-VLEK-${name}`, { is: "intermediate", kind: "vlek", product }],
    ];
  }),
  ["SEV-VCEK", { is: "leaf", kind: "vcek" }],
  ["SEV-VLEK", { is: "leaf", kind: "vlek" }],
]);

/** Made by the Ostiary simulator: on every certificate and CRL of it, and on nothing of AMD's. */
const SIMULATOR_MARK = "1.3.6.1.4.1.58270.1.1";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;
const AMD_ARC = "1.3.6.1.4.1.3704.1.";
const BOOLEAN_TRUE = 0xff;

/** What the certificate says it is; `undefined` for a name that is none of AMD's. Believed only once a chain holds. */
export function roleOf(certificate: Certificate): Role | undefined {
  return ROLE_OF_NAME.get(certificate.commonName);
}

/** The product line that an ARK names; `undefined` where it is no ARK. */
export function productOfArk(certificate: Certificate): ProductLine | undefined {
  const role = roleOf(certificate);
  return role?.is === "ark" ? role.product : undefined;
}

export function isSimulated(signed: Pick<Certificate | Crl, "extensions">): boolean {
  return signed.extensions.has(SIMULATOR_MARK);
}

/** The product line that a leaf's productName begins with (`Milan-B0`, `Genoa`, `Turin`). */
export function productOfName(productName: string): ProductLine | undefined {
  return (["milan", "genoa", "turin"] as const).find((product) => {
    const name = titleOf(product);
    return productName === name || productName.startsWith(`${name}-`);
  });
}

/**
 * Refuses a CA certificate that may not sign certificates: CA:TRUE and keyCertSign, both critical (RFC 5280 section 4.2.1).
 *
 * @param authoritiesBelow - How many CA certificates stand between it and the leaf; its path length must allow them.
 * @throws {@link Fault} `endorsement/malformed`.
 */
export function refuseBadAuthority(certificate: Authority, authoritiesBelow: number): void {
  refuseUnknownCritical(certificate, [BASIC_CONSTRAINTS, KEY_USAGE]);
  const constraints = certificate.extensions.get(BASIC_CONSTRAINTS);
  const usage = certificate.extensions.get(KEY_USAGE);
  if (constraints === undefined || usage === undefined || !constraints.isCritical || !usage.isCritical) {
    throw malformed(certificate, "critical basicConstraints and keyUsage");
  }
  const [isAuthority, pathLength, ...more] = elementsOf(parseDer(constraints.value, DER.sequence).content);
  if (isAuthority?.tag !== 0x01 || isAuthority.content[0] !== BOOLEAN_TRUE || more.length > 0)
    throw malformed(certificate, "CA:TRUE");
  if (pathLength !== undefined && pathLengthOf(pathLength.whole) < authoritiesBelow)
    throw malformed(certificate, "a path length that allows the chain");
  if ((keyUsageOf(usage.value) & KEY_CERT_SIGN) === 0) throw malformed(certificate, "keyCertSign");
}

/** What of an authority is looked at; a provider's may have a name without a common name. */
type Authority = Pick<Certificate, "extensions"> & { readonly commonName?: string };

/** Whether an ARK's keyUsage has cRLSign (RFC 5280 section 4.2.1.3). That it is an authority is {@link refuseBadAuthority}'s. */
export function maySignCrls(ark: Certificate): boolean {
  const usage = ark.extensions.get(KEY_USAGE);
  return usage !== undefined && (keyUsageOf(usage.value) & CRL_SIGN) !== 0;
}

function pathLengthOf(whole: Uint8Array): number {
  return smallInteger(parseDer(whole, DER.integer).content);
}

/** The first octet of KeyUsage's bits. */
function keyUsageOf(value: Uint8Array): number {
  const [, bits = 0] = parseDer(value, DER.bitString).content;
  return bits;
}

/** Refuses a leaf whose extensions do not fit its kind and product line. @throws {@link Fault} `endorsement/malformed`, `endorsement/kind-mismatch`, `endorsement/product-mismatch`. */
export function refuseUnfitLeaf(
  leaf: Certificate,
  extensions: AmdExtensions,
  expected: { readonly kind: EndorsementKind; readonly product: ProductLine },
): void {
  refuseUnknownCritical(leaf, []);
  const isTurin = expected.product === "turin";
  if ((expected.kind === "vcek") !== (extensions.hwid !== undefined)) {
    throw new Fault(
      "endorsement/kind-mismatch",
      `expected the extensions of a ${expected.kind.toUpperCase()}`,
    );
  }
  if (productOfName(extensions.productName) !== expected.product) {
    throw new Fault(
      "endorsement/product-mismatch",
      "expected the product name of the report's product line",
      {
        expected: expected.product,
        received: extensions.productName,
      },
    );
  }
  const hasRightShape =
    extensions.structVersion === (isTurin ? 1 : 0) &&
    (extensions.tcb.fmc !== undefined) === isTurin &&
    (extensions.hwid === undefined || extensions.hwid.length === (isTurin ? 8 : 64));
  if (!hasRightShape) throw malformed(leaf, `structVersion, fmcSPL and hwID of ${expected.product}`);
}

/** RFC 5280 section 4.2: a critical extension that is not understood is a refusal. AMD's own arc is read elsewhere. */
function refuseUnknownCritical(signed: Authority, known: readonly string[]): void {
  for (const { oid, isCritical } of signed.extensions.values()) {
    if (isCritical && !known.includes(oid) && !oid.startsWith(AMD_ARC)) {
      throw malformed(signed, `no unknown critical extension, received ${oid}`);
    }
  }
}

function titleOf(product: ProductLine): string {
  return `${product[0]?.toUpperCase()}${product.slice(1)}`;
}

function malformed({ commonName = "an authority" }: Partial<Authority>, expected: string): Fault {
  return new Fault("endorsement/malformed", `${commonName}: expected ${expected}`);
}

/** CRLNumber (RFC 5280 section 5.2.3). @throws {@link Fault} `endorsement/malformed`. */
export function crlNumberOf(value: Uint8Array): bigint {
  const { content } = parseDer(value, DER.integer);
  if (content.length <= 4) return BigInt(smallInteger(content));
  if (content.length > 20 || (content[0] ?? 0x80) >= 0x80)
    throw new Fault("endorsement/malformed", "expected a CRL number");
  return content.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}
