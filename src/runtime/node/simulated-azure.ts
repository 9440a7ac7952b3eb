/** Is a simulated machine one of Azure's, and what did its VM boot? Its folder says so, in `azure.json`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CarriedAzureHcl } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { parseHex } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { azureHclBlob, type ParavisorPlan } from "../../simulator/azure-hcl.ts";
import {
  endorsementsOf,
  loadOrCreateAttestationKey,
  loadOrCreateMachine,
  type SimulatedMachine,
} from "../../simulator/chip-folder.ts";
import { createSimulatedVtpm, type SimulatedVtpm } from "../../simulator/vtpm.ts";
import { systemNow } from "./clock.ts";
import { createSimulatorProvider, productOf, type SimulatedGuest } from "./simulator-provider.ts";

/** Beside the machine's keys: `{ "pcrs": { "11": HEX } }`, the registers that its VM left otherwise than ordinary. */
const AZURE_FILE = "azure.json";
const LIMITS = { maxBytes: 64 * 1024, maxDepth: 4, code: "config/invalid" } as const;

/**
 * The provider of a simulated machine, of the kind that its folder says: a VM of Azure's where there is an `azure.json`, else a guest
 * that asks the firmware itself.
 *
 * @throws {@link Fault} `config/invalid` for an `azure.json` of another form.
 */
export function simulatedMachineOf(folder: string, guest: SimulatedGuest = {}): EvidenceProvider {
  const path = join(folder, AZURE_FILE);
  if (!existsSync(path)) return createSimulatorProvider(folder, guest);
  return createSimulatedAzure(folder, { pcrs: registersIn(Uint8Array.from(readFileSync(path)), path) });
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

function registersIn(bytes: Uint8Array, path: string): Readonly<Record<number, Uint8Array>> {
  const json = parseStrictJson(bytes, LIMITS);
  const { pcrs = {}, ...others } = isRecord(json) ? json : { "": json };
  if (!isRecord(pcrs) || Object.keys(others).length > 0) throw malformed(path);
  return Object.fromEntries(
    Object.entries(pcrs).map(([pcr, hex]) => {
      const value = typeof hex === "string" ? parseHex(hex) : undefined;
      if (!/^(1?\d|2[0-3])$/.test(pcr) || value?.length !== 32) throw malformed(path);
      return [pcr, value];
    }),
  );
}

function isRecord(value: JsonValue): value is { readonly [name: string]: JsonValue | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(path: string): Fault {
  return new Fault("config/invalid", `expected \`{ "pcrs": { "11": "64 hex digits" } }\` in ${path}`);
}
