/** How does a Linux guest get its report? From configfs-tsm: 64 bytes and a privilege level in, report and certificate table out. */
import type { CarriedRaw } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { isZero, utf8 } from "../../base/bytes.ts";
import type { Vmpl } from "../../wire/messages.ts";
import { refuseOtherSize, reportOver } from "./report-over.ts";
import type { SharedChannel } from "./shared-channel.ts";
import { askTsm, readTsmFacts, type TsmOptions } from "./tsm-entry.ts";
import { tsmUnavailable } from "./tsm-faults.ts";

export interface ConfigfsTsmOptions extends TsmOptions {
  /** The privilege level of reports; the floor, which is where the guest runs, unless it is said. */
  readonly vmpl?: Vmpl | undefined;
  readonly channel: SharedChannel;
}

/**
 * Opens the interface: reads which level the guest runs at, so that a guest under an SVSM asks for no level above its own.
 *
 * @throws {@link Fault} `provider/unavailable`, also for a level below the floor.
 */
export async function openConfigfsTsm(options: ConfigfsTsmOptions): Promise<EvidenceProvider<CarriedRaw>> {
  const { floor } = await readTsmFacts(options);
  const vmpl = options.vmpl ?? floor ?? 0;
  if (vmpl < (floor ?? 0)) {
    throw tsmUnavailable(`expected a level from ${floor} to 3, this guest's own, received --vmpl ${vmpl}`);
  }
  // A kernel that shows no floor takes no level either.
  const level = floor === undefined ? [] : [["privlevel", utf8(String(vmpl))] as const];
  return {
    name: "configfs-tsm",
    format: "raw",
    vmpl,
    attest: async (reportData) => {
      refuseOtherSize(reportData);
      const own = reportData.slice();
      const writes = [...level, ["inblob", own] as const];
      const { auxblob, outblob } = await askTsm(options, { writes, blobs: ["auxblob", "outblob"] });
      const report = reportOver(own, outblob ?? new Uint8Array(0));
      // A host that gives nothing leaves it empty, an old kernel leaves it out.
      return {
        format: "raw",
        report,
        ...(auxblob === undefined || isZero(auxblob) ? {} : { certTable: auxblob }),
      };
    },
  };
}
