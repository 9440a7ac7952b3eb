/** Who asks the hardware on this machine? The provider that is named, with the turns that all processes of a guest take. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { openConfigfsTsm } from "../../agent/providers/configfs-tsm.ts";
import { createSharedChannel, type SharedChannel } from "../../agent/providers/shared-channel.ts";
import { openSvsm } from "../../agent/providers/svsm.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { systemRandom } from "./clock.ts";

/** Which provider, and where the interfaces are; what is left out is where Linux has it. */
export interface ProviderPlaces {
  /** `configfs-tsm` unless it is said. */
  readonly name?: "configfs-tsm" | "svsm" | undefined;
  /** Of configfs-tsm. */
  readonly folder?: string | undefined;
  /** Where processes of this guest take turns at the secure processor; it has to last until the next boot, and no longer. */
  readonly runFolder?: string | undefined;
  /** The privilege level of reports; that of the guest unless it is said. */
  readonly vmpl?: 0 | 1 | 2 | 3 | undefined;
}

const RUN_FOLDER = "/run/ostiary";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * The provider of a Linux guest.
 *
 * @throws {@link Fault} `provider/unavailable`: this is no SEV-SNP guest, or its kernel does not show it.
 */
export function openProvider(places: ProviderPlaces): Promise<EvidenceProvider> {
  const { name = "configfs-tsm", folder, vmpl } = places;
  const channel = channelOf(places);
  switch (name) {
    case "configfs-tsm":
      return openConfigfsTsm({ folder, vmpl, random: systemRandom, channel });
    case "svsm":
      return openSvsm({ folder, random: systemRandom, channel });
  }
}

function channelOf({ runFolder = RUN_FOLDER }: ProviderPlaces): SharedChannel {
  return createSharedChannel({
    folder: runFolder,
    bootId,
    milliseconds: () => Number(process.hrtime.bigint() / 1_000_000n), // CLOCK_MONOTONIC: one for all processes
    sleep: (milliseconds) => sleep(milliseconds),
    random: Math.random,
  });
}

/** A service that is shown no /proc/sys has to do with a folder that goes with the boot. */
async function bootId(): Promise<string> {
  return (await readFile(BOOT_ID, "utf8").catch(() => "unknown")).trim();
}
