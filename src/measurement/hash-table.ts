/** What does the VMM say of the kernel that it boots? The page with the table of hashes (QEMU, target/i386/sev.c). */
import { concatBytes, parseHex, u16le, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Section } from "./firmware.ts";
import { PAGE_SIZE } from "./page-update.ts";

/** What a VM is booted with directly; hashes are over the bytes as the VMM gets them. */
export interface DirectBoot {
  readonly kernel: Uint8Array;
  /** Empty where there is none. */
  readonly initrd: Uint8Array;
  /** Without the terminating NUL, which is hashed too; empty where there is none. */
  readonly commandLine: string;
}

type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** GUIDs as they lie in memory. */
const TABLE_GUID = guid("06d63894224fc94cb479a793d411fd21"); // 9438d606-4f22-4cc9-b479-a793d411fd21
const COMMAND_LINE_GUID = guid("d82dd09720bd944caa78e7714d36ab2a"); // 97d02dd8-bd20-4c94-aa78-e7714d36ab2a
const INITRD_GUID = guid("31f7ba442f3ad74b9af141e29169781d"); // 44baf731-3a2f-4bd7-9af1-41e29169781d
const KERNEL_GUID = guid("3794e74dd2ab7f42b835d5b172d2045b"); // 4de79437-abd2-427f-b835-d5b172d2045b

const ENTRY_SIZE = 50;
const TABLE_SIZE = 18 + 3 * ENTRY_SIZE;
/** With its padding to 16 bytes. */
const PADDED_SIZE = 176;

/** Head, then command line, initrd and kernel, each as GUID, size and SHA-256; padded with zeros: 176 bytes. */
export function hashTableOf(boot: DirectBoot, sha256: Sha256): Uint8Array {
  const table = concatBytes(
    TABLE_GUID,
    u16le(TABLE_SIZE),
    entryOf(COMMAND_LINE_GUID, sha256(concatBytes(utf8(boot.commandLine), Uint8Array.of(0)))),
    entryOf(INITRD_GUID, sha256(boot.initrd)),
    entryOf(KERNEL_GUID, sha256(boot.kernel)),
  );
  return concatBytes(table, new Uint8Array(PADDED_SIZE - TABLE_SIZE));
}

/**
 * The page of a `kernel-hashes` section: zeros around the table, which lies where the firmware looks for it.
 *
 * @throws {@link Fault} `measurement/bad-firmware` where the firmware looks for it anywhere but in this one page.
 */
export function hashTablePage(table: Uint8Array, hashTableGpa: number, section: Section): Uint8Array {
  const at = hashTableGpa - Number(section.gpa);
  if (section.size !== PAGE_SIZE || at < 0 || at + table.length > PAGE_SIZE) {
    throw new Fault(
      "measurement/bad-firmware",
      "expected the table of hashes within the one page that is measured for it",
    );
  }
  const page = new Uint8Array(PAGE_SIZE);
  page.set(table, at);
  return page;
}

function entryOf(name: Uint8Array, hash: Uint8Array): Uint8Array {
  return concatBytes(name, u16le(ENTRY_SIZE), hash);
}

function guid(hex: string): Uint8Array {
  return parseHex(hex) ?? new Uint8Array(0);
}
