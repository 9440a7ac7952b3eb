/** Which provider does this machine have, and why not another? Each is tried without asking for evidence; the simulator is never among them. */
import { isFault } from "../../base/fault.ts";

/** In the order of choice. An SVSM's word is asked for by whose policy wants it, and not because one is there. */
const CANDIDATES = ["configfs-tsm", "sev-guest", "azure-vtpm", "svsm"] as const;

export type HardwareProvider = (typeof CANDIDATES)[number];

export interface ProviderCandidate {
  readonly provider: HardwareProvider;
  readonly usable: boolean;
  /** What was found, or what is missing. */
  readonly why: string;
  /** What makes it usable, or what it is good for. */
  readonly next?: string;
}

/** Looks whether a provider is there: answers what it found; throws a {@link Fault} for what is missing. */
export type Probes = Readonly<Record<HardwareProvider, () => Promise<string>>>;

const NEXT_WITH: Readonly<Partial<Record<HardwareProvider, string>>> = {
  svsm: "say --provider svsm where the broker's policy asks for the SVSM's word",
};
const NEXT_WITHOUT: Readonly<Record<HardwareProvider, string>> = {
  "configfs-tsm":
    "inside an SEV-SNP guest with Linux 6.7 or later: `mount -t configfs none /sys/kernel/config; modprobe sev-guest`",
  "sev-guest": "inside an SEV-SNP guest with Linux 5.19 or later: `modprobe sev-guest`",
  "azure-vtpm":
    "in a confidential VM of Azure: `modprobe tpm_crb`, and run the agent as root or in the group of /dev/tpmrm0",
  svsm: "under an SVSM with Linux 6.10 or later",
};

/** Tries all of them. Never throws for what is not there. */
export async function detectProviders(probes: Probes): Promise<readonly ProviderCandidate[]> {
  const found: ProviderCandidate[] = [];
  for (const provider of CANDIDATES) found.push(await tried(provider, probes)); // in order: two use one interface
  return found;
}

/** The first that is usable, tried in the order of choice, and what was found on the way. */
export async function chooseProvider(
  probes: Probes,
): Promise<{ readonly chosen: HardwareProvider | undefined; readonly tried: readonly ProviderCandidate[] }> {
  const all: ProviderCandidate[] = [];
  for (const provider of CANDIDATES) {
    const candidate = await tried(provider, probes); // in order: the first is taken
    all.push(candidate);
    if (candidate.usable) return { chosen: provider, tried: all };
  }
  return { chosen: undefined, tried: all };
}

async function tried(provider: HardwareProvider, probes: Probes): Promise<ProviderCandidate> {
  try {
    const why = await probes[provider]();
    const next = NEXT_WITH[provider];
    return { provider, usable: true, why, ...(next === undefined ? {} : { next }) };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { provider, usable: false, why: thrown.message, next: NEXT_WITHOUT[provider] };
  }
}
