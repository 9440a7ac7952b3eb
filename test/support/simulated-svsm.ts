/** What does a simulated guest under an SVSM show? The SVSM's report and a quote of its vTPM, each part of which can be given otherwise. */
import type { CarriedSvsm } from "../../src/attestation/evidence.ts";
import { VTPM_SERVICE } from "../../src/attestation/svsm/manifest.ts";
import type { CarriedSvsmVtpm } from "../../src/attestation/svsm/vtpm.ts";
import type { Credential } from "../../src/attestation/tpm/make-credential.ts";
import type { ReportPlan, SimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest, svsmReport } from "../../src/simulator/svsm.ts";
import {
  createSimulatedSvsmVtpm,
  generateSvsmVtpmKeys,
  type SimulatedSvsmVtpm,
} from "../../src/simulator/svsm-vtpm.ts";
import type { QuotePlan } from "../../src/simulator/vtpm.ts";

/** The vTPM of a VM that booted what its policy wants, and that of another VM. */
export const SVSM_VTPM = createSimulatedSvsmVtpm(generateSvsmVtpmKeys());
export const OTHER_SVSM_VTPM = createSimulatedSvsmVtpm(generateSvsmVtpmKeys());

export const UEFI_SERVICE = "a4453a59-9e1b-4787-a033-1986d6adbe55";

export interface SvsmDeviation {
  /** The one that quotes. */
  readonly vtpm?: SimulatedSvsmVtpm;
  /** What the SVSM says of its services. */
  readonly manifest?: Uint8Array;
  readonly report?: Omit<ReportPlan, "reportData">;
  readonly quote?: Partial<QuotePlan>;
  /** The last word on what goes beside the report. */
  readonly beside?: (vtpm: CarriedSvsmVtpm, reportData: Uint8Array) => Partial<CarriedSvsmVtpm> | undefined;
}

export function manifestOf(ek: Uint8Array, guid = VTPM_SERVICE): Uint8Array {
  return svsmManifest([{ guid, manifest: ek }]);
}

/** Evidence over this binder with the quote of whoever opened this credential, good but for its deviations. */
export function svsmEvidence(
  { binder, chip }: { readonly binder: Uint8Array; readonly chip: SimulatedChip },
  credential: Credential,
  deviation: SvsmDeviation = {},
): CarriedSvsm {
  const { vtpm = SVSM_VTPM, manifest = manifestOf(SVSM_VTPM.ek), quote, beside } = deviation;
  const report = svsmReport(chip, { binder, manifest }, deviation.report);
  const reportData = report.slice(0x50, 0x90);
  const good = vtpm.quoteFor(reportData, credential, quote);
  const changed = beside === undefined ? {} : beside(good, reportData);
  return {
    format: "svsm",
    report,
    manifest,
    ...(changed === undefined ? {} : { vtpm: { ...good, ...changed } }),
  };
}
