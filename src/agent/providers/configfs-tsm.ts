/** How does a Linux guest get its report? From configfs-tsm: an entry, 64 bytes in, report and certificate table out. */
import { join } from "node:path";
import type { CarriedRaw } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { REPORT_FIELDS, REPORT_SIZE } from "../../attestation/snp/layout.ts";
import { equalBytes, hexOf, isZero, parseUtf8, utf8 } from "../../base/bytes.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { Vmpl } from "../../wire/messages.ts";
import { nodeTsmFiles, type TsmFiles } from "./tsm-files.ts";

export interface ConfigfsTsmOptions {
  /** Where the kernel shows its reports. */
  readonly folder?: string;
  /** Written to `privlevel` where it is given; else the kernel's own, 0. */
  readonly vmpl?: Vmpl;
  readonly random: (size: number) => Uint8Array;
  readonly files?: TsmFiles;
}

/** Where Linux shows it. */
export const TSM_FOLDER = "/sys/kernel/config/tsm/report";
const PROVIDER = "sev_guest";
const REPORT_DATA_SIZE = 64;
/** How often a report is asked for anew when somebody else wrote to the entry meanwhile. */
const MAX_TRIES = 5;
/** What the kernel answers while an entry or the firmware is in use. */
const PASSING = new Set(["EBUSY", "EAGAIN", "EINTR"]);

/**
 * Makes the provider. Reports are asked for one at a time: the firmware answers them one after another anyway.
 *
 * @see Linux, Documentation/ABI/testing/configfs-tsm (configfs-tsm-report)
 */
export function createConfigfsTsm(options: ConfigfsTsmOptions): EvidenceProvider<CarriedRaw> {
  const { folder = TSM_FOLDER, files = nodeTsmFiles, random, vmpl } = options;
  let turn: Promise<unknown> = Promise.resolve();
  return {
    name: "configfs-tsm",
    format: "raw",
    vmpl: vmpl ?? 0,
    attest: (reportData) => {
      const own = reportData.slice();
      const ask = () => attestOnce({ folder, files, random, vmpl }, own);
      const mine = turn.then(ask, ask);
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}

interface Interface {
  readonly folder: string;
  readonly files: TsmFiles;
  readonly random: (size: number) => Uint8Array;
  readonly vmpl: Vmpl | undefined;
}

async function attestOnce(tsm: Interface, reportData: Uint8Array): Promise<CarriedRaw> {
  if (reportData.length !== REPORT_DATA_SIZE) {
    throw new Fault("internal/invariant", `REPORT_DATA has ${REPORT_DATA_SIZE} bytes`);
  }
  const { folder, files, random } = tsm;
  const entry = join(folder, `ostiary-${hexOf(random(12))}`);
  await files.makeEntry(entry).catch((thrown: unknown) => {
    throw withoutInterface(folder, thrown);
  });
  try {
    await refuseOtherProvider(entry, files);
    return await settledReport(entry, tsm, reportData);
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : unavailable(`failed (${systemCodeOf(thrown)})`, thrown);
  } finally {
    // An entry that stays behind costs the kernel some memory and nobody else anything: it must not hide the outcome.
    await files.removeEntry(entry).catch(() => undefined);
  }
}

async function refuseOtherProvider(entry: string, files: TsmFiles): Promise<void> {
  const name = (parseUtf8(await files.read(entry, "provider")) ?? "").trim();
  if (name !== PROVIDER) {
    throw unavailable(`expected the provider \`${PROVIDER}\`, received \`${name.slice(0, 32)}\``);
  }
}

/** Asks until nobody wrote to the entry between our own write and the last read. */
async function settledReport(entry: string, tsm: Interface, reportData: Uint8Array): Promise<CarriedRaw> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const evidence = await tryReport(entry, tsm, reportData).catch(undefinedIfPassing); // in order: one entry
    if (evidence !== undefined) return evidence;
  }
  throw unavailable(`was written to by somebody else ${MAX_TRIES} times in a row`);
}

function undefinedIfPassing(thrown: unknown): undefined {
  if (PASSING.has(systemCodeOf(thrown))) return undefined;
  throw thrown;
}

/** `undefined` where the generation moved, or the report is for other bytes than ours. */
async function tryReport(
  entry: string,
  { files, vmpl }: Interface,
  reportData: Uint8Array,
): Promise<CarriedRaw | undefined> {
  if (vmpl !== undefined) await files.write(entry, "privlevel", utf8(String(vmpl)));
  await files.write(entry, "inblob", reportData);
  const before = await files.read(entry, "generation");
  const report = await files.read(entry, "outblob");
  const table = await tableOf(entry, files);
  const after = await files.read(entry, "generation");
  if (!equalBytes(before, after)) return undefined;
  if (report.length !== REPORT_SIZE) {
    throw unavailable(`expected a report of ${REPORT_SIZE} bytes, received ${report.length}`);
  }
  const { at } = REPORT_FIELDS.reportData;
  if (!equalBytes(report.slice(at, at + REPORT_DATA_SIZE), reportData)) return undefined;
  return table === undefined ? { format: "raw", report } : { format: "raw", report, certTable: table };
}

/** What the host gives beside the report: a host that gives nothing leaves it empty, an old kernel leaves it out. */
async function tableOf(entry: string, files: TsmFiles): Promise<Uint8Array | undefined> {
  try {
    const table = await files.read(entry, "auxblob");
    return isZero(table) ? undefined : table;
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT:
    "mount configfs and load the module: `mount -t configfs none /sys/kernel/config; modprobe sev-guest`",
  EACCES: "run the agent as root",
  EPERM: "run the agent as root",
  ENXIO: "load the module: `modprobe sev-guest`",
};

function withoutInterface(folder: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  const advice = ADVICE[reason] ?? "look at the kernel's log";
  return new Fault(
    "provider/unavailable",
    `configfs-tsm cannot be used at \`${folder}\`: ${advice}`,
    { folder, reason },
    thrown,
  );
}

function unavailable(what: string, cause?: unknown): Fault {
  return new Fault("provider/unavailable", `configfs-tsm ${what}`, {}, cause);
}
