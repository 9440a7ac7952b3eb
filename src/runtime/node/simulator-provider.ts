/** How does a guest without hardware prove itself? By a simulated machine in a folder, which only a demo broker trusts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CarriedAzureHcl, CarriedRaw } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { ProductLine } from "../../attestation/snp/product.ts";
import type { Instant } from "../../base/time.ts";
import { azureHclBlob, type ParavisorPlan } from "../../simulator/azure-hcl.ts";
import {
  endorsementsOf,
  loadOrCreateAttestationKey,
  loadOrCreateMachine,
  type SimulatedMachine,
} from "../../simulator/chip-folder.ts";
import { chipPlanOf, cloudOf, createGoogleHost } from "../../simulator/cloud-machine.ts";
import type { ReportPlan } from "../../simulator/sp.ts";
import { createSimulatedVtpm, type SimulatedVtpm } from "../../simulator/vtpm.ts";
import type { Vmpl } from "../../wire/messages.ts";
import { systemNow } from "./clock.ts";

/** The guest that runs on the simulated machine; what is not given is ordinary. */
export interface SimulatedGuest extends Omit<ReportPlan, "reportData" | "vmpl"> {
  readonly vmpl?: Vmpl;
}

/**
 * Makes the provider. The machine of `folder` is used, whatever its product; where there is none, the first report makes
 * one. Its root is `ark.pem` there. A file `cloud` says whose host it is.
 *
 * @throws From `attest`: what the file system throws; a simulator has no hardware that could be missing.
 */
export function createSimulatorProvider(
  folder: string,
  guest: SimulatedGuest = {},
): EvidenceProvider<CarriedRaw> {
  let placed: Placed | undefined;
  const { vmpl = 0 } = guest;
  return {
    name: "simulator",
    format: "raw",
    vmpl,
    attest: async (reportData) => {
      placed ??= placedIn(folder);
      const report = placed.chip.report({ ...guest, vmpl, reportData });
      return placed.given(report, systemNow());
    },
  };
}

/** A machine, and what its host gives with a report: on Google Cloud more than a table of certificates. */
interface Placed extends SimulatedMachine {
  readonly given: (report: Uint8Array, now: Instant) => CarriedRaw;
}

function placedIn(folder: string): Placed {
  const cloud = cloudOf(folder);
  const machine = loadOrCreateMachine(folder, productOf(folder), chipPlanOf(cloud));
  if (cloud === "gcp") return { ...machine, given: createGoogleHost(folder, machine) };
  return {
    ...machine,
    given: (report, now) => ({ format: "raw", report, certTable: machine.certTable(now) }),
  };
}

/** The confidential VM of Azure's that runs on the simulated machine; what is not given is ordinary. */
export interface SimulatedAzureGuest {
  readonly paravisor?: Omit<ParavisorPlan, "akModulus">;
  /** Registers by their number: what this VM booted. */
  readonly pcrs?: Readonly<Record<number, Uint8Array>>;
  readonly eventLog?: Uint8Array;
}

/**
 * Makes the provider of a VM whose paravisor and vTPM are simulated, on the machine of `folder` as {@link createSimulatorProvider}
 * has it.
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

/** The broker of a demonstration, on the same machine as its guests: another image, so another measurement. */
export function createSimulatedBroker(folder: string): EvidenceProvider {
  return createSimulatorProvider(folder, { measurement: new Uint8Array(48).fill(BROKER_IMAGE) });
}

const BROKER_IMAGE = 0xb0;

function productOf(folder: string): ProductLine {
  return PRODUCTS.find((product) => existsSync(join(folder, `root-${product}.json`))) ?? DEFAULT_PRODUCT;
}

const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const DEFAULT_PRODUCT: ProductLine = "genoa";
