/** Whose is a simulated machine, and what did its VM boot? Its folder says so, in `azure.json` or `svsm.json`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { parseHex } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { createSimulatedAzure } from "./simulated-azure.ts";
import { createSimulatedSvsm } from "./simulated-svsm.ts";
import { createSimulatorProvider, type SimulatedGuest } from "./simulator-provider.ts";

type Registers = Readonly<Record<number, Uint8Array>>;

/** Beside the machine's keys: `{ "pcrs": { "11": HEX } }`, the registers that its VM left otherwise than ordinary. */
const KINDS: readonly (readonly [
  file: string,
  provider: (folder: string, guest: { readonly pcrs: Registers }) => EvidenceProvider,
])[] = [
  ["azure.json", createSimulatedAzure],
  ["svsm.json", createSimulatedSvsm],
];
const LIMITS = { maxBytes: 64 * 1024, maxDepth: 4, code: "config/invalid" } as const;

/**
 * The provider of a simulated machine, of the kind that its folder says: a VM of Azure's where there is an `azure.json`, one under an SVSM
 * where there is an `svsm.json`, else a guest that asks the firmware itself.
 *
 * @throws {@link Fault} `config/invalid` for such a file of another form.
 */
export function simulatedMachineOf(folder: string, guest: SimulatedGuest = {}): EvidenceProvider {
  for (const [file, providerOf] of KINDS) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    return providerOf(folder, { pcrs: registersIn(Uint8Array.from(readFileSync(path)), path) });
  }
  return createSimulatorProvider(folder, guest);
}

function registersIn(bytes: Uint8Array, path: string): Registers {
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
