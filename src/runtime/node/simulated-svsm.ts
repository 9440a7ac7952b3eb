/** What does a guest under an SVSM on a simulated machine show? The SVSM's report over its manifest, and a quote of its vTPM. */
import type { CarriedSvsm } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { REPORT_FIELDS } from "../../attestation/snp/layout.ts";
import { VTPM_SERVICE } from "../../attestation/svsm/manifest.ts";
import {
  endorsementsOf,
  loadOrCreateMachine,
  loadOrCreateSvsmVtpmKeys,
  type SimulatedMachine,
} from "../../simulator/chip-folder.ts";
import { svsmManifest, svsmReport } from "../../simulator/svsm.ts";
import { createSimulatedSvsmVtpm, type SimulatedSvsmVtpm } from "../../simulator/svsm-vtpm.ts";
import { systemNow } from "./clock.ts";
import { productOf } from "./simulator-provider.ts";

/** The guest; what is not given is ordinary. */
export interface SimulatedSvsmGuest {
  /** Registers by their number: what this VM booted. */
  readonly pcrs?: Readonly<Record<number, Uint8Array>>;
}

/** Makes the provider of a guest whose SVSM and vTPM are simulated, on the machine of `folder`, whatever its product. */
export function createSimulatedSvsm(
  folder: string,
  { pcrs = {} }: SimulatedSvsmGuest = {},
): EvidenceProvider<CarriedSvsm> {
  let vm: { readonly machine: SimulatedMachine; readonly vtpm: SimulatedSvsmVtpm } | undefined;
  const started = () => {
    vm ??= {
      machine: loadOrCreateMachine(folder, productOf(folder)),
      vtpm: createSimulatedSvsmVtpm(loadOrCreateSvsmVtpmKeys(folder), pcrs),
    };
    return vm;
  };
  return {
    name: "simulator-svsm",
    format: "svsm",
    vmpl: 0,
    vtpmKeys: async () => started().vtpm.keys,
    attest: async (binder, credential) => {
      const { machine, vtpm } = started();
      const manifest = svsmManifest([{ guid: VTPM_SERVICE, manifest: vtpm.ek }]);
      const report = svsmReport(machine.chip, { binder, manifest });
      const { at, size } = REPORT_FIELDS.reportData;
      return {
        format: "svsm",
        report,
        manifest,
        ...(credential === undefined ? {} : { vtpm: vtpm.quoteFor(report.slice(at, at + size), credential) }),
        endorsements: endorsementsOf(machine.root, machine.chip, systemNow()),
      };
    },
  };
}
