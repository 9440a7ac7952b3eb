/** Images of these tests, of which other implementations have said the digest; how is written at each figure. */

import { type MadeFirmware, SECTIONS } from "../support/firmware-image.ts";
import { type MadeDirective, madeIgvm } from "../support/igvm-file.ts";

/** Every kind of section, with room for hashes, and a save area for others at an odd place. */
export const MADE_FIRMWARE: MadeFirmware = {
  pages: 3,
  fill: 0x5a,
  sections: [
    { gpa: 0x810000, size: 0x3000, type: SECTIONS.secMem },
    { gpa: 0x81d000, size: 0x1000, type: SECTIONS.secrets },
    { gpa: 0x81e000, size: 0x1000, type: SECTIONS.cpuid },
    { gpa: 0x81f000, size: 0x2000, type: SECTIONS.svsmCaa },
    { gpa: 0x830000, size: 0x1000, type: SECTIONS.kernelHashes },
    { gpa: 0x831000, size: 0x2000, type: SECTIONS.secMem },
  ],
  resetEip: 0x82b004,
  hashTableGpa: 0x830c00,
};

/** Every kind of directive that counts, and some for another platform. */
export const MADE_DIRECTIVES: readonly MadeDirective[] = [
  { kind: "platform", mask: 1, type: 2 },
  { kind: "platform", mask: 2, type: 0 },
  { kind: "policy", mask: 1 },
  { kind: "area", index: 0, size: 0x2000 },
  { kind: "page", mask: 3, gpa: 0x10_0000n, flags: 0, type: 0, data: new Uint8Array(4096).fill(1) },
  { kind: "page", mask: 2, gpa: 0x10_1000n, flags: 0, type: 0, data: new Uint8Array(4096).fill(2) },
  { kind: "page", mask: 1, gpa: 0x10_2000n, flags: 0, type: 0 },
  { kind: "page", mask: 1, gpa: 0x10_3000n, flags: 2, type: 0, data: new Uint8Array(4096).fill(3) },
  { kind: "page", mask: 1, gpa: 0x10_4000n, flags: 0, type: 1 },
  { kind: "page", mask: 1, gpa: 0x10_5000n, flags: 0, type: 2 },
  { kind: "page", mask: 1, gpa: 0x10_6000n, flags: 0, type: 3 },
  { kind: "page", mask: 1, gpa: 0x10_7000n, flags: 4, type: 0, data: new Uint8Array(4096).fill(4) },
  { kind: "insert", mask: 1, gpa: 0x20_0000n, index: 0 },
  { kind: "vmsa", mask: 1, gpa: 0xffff_ffff_f000n, data: new Uint8Array(4096).fill(5, 0, 0x400) },
];

export function madeIgvmFile(more: readonly MadeDirective[] = []): Uint8Array {
  return madeIgvm([...MADE_DIRECTIVES, ...more]);
}
