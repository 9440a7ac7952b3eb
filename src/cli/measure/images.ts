/** Which image is to be measured? Firmware, what it boots, and an SVSM below it, from files. */
import { hexOf } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { MAX_FIRMWARE_BYTES, parseFirmware } from "../../measurement/firmware.ts";
import type { DirectBoot } from "../../measurement/hash-table.ts";
import { afterFirmware, type Image } from "../../measurement/launch.ts";
import { DIGEST_SIZE } from "../../measurement/page-update.ts";
import { Misuse, type Terminal } from "../command.ts";
import { hexOfSize } from "./words.ts";

/** 1 GiB: an initrd with a whole system in it. */
const MAX_BOOT_BYTES = 1024 * 1024 * 1024;
const FOUR_GIB = 0x1_0000_0000;

/** The options that name files. */
export interface ImageWords {
  readonly ovmf?: string | undefined;
  readonly "ovmf-hash"?: string | undefined;
  readonly "ovmf-vars-size"?: string | undefined;
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly append?: string | undefined;
  readonly svsm?: string | undefined;
}

/** An image, and what it was read from: name and SHA-256, for whoever reviews its digest. */
export interface ReadImage {
  readonly image: Image;
  readonly sources: readonly string[];
}

interface Files {
  readonly terminal: Terminal;
  readonly digest: Primitives["digest"];
}

/**
 * Reads the files of an image.
 *
 * @throws {@link Misuse}; {@link Fault} `file/unusable`, `measurement/bad-firmware`.
 */
export async function readImage(words: ImageWords, files: Files): Promise<ReadImage> {
  if (words.ovmf === undefined) throw new Misuse("expected --ovmf FILE, or --igvm FILE");
  const sources: string[] = [];
  const read = async (name: string, path: string, most: number): Promise<Uint8Array> => {
    const bytes = await files.terminal.readFile(path, most);
    sources.push(`${name} sha256:${hexOf(files.digest("sha256", bytes))}`);
    return bytes;
  };
  const ovmf = await read("ovmf", words.ovmf, MAX_FIRMWARE_BYTES);
  const boot = await bootOf(words, read);
  if (words.svsm === undefined) {
    return { image: plainImage(ovmf, words, boot, files.digest), sources };
  }
  if (boot !== undefined) throw new Misuse("expected no --kernel with --svsm: nothing would measure it");
  const svsm = await read("svsm", words.svsm, MAX_FIRMWARE_BYTES);
  return { image: svsmImage(ovmf, svsm, words, files.digest), sources };
}

async function bootOf(
  { kernel, initrd, append }: ImageWords,
  read: (name: string, path: string, most: number) => Promise<Uint8Array>,
): Promise<DirectBoot | undefined> {
  if (kernel === undefined) {
    if (initrd === undefined && append === undefined) return undefined;
    throw new Misuse("expected --kernel FILE with --initrd and --append");
  }
  if (append !== undefined && (!append.isWellFormed() || append.includes("\0"))) {
    throw new Misuse("expected --append as text without NUL");
  }
  return {
    kernel: await read("kernel", kernel, MAX_BOOT_BYTES),
    initrd: initrd === undefined ? new Uint8Array(0) : await read("initrd", initrd, MAX_BOOT_BYTES),
    commandLine: append ?? "",
  };
}

function plainImage(
  ovmf: Uint8Array,
  words: ImageWords,
  boot: DirectBoot | undefined,
  digest: Primitives["digest"],
): Image {
  const firmware = parseFirmware(ovmf);
  const known = words["ovmf-hash"];
  const seed =
    known === undefined
      ? afterFirmware(firmware, (bytes) => digest("sha384", bytes))
      : hexOfSize(known, DIGEST_SIZE, "--ovmf-hash");
  return { layout: firmware, afterFirmware: seed, ...(boot === undefined ? {} : { boot }) };
}

/** Firmware ends at 4 GiB, its variables lie below it, and the SVSM below these. */
function svsmImage(
  ovmf: Uint8Array,
  bytes: Uint8Array,
  words: ImageWords,
  digest: Primitives["digest"],
): Image {
  const text = words["ovmf-vars-size"];
  const isSize = text !== undefined && /^\d{1,8}$/.test(text) && Number(text) % 4096 === 0;
  if (!isSize || words["ovmf-hash"] !== undefined) {
    throw new Misuse("expected --ovmf-vars-size BYTES with --svsm, in whole pages, and no --ovmf-hash");
  }
  const ovmfGpa = FOUR_GIB - ovmf.length;
  const svsm = parseFirmware(bytes, ovmfGpa - Number(text));
  const sha384 = (of: Uint8Array) => digest("sha384", of);
  const above = afterFirmware({ bytes: ovmf, gpa: BigInt(ovmfGpa) }, sha384);
  return { layout: svsm, afterFirmware: afterFirmware(svsm, sha384, above), svsmGpa: svsm.gpa };
}
