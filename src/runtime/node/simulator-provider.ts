/** How does a guest without hardware prove itself? By a simulated machine in a folder, which only a demo broker trusts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CarriedRaw } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { ProductLine } from "../../attestation/snp/product.ts";

import type { Instant } from "../../base/time.ts";
import { loadOrCreateMachine, type SimulatedMachine } from "../../simulator/chip-folder.ts";
import { chipPlanOf, cloudOf, createGoogleHost } from "../../simulator/cloud-machine.ts";

import type { ReportPlan } from "../../simulator/sp.ts";
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

/** The broker of a demonstration, on the same machine as its guests: another image, so another measurement. */
export function createSimulatedBroker(folder: string): EvidenceProvider {
  return createSimulatorProvider(folder, { measurement: new Uint8Array(48).fill(BROKER_IMAGE) });
}

const BROKER_IMAGE = 0xb0;

/** The product line of a folder's machine; that of the first one where there is none yet. */
export function productOf(folder: string): ProductLine {
  return PRODUCTS.find((product) => existsSync(join(folder, `root-${product}.json`))) ?? DEFAULT_PRODUCT;
}

const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const DEFAULT_PRODUCT: ProductLine = "genoa";
