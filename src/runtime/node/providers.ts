/** Who asks the hardware on this machine? The provider that is named, or the first that is there; each loaded where it is used. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { AzureVtpmOptions } from "../../agent/providers/azure-vtpm.ts";
import {
  chooseProvider,
  detectProviders,
  type HardwareProvider,
  type Probes,
  type ProviderCandidate,
} from "../../agent/providers/detect.ts";
import { createSharedChannel, type SharedChannel } from "../../agent/providers/shared-channel.ts";
import type { SvsmVtpmAsker } from "../../agent/providers/svsm-vtpm.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { Fault } from "../../base/fault.ts";
import { systemRandom } from "./clock.ts";
import { nodePrimitives } from "./primitives.ts";

/** Which provider, and where the interfaces are; what is left out is where Linux, or the cloud, has it. */
export interface ProviderPlaces {
  /** `auto`, the first that is there, unless it is said. */
  readonly name?: HardwareProvider | "auto" | undefined;
  /** Of configfs-tsm. */
  readonly tsmFolder?: string | undefined;
  readonly sevGuestDevice?: string | undefined;
  /** `/dev/tpmrm0`, or a socket of this machine. */
  readonly tpmDevice?: string | undefined;
  /** Who is asked for the certificates of an Azure machine's chip; `none` is nobody. */
  readonly thim?: string | undefined;
  /** The event log of this boot, where a guest is to show it beside a quote. */
  readonly eventLogFile?: string | undefined;
  /** Has the vTPM of an SVSM quote beside the SVSM's report. */
  readonly asksSvsmVtpm?: boolean | undefined;
  /** Where processes of this guest take turns at the secure processor; it has to last until the next boot, and no longer. */
  readonly runFolder?: string | undefined;
  /** The privilege level of reports; that of the guest unless it is said. */
  readonly vmpl?: 0 | 1 | 2 | 3 | undefined;
}

const RUN_FOLDER = "/run/ostiary";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const SEV_GUEST = "/dev/sev-guest";
const TPM = "/dev/tpmrm0";
/** A message has room for no more (PROTOCOL section 11). */
const MAX_EVENT_LOG_BYTES = 128 * 1024;

/**
 * Opens a provider of this guest.
 *
 * @throws {@link Fault} `provider/unavailable`: this is no SEV-SNP guest, or its kernel does not show it; with `auto`, what was tried and why it
 *   is not there. `tpm/…` of the vTPM that was named.
 */
export async function openProvider(places: ProviderPlaces): Promise<EvidenceProvider> {
  const { name = "auto" } = places;
  if (name !== "auto") return OPENERS[name](places);
  const { chosen, tried } = await chooseProvider(probesOf(places));
  if (chosen !== undefined) return OPENERS[chosen](places);
  const reasons = tried.map(({ provider, why }) => `${provider}: ${why}`).join("; ");
  throw new Fault(
    "provider/unavailable",
    `expected an SEV-SNP guest, and found no provider of evidence: ${reasons}`,
  );
}

/**
 * The same, with a quote of the vTPM that the host runs beside each report.
 *
 * @throws {@link Fault} `provider/unavailable`, `tpm/…`.
 */
export async function besideHostVtpm(
  provider: EvidenceProvider,
  places: Pick<ProviderPlaces, "tpmDevice">,
): Promise<EvidenceProvider> {
  const { openHostVtpm } = await import("../../agent/providers/host-vtpm.ts");
  return openHostVtpm(provider, { withTpm: await tpmOf(places), digest: nodePrimitives.digest });
}

/** What this machine has, each with its reason. Asks nobody for evidence. */
export function detectOn(places: ProviderPlaces): Promise<readonly ProviderCandidate[]> {
  return detectProviders(probesOf(places));
}

const OPENERS: Readonly<Record<HardwareProvider, (places: ProviderPlaces) => Promise<EvidenceProvider>>> = {
  "configfs-tsm": async (places) => {
    const { openConfigfsTsm } = await import("../../agent/providers/configfs-tsm.ts");
    return openConfigfsTsm({ ...tsmOf(places), vmpl: places.vmpl, channel: channelOf(places) });
  },
  svsm: async (places) => {
    const { openSvsm } = await import("../../agent/providers/svsm.ts");
    const vtpm = places.asksSvsmVtpm === true ? await svsmVtpmOf(places) : undefined;
    return openSvsm({ ...tsmOf(places), channel: channelOf(places), vtpm });
  },
  "sev-guest": async (places) => {
    const { openSevGuest } = await import("../../agent/providers/sev-guest.ts");
    return openSevGuest({ open: () => sevGuestOf(places), channel: channelOf(places), vmpl: places.vmpl });
  },
  "azure-vtpm": async (places) => {
    const { openAzureVtpm } = await import("../../agent/providers/azure-vtpm.ts");
    const { thim } = places;
    return openAzureVtpm({
      withTpm: await tpmOf(places),
      digest: nodePrimitives.digest,
      endorsements: async () =>
        thim === "none" ? [] : (await import("../../agent/providers/thim.ts")).askThim(thim),
      eventLog: eventLogFrom(places),
    });
  },
};

function probesOf(places: ProviderPlaces): Probes {
  const tsmFacts = async () =>
    (await import("../../agent/providers/tsm-entry.ts")).readTsmFacts(tsmOf(places));
  return {
    "configfs-tsm": async () => {
      const { floor, hasSvsm } = await tsmFacts();
      const level = floor === undefined ? "" : `, this guest runs at VMPL ${floor}`;
      return `the kernel shows reports of SEV-SNP${level}${hasSvsm ? ", under an SVSM" : ""}`;
    },
    svsm: async () => {
      if ((await tsmFacts()).hasSvsm) return "an SVSM stands over this guest";
      throw new Fault("provider/unavailable", "no SVSM stands over this guest");
    },
    "sev-guest": async () => {
      await (await sevGuestOf(places)).close();
      return "the device is there";
    },
    "azure-vtpm": async () => {
      const { probeAzureVtpm } = await import("../../agent/providers/azure-vtpm.ts");
      await probeAzureVtpm(await tpmOf(places));
      return `the vTPM has a paravisor's report of SEV-SNP and an attestation key${await isolationHint()}`;
    },
  };
}

function tsmOf({ tsmFolder }: ProviderPlaces) {
  return { folder: tsmFolder, random: systemRandom };
}

/** Native code is loaded for the device alone, and is not there in the agent that is one script. */
async function sevGuestOf({ sevGuestDevice = SEV_GUEST }: ProviderPlaces) {
  const { openSevGuestDevice } = await import("./sev-guest.ts").catch((thrown: unknown) => {
    throw new Fault(
      "provider/unavailable",
      "this agent was built without the package koffi, by which /dev/sev-guest is asked",
      {},
      thrown,
    );
  });
  return openSevGuestDevice(sevGuestDevice);
}

async function svsmVtpmOf(places: ProviderPlaces): Promise<SvsmVtpmAsker> {
  const { createSvsmVtpm } = await import("../../agent/providers/svsm-vtpm.ts");
  const { digest, hmac } = nodePrimitives;
  const parts = { withTpm: await tpmOf(places), digest, hmac, random: systemRandom };
  return createSvsmVtpm({ ...parts, eventLog: eventLogFrom(places) });
}

async function tpmOf({ tpmDevice = TPM }: ProviderPlaces): Promise<AzureVtpmOptions["withTpm"]> {
  const { withTpm } = await import("./tpm.ts");
  return (work) => withTpm(tpmDevice, work);
}

/** Hyper-V's isolation type (CPUID 0x4000000C, EBX), where this kernel lets it be read: 2 is SEV-SNP. Told, and nothing rests on it. */
async function isolationHint(): Promise<string> {
  const { isolationType } = await import("./cpuid.ts");
  const type = await isolationType();
  return type === undefined ? "" : `; Hyper-V says isolation type ${type}${type === 2 ? ", SEV-SNP" : ""}`;
}

function eventLogFrom({ eventLogFile }: ProviderPlaces) {
  return eventLogFile === undefined ? undefined : () => eventLogOf(eventLogFile);
}

async function eventLogOf(path: string): Promise<Uint8Array | undefined> {
  const { bytesOf } = await import("./named-files.ts");
  const log = await bytesOf(path);
  if (log.length <= MAX_EVENT_LOG_BYTES) return log;
  throw new Fault(
    "file/unusable",
    `expected an event log of at most ${MAX_EVENT_LOG_BYTES} bytes: leave it out`,
    { path },
  );
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
