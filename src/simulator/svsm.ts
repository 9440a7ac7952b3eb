/** What would an SVSM be in software? It asks for the report in its guest's place, and says which services it has. */
import { createHash } from "node:crypto";
import { concatBytes } from "../base/bytes.ts";
import type { ReportPlan, SimulatedChip } from "./sp.ts";

/** A service and its manifest; the vTPM's would be its endorsement key. */
export interface ServicePlan {
  readonly guid: string;
  readonly manifest: Uint8Array;
}

const TABLE = "63849ebb-3d92-4670-a1ff-58f9c94b87bb";
const ENTRY_SIZE = 24;

/** The table of all services, as `SVSM_ATTEST_SERVICES` gives it. */
export function svsmManifest(services: readonly ServicePlan[]): Uint8Array {
  let offset = ENTRY_SIZE * (services.length + 1);
  const entries = services.map(({ guid, manifest }) => {
    const entry = concatBytes(guidBytes(guid), u32s(offset, manifest.length));
    offset += manifest.length;
    return entry;
  });
  const header = concatBytes(guidBytes(TABLE), u32s(offset, services.length));
  return concatBytes(header, ...entries, ...services.map(({ manifest }) => manifest));
}

/** The report over a guest's binder and the manifest, asked for at VMPL 0. */
export function svsmReport(
  chip: SimulatedChip,
  asked: { readonly binder: Uint8Array; readonly manifest: Uint8Array },
  plan: Omit<ReportPlan, "reportData"> = {},
): Uint8Array {
  const hash = createHash("sha512").update(asked.binder).update(asked.manifest);
  return chip.report({ ...plan, reportData: Uint8Array.from(hash.digest()) });
}

/** The first three groups are little-endian. */
function guidBytes(guid: string): Uint8Array {
  const [a = "", b = "", c = "", ...rest] = guid.split("-");
  const reversed = [a, b, c].map((group) => Uint8Array.from(Buffer.from(group, "hex")).reverse());
  return concatBytes(...reversed, Uint8Array.from(Buffer.from(rest.join(""), "hex")));
}

function u32s(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true);
  return bytes;
}
