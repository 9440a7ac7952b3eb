/** Which simulated cloud do tests share? One, its keys made once and kept in the system's temporary folder. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProviderTrust, providerAuthorities } from "../../src/attestation/endorsement/provider-chain.ts";
import type { CarriedHostVtpm } from "../../src/attestation/evidence.ts";
import { hostVtpmBinder } from "../../src/attestation/host-vtpm-binder.ts";
import { instant } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { CertificatePlan } from "../../src/simulator/certificate.ts";
import {
  type LaunchEndorsementPlan,
  writeLaunchEndorsement,
} from "../../src/simulator/launch-endorsement.ts";
import { loadOrCreateProvider } from "../../src/simulator/provider-folder.ts";
import { p256, type SimulatedProvider } from "../../src/simulator/provider-root.ts";
import { createSimulatedVtpm, type QuotePlan, type SimulatedVtpm } from "../../src/simulator/vtpm.ts";

let made: SimulatedProvider | undefined;

export function simulatedProvider(): SimulatedProvider {
  made ??= loadOrCreateProvider(join(tmpdir(), "ostiary-simulator-v1", "provider"));
  return made;
}

/** Whom a broker trusts that was told of this cloud. */
export function simulatedProviders(): ProviderTrust {
  const { firmwareRoot, akRoot, akIntermediate } = simulatedProvider();
  return {
    firmware: providerAuthorities([firmwareRoot]),
    hostVtpm: providerAuthorities([akIntermediate, akRoot]),
  };
}

/** A vTPM that the host runs, with a key on P-256 as GCE's ECC template makes one, and that of another VM. */
export const HOST_VTPM = createSimulatedVtpm(p256());
export const OTHER_HOST_VTPM = createSimulatedVtpm(p256(), { 11: new Uint8Array(32).fill(0xbb) });

export interface HostVtpmPlan {
  readonly vtpm?: SimulatedVtpm;
  readonly quote?: Partial<QuotePlan>;
  readonly certificate?: Partial<CertificatePlan>;
  readonly carried?: Partial<CarriedHostVtpm>;
}

/** A quote for the report with this REPORT_DATA, good but for its deviations. */
export function hostVtpmOf(reportData: Uint8Array, plan: HostVtpmPlan = {}): CarriedHostVtpm {
  const { vtpm = HOST_VTPM, quote, certificate, carried } = plan;
  return {
    ...vtpm.quote({ qualifyingData: hostVtpmBinder(reportData, nodePrimitives), ...quote }),
    akCertificate: simulatedProvider().akCertificate(vtpm.key, certificate),
    ...carried,
  };
}

/** MEASUREMENT of the simulated firmware with four VMSAs. */
export const FOUR_VMSAS = new Uint8Array(48).fill(0x44);
export const UEFI_DIGEST = new Uint8Array(48).fill(0x0f);

/** A good endorsement but for its deviations. */
export function endorsementOf(plan: Partial<LaunchEndorsementPlan> = {}): Uint8Array {
  const provider = simulatedProvider();
  return writeLaunchEndorsement({
    signedAt: instant(1_767_225_600), // 2026-01-01
    changeList: 123_456_789,
    certificate: provider.firmwareCertificate(),
    key: provider.keys.firmwareSigner,
    uefiDigest: UEFI_DIGEST,
    svn: 3,
    measurements: { 1: new Uint8Array(48).fill(0x11), 4: FOUR_VMSAS, 224: new Uint8Array(48).fill(0xe0) },
    ...plan,
  });
}
