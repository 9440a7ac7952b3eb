/** Whom do we trust without asking? AMD's three root keys, pinned by the SHA-256 of their SubjectPublicKeyInfo. */
import { hexOf } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { ProductLine } from "../snp/product.ts";
import { isSimulated, productOfArk } from "./profile.ts";
import { parseCertificate } from "./x509.ts";

export interface TrustAnchor {
  readonly product: ProductLine;
  /** Lower-case hex. */
  readonly spkiSha256: string;
  readonly isSimulated: boolean;
}

export type TrustAnchors = readonly TrustAnchor[];

/** ARK-Milan, ARK-Genoa, ARK-Turin, as AMD's key server gives them. */
export const AMD_ROOTS: TrustAnchors = [
  {
    product: "milan",
    spkiSha256: "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
    isSimulated: false,
  },
  {
    product: "genoa",
    spkiSha256: "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
    isSimulated: false,
  },
  {
    product: "turin",
    spkiSha256: "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08",
    isSimulated: false,
  },
];

/**
 * Makes anchors of the simulator's root certificates, for `--trust-simulator` only.
 *
 * @throws {@link Fault} `endorsement/untrusted-root` for a certificate without the simulator's mark, so that no other root can
 *   be smuggled in by that option; `endorsement/malformed`.
 */
export function simulatorRoots(arkCertificates: readonly Uint8Array[], primitives: Primitives): TrustAnchors {
  return arkCertificates.map((der) => {
    const ark = parseCertificate(der);
    const product = productOfArk(ark);
    if (!isSimulated(ark) || product === undefined) {
      throw new Fault(
        "endorsement/untrusted-root",
        "expected a root certificate that the Ostiary simulator made",
      );
    }
    return { product, spkiSha256: hexOf(primitives.digest("sha256", ark.spki)), isSimulated: true };
  });
}
