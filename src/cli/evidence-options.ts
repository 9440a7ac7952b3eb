/** Who asks the hardware of this guest, and where? Options that every verb has that attests. */
import { Misuse } from "./command.ts";

/** Who may be asked for evidence. The simulator is never chosen by itself. */
export const PROVIDER_NAMES = [
  "auto",
  "configfs-tsm",
  "sev-guest",
  "azure-vtpm",
  "svsm",
  "simulator",
] as const;

type ProviderName = (typeof PROVIDER_NAMES)[number];

/** Those whose evidence has no place for a quote of the host's vTPM. */
export const HAVE_NO_HOST_VTPM: readonly ProviderName[] = ["azure-vtpm", "svsm"];

/** What is left out is where Linux, or the cloud, has it. */
export interface EvidenceOptions {
  readonly provider: ProviderName;
  readonly tsmFolder?: string;
  /** `/dev/tpmrm0`, or a socket of this machine. */
  readonly tpmDevice?: string;
  /** Who has the certificates of an Azure machine's chip; `none` is nobody. */
  readonly thim?: string;
  readonly eventLogFile?: string;
  /** Puts a quote of the vTPM that the host runs beside the report. */
  readonly asksHostVtpm?: boolean;
  /** Has the vTPM of the SVSM quote beside the SVSM's report. */
  readonly asksSvsmVtpm?: boolean;
  /** Where processes of this guest take turns at the secure processor. */
  readonly runFolder?: string;
  readonly simulatorFolder?: string;
  readonly vmpl?: 0 | 1 | 2 | 3;
}

/** For `parseArguments`. */
export const EVIDENCE_OPTIONS = {
  provider: { type: "string" },
  "tsm-dir": { type: "string" },
  tpm: { type: "string" },
  thim: { type: "string" },
  "event-log": { type: "string" },
  "host-vtpm": { type: "boolean" },
  "svsm-vtpm": { type: "boolean" },
  "run-dir": { type: "string" },
  "simulator-dir": { type: "string" },
  vmpl: { type: "string" },
} as const;

export const EVIDENCE_USAGE = `  --provider NAME      who asks the hardware: configfs-tsm (Linux 6.7 and later), sev-guest (/dev/sev-guest), azure-vtpm, svsm,
                       simulator; auto is the first of configfs-tsm, sev-guest and azure-vtpm that is there (auto)
  --tsm-dir DIR        where configfs-tsm is (/sys/kernel/config/tsm/report)
  --tpm DEVICE         the vTPM of an Azure guest, or with --host-vtpm or --svsm-vtpm (/dev/tpmrm0)
  --thim URL           who has the certificates of an Azure machine's chip, or none: then the broker asks AMD (Azure's metadata service)
  --event-log FILE     what the firmware measured, shown by an Azure guest or with --svsm-vtpm where the broker wants it, as
                       /sys/kernel/security/tpm0/binary_bios_measurements (not shown)
  --host-vtpm          a quote of the vTPM that the host runs goes with each report, as on Google Cloud; not with azure-vtpm or svsm
  --svsm-vtpm          a quote of the SVSM's own vTPM goes with each report of --provider svsm
  --run-dir DIR        where processes of this guest take turns at its secure processor (/run/ostiary)
  --simulator-dir DIR  folder of the simulated machine
  --vmpl N             privilege level of the report, 0 to 3 (the guest's own)
`;

/** @throws {@link Misuse}. */
export function evidenceOptionsOf(
  values: Readonly<Partial<Record<keyof typeof EVIDENCE_OPTIONS, string | boolean>>>,
): EvidenceOptions {
  const text = (name: keyof typeof EVIDENCE_OPTIONS): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const provider = providerOf(text("provider") ?? "auto");
  const simulatorFolder = text("simulator-dir");
  if (provider === "simulator" && simulatorFolder === undefined) {
    throw new Misuse("expected --simulator-dir DIR with --provider simulator");
  }
  const asksHostVtpm = values["host-vtpm"] === true ? true : undefined;
  if (asksHostVtpm && HAVE_NO_HOST_VTPM.includes(provider)) {
    throw new Misuse(`expected --host-vtpm with a provider of raw reports, received --provider ${provider}`);
  }
  const asksSvsmVtpm = values["svsm-vtpm"] === true ? true : undefined;
  if (asksSvsmVtpm && provider !== "svsm") {
    throw new Misuse(`expected --svsm-vtpm with --provider svsm, received --provider ${provider}`);
  }
  const places = {
    tsmFolder: text("tsm-dir"),
    tpmDevice: text("tpm"),
    thim: thimOf(text("thim")),
    eventLogFile: text("event-log"),
    asksHostVtpm,
    asksSvsmVtpm,
    runFolder: text("run-dir"),
    simulatorFolder,
    vmpl: vmplOf(text("vmpl"), "--vmpl"),
  };
  return { provider, ...given(places) };
}

/** @throws {@link Misuse}. */
export function vmplOf(text: string | undefined, option: string): 0 | 1 | 2 | 3 | undefined {
  if (text === undefined) return undefined;
  const level = ([0, 1, 2, 3] as const).find((known) => String(known) === text);
  if (level === undefined) throw new Misuse(`expected ${option} from 0 to 3, received \`${text}\``);
  return level;
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(members: T): Given<T> {
  const said = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Given<T>;
}

function providerOf(name: string): ProviderName {
  const provider = PROVIDER_NAMES.find((known) => known === name);
  if (provider !== undefined) return provider;
  throw new Misuse(`expected --provider ${PROVIDER_NAMES.join(" or ")}, received \`${name}\``);
}

function thimOf(text: string | undefined): string | undefined {
  if (text === undefined || text === "none" || /^http:\/\/[^\s#]+$/.test(text)) return text;
  throw new Misuse(`expected --thim to be an http URL, or none, received \`${text}\``);
}
