/** How are blobs of one generation got from configfs-tsm? By an entry of our own, and by counting our writes. */
import { join } from "node:path";
import { hexOf, parseUtf8 } from "../../base/bytes.ts";
import { isFault, systemCodeOf } from "../../base/fault.ts";
import type { Vmpl } from "../../wire/messages.ts";
import type { SharedChannel } from "./shared-channel.ts";
import { notReadable, notThere, tsmUnavailable } from "./tsm-faults.ts";
import { nodeTsmFiles, type TsmFiles } from "./tsm-files.ts";

/** Where Linux shows it. */
export const TSM_FOLDER = "/sys/kernel/config/tsm/report";
/** The module behind it in an SEV-SNP guest. */
const SEV_GUEST = "sev_guest";

export interface TsmOptions {
  /** Where the kernel shows its reports. */
  readonly folder?: string | undefined;
  readonly random: (size: number) => Uint8Array;
  readonly files?: TsmFiles | undefined;
}

/** What is asked of an entry. */
export interface TsmQuestion<Blob extends string> {
  /** Attributes and what is written to them, in this order. */
  readonly writes: readonly (readonly [attribute: string, bytes: Uint8Array])[];
  /** Attributes to read, in this order; the first read makes the report. */
  readonly blobs: readonly Blob[];
}

/** What came. An attribute that this kernel does not have is left out. */
export type TsmBlobs<Blob extends string> = Readonly<Partial<Record<Blob, Uint8Array>>>;

/** How often a report is asked for anew when somebody else wrote to the entry meanwhile. */
const MAX_TRIES = 5;
/** What the kernel answers while an entry is in use. */
const PASSING = new Set(["EBUSY", "EAGAIN", "EINTR"]);

/**
 * Asks for blobs that were all made from these very writes.
 *
 * Each write moves the entry's generation by one. It is read before the writes and after each read, and what came counts only while nobody
 * else has moved it: then everything is discarded and asked for anew, a few times.
 *
 * @throws {@link Fault} `provider/unavailable`, `provider/key-wiped`, `provider/busy`.
 * @see Linux, Documentation/ABI/testing/configfs-tsm-report; drivers/virt/coco/guest/report.c
 */
export function askTsm<Blob extends string>(
  options: TsmOptions & { readonly channel: SharedChannel },
  question: TsmQuestion<Blob>,
): Promise<TsmBlobs<Blob>> {
  const { files = nodeTsmFiles, channel } = options;
  return withEntry(options, async (entry) => {
    await refuseOtherProvider(entry, files);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const blobs = await channel.alone(() => asked(entry, files, question)); // in order: one entry
      if (blobs !== undefined) return blobs;
    }
    throw tsmUnavailable(
      `expected writes of our own only to its entry, and had to discard ${MAX_TRIES} reports in a row`,
    );
  });
}

/**
 * Makes an entry for as long as `work` takes.
 *
 * @throws {@link Fault} `provider/unavailable`: with the system's `reason`, and what to do.
 */
async function withEntry<T>(
  { folder = TSM_FOLDER, files = nodeTsmFiles, random }: TsmOptions,
  work: (entry: string) => Promise<T>,
): Promise<T> {
  const entry = join(folder, `ostiary-${hexOf(random(12))}`);
  await files.makeEntry(entry).catch((thrown: unknown) => {
    throw notThere(folder, thrown);
  });
  try {
    return await work(entry);
  } catch (thrown) {
    throw isFault(thrown) ? thrown : notReadable(thrown);
  } finally {
    // An entry that stays behind costs the kernel some memory and nobody else anything: it must not hide the outcome.
    await files.removeEntry(entry).catch(() => undefined);
  }
}

/** What the interface says of itself. */
export interface TsmFacts {
  /** The level that the guest runs at, above which no report can be; `undefined` where this kernel shows none. */
  readonly floor: Vmpl | undefined;
  /** Whether an SVSM stands over this guest: only then is there an attribute for what its services say. */
  readonly hasSvsm: boolean;
}

/** @throws {@link Fault} `provider/unavailable`, also where another module than that of SEV-SNP stands behind it. */
export function readTsmFacts(options: TsmOptions): Promise<TsmFacts> {
  const { files = nodeTsmFiles } = options;
  return withEntry(options, async (entry) => {
    await refuseOtherProvider(entry, files);
    const word = await readWord(entry, "privlevel_floor", files);
    const floor = ([0, 1, 2, 3] as const).find((known) => String(known) === word);
    if (word !== undefined && floor === undefined) {
      throw tsmUnavailable(`expected a floor of 0 to 3, received \`${word.slice(0, 8)}\``);
    }
    return { floor, hasSvsm: await files.has(entry, "manifestblob") };
  });
}

/** Reads an attribute of one word; `undefined` where this kernel does not have it. */
async function readWord(entry: string, attribute: string, files: TsmFiles): Promise<string | undefined> {
  const bytes = await readIfThere(entry, attribute, files);
  return bytes === undefined ? undefined : (parseUtf8(bytes) ?? "").trim();
}

async function refuseOtherProvider(entry: string, files: TsmFiles): Promise<void> {
  const name = (await readWord(entry, "provider", files)) ?? "";
  if (name !== SEV_GUEST) {
    throw tsmUnavailable(`expected the provider \`${SEV_GUEST}\`, received \`${name.slice(0, 32)}\``);
  }
}

/** `undefined` where it has to be asked anew. ENOTTY goes up only where it says that the key is gone. */
async function asked<Blob extends string>(
  entry: string,
  files: TsmFiles,
  question: TsmQuestion<Blob>,
): Promise<TsmBlobs<Blob> | undefined> {
  try {
    return await ofOneGeneration(entry, files, question);
  } catch (thrown) {
    if (PASSING.has(systemCodeOf(thrown))) return undefined;
    if (systemCodeOf(thrown) === "ENOTTY") await refuseOtherProvider(entry, files); // it says so of a module that is gone, too
    throw thrown;
  }
}

async function ofOneGeneration<Blob extends string>(
  entry: string,
  files: TsmFiles,
  { writes, blobs }: TsmQuestion<Blob>,
): Promise<TsmBlobs<Blob> | undefined> {
  const expected = (await generationOf(entry, files)) + BigInt(writes.length);
  for (const [attribute, bytes] of writes) await files.write(entry, attribute, bytes); // in order: each counts
  const read: Partial<Record<Blob, Uint8Array>> = {};
  for (const blob of blobs) {
    const bytes = await readIfThere(entry, blob, files); // in order: the first makes what the others give
    if ((await generationOf(entry, files)) !== expected) return undefined;
    if (bytes !== undefined) read[blob] = bytes;
  }
  return read;
}

async function generationOf(entry: string, files: TsmFiles): Promise<bigint> {
  const word = await readWord(entry, "generation", files);
  if (word !== undefined && /^\d{1,20}$/.test(word)) return BigInt(word);
  throw tsmUnavailable("expected a generation that counts writes");
}

async function readIfThere(
  entry: string,
  attribute: string,
  files: TsmFiles,
): Promise<Uint8Array | undefined> {
  try {
    return await files.read(entry, attribute);
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}
