/** Is the firmware that this guest was launched with one of Google's? Its signed launch endorsement, held against the report. */
import { equalBytes, hexOf, isZero } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { SignatureScheme } from "../../base/primitives.ts";
import { bareKeyOf } from "../../base/spki.ts";
import { type ProviderOptions, verifyProviderLeaf } from "../endorsement/provider-chain.ts";
import { parseGuestPolicy } from "../snp/guest-policy.ts";
import type { Report } from "../snp/report.ts";
import { type LaunchEndorsement, parseLaunchEndorsement, type SnpEndorsement } from "./launch-endorsement.ts";

/** What Google said of the firmware. Its word (`cloud-provider`), not AMD's: AMD says only that this MEASUREMENT was launched. */
export interface FirmwareEndorsement {
  readonly provider: "google";
  readonly svn: number;
  /** SHA-384 of the UEFI image. */
  readonly uefiDigest: Uint8Array;
  /** How many VMSAs this MEASUREMENT has; absent for that of an SVSM. */
  readonly vmsas?: number;
  readonly isSimulated: boolean;
}

/** A firmware of Google's, by itself: no report has been held against it. */
export interface GoogleFirmware extends SnpEndorsement {
  readonly uefiDigest: Uint8Array;
  readonly signedAt: bigint;
  readonly isSimulated: boolean;
}

/** From then on every endorsement says which source its firmware was built from (2024-08-02). */
const PROVENANCE_FROM = 1_722_556_800n;

/** The key is known beforehand to be one of RSA; which size, its SubjectPublicKeyInfo says. The salt has 32 bytes. */
const SCHEMES: readonly SignatureScheme[] = ["rsa-4096-pss-sha256", "rsa-3072-pss-sha256"];

/**
 * Verifies a launch endorsement for this report: certificate to a configured root, signature over the bytes as they were received, and
 * MEASUREMENT, guest policy and identifiers among what they allow.
 *
 * @param bytes - A VMLaunchEndorsement, attacker-controlled.
 * @param report - Whose own signature is somebody else's business.
 * @throws {@link Fault} `endorsement/firmware-malformed`, `endorsement/firmware-bad-signature`, `endorsement/firmware-mismatch`, and those
 *   of {@link verifyProviderLeaf}.
 * @see google/gce-tcb-verifier `verify/verify.go` (the order and the dates)
 */
export async function verifyFirmware(
  bytes: Uint8Array,
  report: Report,
  options: ProviderOptions,
): Promise<FirmwareEndorsement> {
  const firmware = await verifyLaunchEndorsement(bytes, options);
  refuseOtherLaunch(firmware, report);
  const vmsas = vmsasOf(firmware, report.measurement);
  const { svn, uefiDigest, isSimulated } = firmware;
  return { provider: "google", svn, uefiDigest, ...(vmsas === undefined ? {} : { vmsas }), isSimulated };
}

/**
 * Verifies a launch endorsement by itself: certificate to a configured root, and signature over the bytes as they were received.
 *
 * @param bytes - A VMLaunchEndorsement, attacker-controlled.
 * @throws {@link Fault} `endorsement/firmware-malformed`, `endorsement/firmware-bad-signature`, `endorsement/firmware-mismatch` for one that does
 *   not say its source, and those of {@link verifyProviderLeaf}.
 */
export async function verifyLaunchEndorsement(
  bytes: Uint8Array,
  options: ProviderOptions,
): Promise<GoogleFirmware> {
  const endorsement = parseLaunchEndorsement(bytes);
  refuseUnknownSource(endorsement);
  const key = await verifyProviderLeaf(endorsement.certificate, options);
  await refuseBadSignature(endorsement, key.spki, options);
  const { snp, uefiDigest, signedAt } = endorsement;
  return { ...snp, uefiDigest, signedAt, isSimulated: key.isSimulated };
}

function refuseUnknownSource({ signedAt, hasProvenance }: LaunchEndorsement): void {
  if (signedAt > PROVENANCE_FROM && !hasProvenance)
    throw mismatch("an endorsement that says which source the firmware was built from");
}

/** INVARIANT: the bytes are those that arrived. Written anew, the same message could be other bytes. */
async function refuseBadSignature(
  { signedBytes, signature }: LaunchEndorsement,
  spki: Uint8Array,
  { primitives }: ProviderOptions,
): Promise<void> {
  const scheme = SCHEMES.find((one) => bareKeyOf(one, spki) !== undefined);
  if (scheme === undefined || !(await primitives.verify(scheme, spki, signedBytes, signature))) {
    throw new Fault(
      "endorsement/firmware-bad-signature",
      "expected a signature over the endorsement by the key of its certificate",
    );
  }
}

/** How many VMSAs go with this MEASUREMENT; `undefined` for the SVSM's. */
function vmsasOf(
  { measurements, svsmMeasurement }: SnpEndorsement,
  measurement: Uint8Array,
): number | undefined {
  for (const [count, endorsed] of measurements) if (equalBytes(endorsed, measurement)) return count;
  if (svsmMeasurement !== undefined && equalBytes(svsmMeasurement, measurement)) return undefined;
  throw mismatch("the report's MEASUREMENT among those of the endorsement", {
    received: hexOf(measurement),
  });
}

/** Guests without an ID block have no identifiers; those of one that has are the endorsed ones. */
function refuseOtherLaunch({ familyId, imageId, policy }: SnpEndorsement, report: Report): void {
  for (const [endorsed, launched] of [
    [familyId, report.familyId],
    [imageId, report.imageId],
  ] as const) {
    if (endorsed !== undefined && !isZero(launched) && !equalBytes(endorsed, launched))
      throw mismatch("the identifiers of the endorsed firmware");
  }
  if (policy !== 0n && allowsMore(report, policy))
    throw mismatch("a guest policy that allows no more than the endorsed one");
}

/** What a bit of the guest policy permits, the endorsed one must permit too; what it demands of the host is the guest's own choice. */
function allowsMore({ guestPolicy }: Report, endorsedPolicy: bigint): boolean {
  const endorsed = parseGuestPolicy(endorsedPolicy);
  return (["debug", "migrateMa", "smt", "cxl"] as const).some((bit) => guestPolicy[bit] && !endorsed[bit]);
}

function mismatch(expected: string, detail: Readonly<Record<string, string>> = {}): Fault {
  return new Fault("endorsement/firmware-mismatch", `launch endorsement: expected ${expected}`, detail);
}
