/** Images that lie about themselves: each is a fault of one code, and nothing is made of a size that they only claim. */
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseFirmware } from "../../src/measurement/firmware.ts";
import { type IgvmLaunch, parseIgvm } from "../../src/measurement/igvm.ts";
import { igvmDigest } from "../../src/measurement/igvm-launch.ts";
import { afterFirmware, seriesOf } from "../../src/measurement/launch.ts";
import { KNOWN_TYPES } from "../../src/measurement/processor.ts";
import { PROFILES } from "../../src/measurement/profiles.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { type MadeFirmware, madeFirmware, SECTIONS } from "../support/firmware-image.ts";
import { type MadeDirective, madeIgvm } from "../support/igvm-file.ts";
import { MADE_DIRECTIVES, MADE_FIRMWARE, madeIgvmFile } from "./made-images.ts";

const { digest } = nodePrimitives;
const sha384 = (bytes: Uint8Array): Uint8Array => digest("sha384", bytes);

function made(change: Partial<MadeFirmware>): Uint8Array {
  return madeFirmware({ ...MADE_FIRMWARE, ...change });
}

function section(gpa: number, size: number, type = SECTIONS.secMem): Partial<MadeFirmware> {
  return { sections: [{ gpa, size, type }] };
}

/** With some bytes written over, counted from the end. */
function patched(fromEnd: number, ...bytes: readonly number[]): Uint8Array {
  const image = made({});
  image.set(bytes, image.length - fromEnd);
  return image;
}

describe("a firmware image", () => {
  it.each<readonly [string, Uint8Array]>([
    ["is empty", new Uint8Array(0)],
    ["is not whole pages", made({}).slice(1)],
    ["has no table", new Uint8Array(4096)],
    ["has a table that is larger than it", patched(50, 0xff, 0xff)],
    ["has a table that is smaller than its own entry", patched(50, 17, 0)],
    ["has an entry that is smaller than its trailer", patched(68, 17, 0)],
    ["has an entry that leaves the table", patched(68, 0xff, 0x0f)],
    ["has metadata outside of itself", patched(72, 0xff, 0xff, 0xff, 0xff)],
    ["has metadata at its very end", patched(72, 0, 0, 0, 0)],
    ["has metadata of another version", patched(1024 - 8, 2)],
    ["has metadata of another signature", patched(1024, 0)],
    ["has more sections than it has room for", patched(1024 - 12, 0xff)],
    ["has a section of an unknown type", made(section(0x1000, 0x1000, 5))],
    ["has a section that is not whole pages", made(section(0x1000, 0x1001))],
    ["has a section that begins within a page", made(section(0x1001, 0x1000))],
    ["has a section of no size", made(section(0x1000, 0))],
    ["has a section beyond 4 GiB", made(section(0xffff_f000, 0x2000))],
    ["has a section of 1 GiB", made(section(0x1000, 0x4000_0000))],
    ["has two pages of secrets", made(section(0x1000, 0x2000, SECTIONS.secrets))],
  ])("is refused that %s", (_, image) => {
    expect(codeOf(() => parseFirmware(image))).toBe("measurement/bad-firmware");
  });

  it("is refused whose table names one GUID twice", () => {
    const image = made({});
    const trailer = image.slice(image.length - 68, image.length - 50);
    image.set(trailer, image.length - 68 - 22);
    expect(codeOf(() => parseFirmware(image))).toBe("measurement/bad-firmware");
  });

  it.each<readonly [string, Partial<MadeFirmware>]>([
    ["before the page that is measured for it", { hashTableGpa: 0x82_ffff }],
    ["behind it", { hashTableGpa: 0x83_1000 }],
    ["across its end", { hashTableGpa: 0x83_0ff0 }],
  ])("is refused for a kernel where it looks for hashes %s", (_, change) => {
    expect(codeOf(() => digestOf(made(change), true))).toBe("measurement/bad-firmware");
  });

  it.each<readonly [string, Partial<MadeFirmware>]>([
    ["without a place for hashes", { hashTableGpa: 0 }],
    ["without a section for hashes", section(0x1000, 0x1000)],
  ])("is refused for a kernel %s", (_, change) => {
    expect(codeOf(() => digestOf(made(change), true))).toBe("measurement/no-hash-table");
  });

  it("is refused that does not say where other processors begin", () => {
    const { resetEip: _, ...without } = MADE_FIRMWARE;
    expect(codeOf(() => digestOf(madeFirmware(without), false))).toBe("measurement/bad-firmware");
  });

  property.prop([fc.nat(2047), fc.nat(255)], { numRuns: 400 })(
    "with any byte of its end changed has a digest or is a fault",
    (fromEnd, byte) => {
      const code = codeOf(() => digestOf(patched(fromEnd + 1, byte), true));
      expect([undefined, "measurement/bad-firmware", "measurement/no-hash-table"]).toContain(code);
    },
  );

  property.prop([fc.uint8Array({ maxLength: 300 })], { numRuns: 200 })("of any bytes is a fault", (bytes) => {
    const image = new Uint8Array(4096);
    image.set(bytes, 4096 - bytes.length);
    expect(codeOf(() => parseFirmware(image))).toBe("measurement/bad-firmware");
  });
});

function digestOf(bytes: Uint8Array, isBooted: boolean): Uint8Array {
  const firmware = parseFirmware(bytes);
  const boot = { kernel: new Uint8Array(0), initrd: new Uint8Array(0), commandLine: "" };
  const image = {
    layout: firmware,
    afterFirmware: afterFirmware(firmware, sha384),
    ...(isBooted ? { boot } : {}),
  };
  const [[profile], [processor]] = [PROFILES, KNOWN_TYPES];
  if (profile === undefined || processor === undefined) throw new Error("no profile");
  return seriesOf(image, { profile, processor, guestFeatures: 1n }, digest)(2);
}

function with_(...more: readonly MadeDirective[]): Uint8Array {
  return madeIgvm([...MADE_DIRECTIVES, ...more]);
}

function bytesAt(at: number, ...bytes: readonly number[]): Uint8Array {
  const file = madeIgvmFile();
  file.set(bytes, at);
  return file;
}

describe("an IGVM file", () => {
  const page = { kind: "page", mask: 1, gpa: 0x30_0000n, flags: 0, type: 0 } as const;
  it.each<readonly [string, Uint8Array]>([
    ["is empty", new Uint8Array(0)],
    ["has another magic", bytesAt(0, 0)],
    ["has another version", bytesAt(4, 3)],
    ["has headers elsewhere", bytesAt(8, 32)],
    ["has headers beyond its end", bytesAt(12, 0xff, 0xff, 0xff, 0x7f)],
    ["has another size than it says", bytesAt(16, 0)],
    ["has another checksum", bytesAt(20, 0)],
    ["has headers that were changed", bytesAt(40, 0xff)],
    ["has no platform of SEV-SNP", madeIgvm([{ kind: "platform", mask: 1, type: 3 }])],
    ["has two platforms of SEV-SNP", with_({ kind: "platform", mask: 4, type: 2 })],
    ["has a platform that nothing is for", madeIgvm([{ kind: "platform", mask: 0, type: 2 }])],
    ["has a page of an unknown kind", with_({ ...page, type: 4 })],
    ["has a page with unknown flags", with_({ ...page, flags: 8 })],
    ["has a page that begins within one", with_({ ...page, gpa: 0x30_0800n })],
    ["has a large page that begins within one", with_({ ...page, flags: 1, gpa: 0x10_0000n })],
    ["has a page beyond all memory", with_({ ...page, gpa: 1n << 52n })],
    ["has a parameter area twice", with_({ kind: "area", index: 0, size: 4096 })],
    ["has a parameter area of 1 TiB", with_({ kind: "area", index: 1, size: 2 ** 40 })],
    [
      "puts a parameter area somewhere that it does not have",
      with_({ kind: "insert", mask: 1, gpa: 0n, index: 9 }),
    ],
    ["has a save area without its data", with_({ kind: "vmsa", mask: 1, gpa: 0n, data: new Uint8Array(0) })],
  ])("is refused that %s", (_, file) => {
    expect(codeOf(() => parseIgvm(file))).toBe("measurement/bad-igvm");
  });

  it("is refused that would keep us busy for hours", () => {
    const endless = { type: "unmeasured", gpa: 0n, size: 2 ** 27, data: undefined } as const;
    const launch: IgvmLaunch = { steps: Array(200).fill(endless), idBlockDigest: undefined };
    expect(codeOf(() => igvmDigest(launch, "measured", sha384))).toBe("measurement/bad-igvm");
  });

  property.prop([fc.nat(2000)], { numRuns: 200 })("that is cut is a fault", (size) => {
    const file = madeIgvmFile();
    expect(codeOf(() => parseIgvm(file.slice(0, size % file.length)))).toBe("measurement/bad-igvm");
  });
});
