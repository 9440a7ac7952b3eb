/** What does a VM of Azure's on a simulated machine show? The blob of a paravisor, and a quote of its vTPM. */
import type { CarriedAzureHcl } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { azureHclBlob, type ParavisorPlan } from "../../simulator/azure-hcl.ts";
import {
  endorsementsOf,
  loadOrCreateAttestationKey,
  loadOrCreateMachine,
  type SimulatedMachine,
} from "../../simulator/chip-folder.ts";
import { createSimulatedVtpm, type SimulatedVtpm } from "../../simulator/vtpm.ts";
import { systemNow } from "./clock.ts";
import { productOf } from "./simulator-provider.ts";

/** The confidential VM of Azure's that runs on the simulated machine; what is not given is ordinary. */
export interface SimulatedAzureGuest {
  readonly paravisor?: Omit<ParavisorPlan, "akModulus">;
  /** Registers by their number: what this VM booted. */
  readonly pcrs?: Readonly<Record<number, Uint8Array>>;
  readonly eventLog?: Uint8Array;
}

/**
 * Makes the provider of a VM whose paravisor and vTPM are simulated, on the machine of `folder`, whatever its product.
 */
export function createSimulatedAzure(
  folder: string,
  { paravisor = {}, pcrs = {}, eventLog }: SimulatedAzureGuest = {},
): EvidenceProvider<CarriedAzureHcl> {
  let vm: { readonly machine: SimulatedMachine; readonly vtpm: SimulatedVtpm } | undefined;
  return {
    name: "simulator-azure",
    format: "azure-hcl",
    vmpl: 0,
    attest: async (binder) => {
      vm ??= {
        machine: loadOrCreateMachine(folder, productOf(folder)),
        vtpm: createSimulatedVtpm(loadOrCreateAttestationKey(folder), pcrs),
      };
      const { chip, root } = vm.machine;
      return {
        format: "azure-hcl",
        hcl: azureHclBlob(chip, { ...paravisor, akModulus: vm.vtpm.akModulus }),
        ...vm.vtpm.quote({ qualifyingData: binder }),
        ...(eventLog === undefined ? {} : { eventLog }),
        endorsements: endorsementsOf(root, chip, systemNow()),
      };
    },
  };
}
