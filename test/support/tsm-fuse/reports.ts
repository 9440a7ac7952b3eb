/** How do the attributes of configfs-tsm's report folder behave? As drivers/virt/coco/tsm.c has them, with a chip given from outside. */
import { createHash } from "node:crypto";
import type { Errno } from "./wire.ts";

export interface TsmPlan {
  /** The module behind the folder, `sev_guest` unless it is said; none at all is a kernel without SEV-SNP. */
  readonly provider?: string | undefined;
  /** Who asks the hardware. Throws what the kernel would answer, as {@link refusal} makes it. */
  readonly reportOf: (asked: { readonly reportData: Uint8Array; readonly vmpl: number }) => Uint8Array;
  /** What the host gives beside a report: empty, where it gives nothing. */
  readonly auxblob?: () => Uint8Array;
  /** The least privilege level that may be asked for, and the one of an entry that says nothing is always 0. */
  readonly privlevelFloor?: number;
  /** With an SVSM: what its services say of themselves. `service_provider` = `svsm` asks for a report over it. */
  readonly manifest?: Uint8Array;
  /** Before each act, such as `read outblob`: answers in the kernel's place, or disturbs. */
  readonly before?: (act: string, entry: ReportEntry) => Errno | undefined;
}

/** One folder of reports. Acts throw {@link Refused}. */
export interface ReportEntry {
  readonly attributes: readonly Attribute[];
  readonly read: (attribute: string) => Uint8Array;
  /** What is committed when the file is closed. */
  readonly write: (attribute: string, bytes: Uint8Array) => void;
  /** What another process of the same guest does: writes 64 bytes of its own. */
  readonly disturb: () => void;
}

interface Attribute {
  readonly name: string;
  readonly mode: 0o200 | 0o444;
}

export class Refused extends Error {
  readonly errno: Errno;
  constructor(errno: Errno) {
    super(errno);
    this.errno = errno;
  }
}

export const INBLOB_MAX = 64;
const PRIVLEVEL_MAX = 3;
const MAX_SERVICE_WORD = 64;

const OPTIONS = ["privlevel", "service_provider", "service_guid", "service_manifest_version"] as const;

interface State {
  inblob: Uint8Array;
  options: Map<string, string>;
  generation: number;
  made:
    | { readonly generation: number; readonly outblob: Uint8Array; readonly auxblob: Uint8Array }
    | undefined;
}

/** @throws {@link Refused} ENXIO where no module stands behind the folder: then no entry can be made. */
export function makeReportEntry(plan: TsmPlan): ReportEntry {
  if ("provider" in plan && plan.provider === undefined) throw new Refused("ENXIO");
  const state: State = { inblob: new Uint8Array(0), options: new Map(), generation: 0, made: undefined };
  const entry: ReportEntry = {
    attributes: attributesOf(plan),
    read: (attribute) => {
      refuseAsPlanned(plan, `read ${attribute}`, entry);
      return readAttribute(attribute, state, plan);
    },
    write: (attribute, bytes) => {
      refuseAsPlanned(plan, `write ${attribute}`, entry);
      writeAttribute(attribute, bytes, { state, plan });
    },
    disturb: () => writeAttribute("inblob", new Uint8Array(INBLOB_MAX).fill(0xee), { state, plan }),
  };
  return entry;
}

function refuseAsPlanned({ before }: TsmPlan, act: string, entry: ReportEntry): void {
  const errno = before?.(act, entry);
  if (errno !== undefined) throw new Refused(errno);
}

function attributesOf({ manifest }: TsmPlan): readonly Attribute[] {
  const readable = ["provider", "generation", "privlevel_floor", "outblob", "auxblob"];
  const writable = ["inblob", "privlevel"];
  if (manifest !== undefined) {
    readable.push("manifestblob");
    writable.push("service_provider", "service_guid", "service_manifest_version");
  }
  return [
    ...readable.map((name) => ({ name, mode: 0o444 as const })),
    ...writable.map((name) => ({ name, mode: 0o200 as const })),
  ];
}

function readAttribute(attribute: string, state: State, plan: TsmPlan): Uint8Array {
  switch (attribute) {
    case "provider":
      return text(`${plan.provider ?? "sev_guest"}\n`);
    case "generation":
      return text(`${state.generation}\n`);
    case "privlevel_floor":
      return text(`${plan.privlevelFloor ?? 0}\n`);
    case "outblob":
      return settled(state, plan).outblob;
    case "auxblob":
      return settled(state, plan).auxblob;
    case "manifestblob":
      settled(state, plan);
      return isOfService(state) ? (plan.manifest ?? new Uint8Array(0)) : new Uint8Array(0);
    default:
      throw new Refused("EACCES");
  }
}

/** Made at the first read after a write, and kept until the next write. */
function settled(state: State, plan: TsmPlan): NonNullable<State["made"]> {
  if (state.inblob.length === 0) throw new Refused("EINVAL");
  if (state.made?.generation === state.generation) return state.made;
  if (state.inblob.length !== INBLOB_MAX) throw new Refused("EINVAL");
  const reportData = isOfService(state) ? overManifest(state.inblob, plan) : state.inblob;
  const vmpl = isOfService(state) ? 0 : Number(state.options.get("privlevel") ?? 0);
  // The firmware signs no report of a level above the one that asks; an SVSM asks for itself.
  if (!isOfService(state) && vmpl < (plan.privlevelFloor ?? 0)) throw new Refused("EINVAL");
  const outblob = plan.reportOf({ reportData, vmpl });
  state.made = { generation: state.generation, outblob, auxblob: plan.auxblob?.() ?? new Uint8Array(0) };
  return state.made;
}

function isOfService({ options }: State): boolean {
  return options.get("service_provider") === "svsm";
}

/** The SVSM puts the hash of nonce and manifest into its report (Coconut-SVSM, kernel/src/protocols/attest.rs). */
function overManifest(nonce: Uint8Array, { manifest }: TsmPlan): Uint8Array {
  return createHash("sha512")
    .update(nonce)
    .update(manifest ?? new Uint8Array(0))
    .digest();
}

function writeAttribute(
  attribute: string,
  bytes: Uint8Array,
  { state, plan }: { readonly state: State; readonly plan: TsmPlan },
): void {
  if (attribute === "inblob") state.inblob = Uint8Array.from(bytes);
  else state.options.set(attribute, optionOf(attribute, bytes, plan));
  state.generation += 1;
}

function optionOf(attribute: string, bytes: Uint8Array, { privlevelFloor = 0 }: TsmPlan): string {
  const word = Buffer.from(bytes).toString("latin1").trim();
  if (!OPTIONS.some((known) => known === attribute)) throw new Refused("EACCES");
  if (attribute === "service_provider" && word !== "svsm") throw new Refused("EINVAL");
  if (attribute !== "privlevel") return word.slice(0, MAX_SERVICE_WORD);
  const level = /^\d+$/.test(word) ? Number(word) : Number.NaN;
  if (!(level >= privlevelFloor && level <= PRIVLEVEL_MAX)) throw new Refused("EINVAL");
  return word;
}

function text(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}
