/** What does a simulated VM of Azure's show? Its paravisor's blob and a quote, each part of which can be given otherwise. */
import type { CarriedAzureHcl } from "../../src/attestation/evidence.ts";
import { azureHclBlob, type ParavisorPlan } from "../../src/simulator/azure-hcl.ts";
import type { SimulatedChip } from "../../src/simulator/sp.ts";
import {
  createSimulatedVtpm,
  generateAttestationKey,
  type QuotePlan,
  type SimulatedVtpm,
} from "../../src/simulator/vtpm.ts";

/** The vTPM of a VM that booted what its policy wants, and that of another VM. */
export const VTPM = createSimulatedVtpm(generateAttestationKey());
export const OTHER_VTPM = createSimulatedVtpm(generateAttestationKey());

export interface AzureDeviation {
  readonly vtpm?: SimulatedVtpm;
  readonly paravisor?: Partial<ParavisorPlan>;
  readonly quote?: Partial<QuotePlan>;
  readonly carried?: Partial<CarriedAzureHcl>;
}

/** Evidence over this binder, good but for its deviations. */
export function azureEvidence(
  binder: Uint8Array,
  chip: SimulatedChip,
  { vtpm = VTPM, paravisor, quote, carried }: AzureDeviation = {},
): CarriedAzureHcl {
  return {
    format: "azure-hcl",
    hcl: azureHclBlob(chip, { akModulus: vtpm.akModulus, ...paravisor }),
    ...vtpm.quote({ qualifyingData: binder, ...quote }),
    ...carried,
  };
}
