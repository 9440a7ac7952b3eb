/** What does `ostiary measure` print, over files in memory? */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { instant } from "../../src/base/time.ts";
import { exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createMeasureCommand } from "../../src/cli/commands/measure.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { MADE_FIRMWARE, madeIgvmFile } from "../measurement/made-images.ts";
import { madeFirmware } from "../support/firmware-image.ts";

const FILES: Readonly<Record<string, Uint8Array>> = {
  "OVMF.fd": madeFirmware(MADE_FIRMWARE),
  vmlinuz: utf8("kernel"),
  initrd: utf8("initrd"),
  "svsm.bin": madeFirmware({ ...MADE_FIRMWARE, sections: [], svsmEntry: 0x100 }),
  "svsm.igvm": madeIgvmFile(),
  "plain.fd": madeFirmware({ pages: 1, fill: 0, sections: [], resetEip: 1 }),
  "id.pem": utf8("id"),
  "author.pem": utf8("author"),
};
const BOOT = ["--kernel", "vmlinuz", "--initrd", "initrd", "--append", "root=/dev/vda quiet"];
/** By sev-snp-measure 0.0.13, as in test/measurement/made.test.ts. */
const GENOA_3 =
  "ca61522f864b5ee6b1ce0cf1e5a33fe489dd46a0baa3b10f469590b4f5ae8ca0566d2e29ec568ae5d4ada29d8ea6e3a0";
const OWNED = ["--writ", "--owner", "images@example.org", "--image", "base", "--image-version", "2026.11.0"];

async function measure(...args: readonly string[]) {
  const printed: string[] = [];
  const told: string[] = [];
  const written: Record<string, Uint8Array> = {};
  const terminal: Terminal = {
    out: (text) => void printed.push(text),
    err: (text) => void told.push(text),
    isTty: args.includes("--vcpus=1-1024"),
    readFile: async (path) => written[path] ?? FILES[path] ?? Promise.reject(new Error(`no ${path}`)),
    writeFile: async (path, bytes) => {
      written[path] = bytes;
    },
  };
  const command = createMeasureCommand({
    primitives: nodePrimitives,
    now: () => instant(1_795_996_800),
    readKey: async (path) => keys[path as keyof typeof keys],
  });
  const run = async (words: readonly string[]) => {
    try {
      return await command.run(words, terminal);
    } catch (thrown) {
      told.push(thrown instanceof Error ? thrown.message : String(thrown));
      return exitStatusOf(thrown, ({ code }) => FAULT_CODES[code].status);
    }
  };
  const status = await run(args);
  return { status, text: printed.join(""), told: told.join("\n"), written, run, printed };
}

const keys = { "id.pem": p384(), "author.pem": p384() };

function p384() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  return {
    pkcs8: Uint8Array.from(privateKey.export({ type: "pkcs8", format: "der" })),
    spki: Uint8Array.from(publicKey.export({ type: "spki", format: "der" })),
  };
}

describe("ostiary measure", () => {
  it("prints a digest with the profile that made it", async () => {
    const words = ["--ovmf", "OVMF.fd", ...BOOT, "--vcpus", "3", "--vcpu-type", "EPYC-Genoa"];
    const { status, text } = await measure(...words);
    expect([status, text]).toEqual([0, `${GENOA_3}  qemu  3 vcpu  EPYC-Genoa  0x1\n`]);
    expect(JSON.parse((await measure(...words, "--json")).text)).toEqual({
      candidates: [
        {
          digest: GENOA_3,
          profile: "qemu",
          vcpus: 3,
          vcpuType: "EPYC-Genoa",
          guestFeatures: 1,
          confirmed: true,
        },
      ],
    });
  });

  it("takes a matrix of everything, and shows on a terminal how far it is", async () => {
    const matrix = [
      "--vcpu-type",
      "EPYC-Milan,EPYC-Genoa",
      "--vcpu-type",
      "26,0,0",
      "--guest-features",
      "1,0x21",
    ];
    const profiles = ["--profile", "qemu,qemu-pre-6.10,gce-52-bit"];
    const { text, told } = await measure("--ovmf", "OVMF.fd", "--vcpus=1-1024", ...matrix, ...profiles);
    expect(text.split("\n")).toHaveLength(1024 * 3 * 2 * 3 + 1);
    expect(text).toContain("26,0,0");
    expect(text).toContain("not compared with hardware");
    expect(told).toContain("of 18432 candidates");
  });

  it("finds an expected digest among the candidates, or by what is different, or says how much was tried", async () => {
    const words = ["--ovmf", "OVMF.fd", ...BOOT, "--vcpu-type", "EPYC-Genoa", "--expect"];
    const found = await measure(...words, GENOA_3, "--vcpus", "1-4");
    expect([found.status, found.text]).toEqual([0, "FOUND  qemu, 3 vcpu, EPYC-Genoa, features 0x1\n"]);
    const other = await measure(...words, GENOA_3, "--vcpus", "8");
    expect(other.status).toBe(1);
    expect(other.text).toContain(
      "with one change, from qemu, 8 vcpu, EPYC-Genoa, features 0x1\n  vcpus: 3\n",
    );
    const none = await measure(...words, "00".repeat(48), "--vcpus", "8", "--json");
    expect(none.status).toBe(1);
    expect(JSON.parse(none.text).expected).toMatchObject({ found: false, changes: [] });
  });

  it("prints reference values that compile, with what they were computed from", async () => {
    const { text } = await measure(
      "--ovmf",
      "OVMF.fd",
      ...BOOT,
      "--vcpus",
      "2,4",
      "--profile",
      "qemu,gce",
      ...OWNED,
    );
    const modules = [{ path: "images.writ", text }];
    const { diagnostics } = compileSources(modules, {
      vocabulary: SNP_VOCABULARY,
      digest: nodePrimitives.digest,
    });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(text).toContain('"base 2026.11.0 / 2 vcpu, qemu" = hex"');
    expect(text).toContain("valid 2026-11-30 .. 2027-11-30");
    expect(text).toMatch(/source "ostiary measure, ovmf sha256:[0-9a-f]{64}, kernel sha256:/);
  });

  it("names a digest once that several ways give", async () => {
    const words = ["--vmm", "gce", "--vcpu-type", "EPYC-Milan,EPYC-Genoa", "--vcpus", "4", ...OWNED];
    const { text } = await measure("--ovmf", "OVMF.fd", ...words);
    expect(text.match(/hex"/g)).toHaveLength(1);
  });

  it("measures an IGVM file", async () => {
    const { status, text } = await measure("--igvm", "svsm.igvm");
    expect([status, text.slice(0, 16)]).toEqual([0, "a476915a3e116550"]);
    expect(
      (await measure("--igvm", "svsm.igvm", "--native-zero", "--expect", text.slice(0, 96))).status,
    ).toBe(1);
    expect((await measure("--igvm", "svsm.igvm", ...OWNED)).text).toContain(
      '"base 2026.11.0" = hex"a476915a',
    );
  });

  it("measures an SVSM below the firmware", async () => {
    const words = ["--ovmf", "OVMF.fd", "--svsm", "svsm.bin", "--ovmf-vars-size", "12288", "--vcpus", "2"];
    expect((await measure(...words)).text).toContain("  svsm  2 vcpu");
  });

  it.each([
    [2, ["--vcpus", "1"]],
    [2, ["--ovmf", "OVMF.fd"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "0"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "4-2"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1025"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--initrd", "initrd"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--vcpu-type", "EPYC-Naples"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--vcpu-type", "25,1,16"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--vmm", "xen"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--profile", "qemu-7"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--guest-features", "0x8000000000000000"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--vmm", "svsm"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--expect", "00"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--ovmf-hash", "00"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--svsm", "svsm.bin"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", "--writ"]],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", ...OWNED, "--image", 'a" = x']],
    [2, ["--ovmf", "OVMF.fd", "--vcpus", "1", ...OWNED, "--valid", "2027-01-01..2026-01-01"]],
    [2, ["--igvm", "svsm.igvm", "--vcpus", "1"]],
    [3, ["--igvm", "OVMF.fd"]],
    [3, ["--ovmf", "vmlinuz", "--vcpus", "1"]],
    [1, ["--ovmf", "plain.fd", "--vcpus", "1", "--kernel", "vmlinuz"]],
  ])("ends with %d for %j", async (status, words) => {
    expect((await measure(...words)).status).toBe(status);
  });

  it("makes an ID block that it reads again, and refuses it beside another page", async () => {
    const ids = ["--family-id", "01".repeat(16), "--image-id", "02".repeat(16), "--guest-svn", "3"];
    const made = await measure(
      "id-block",
      "--digest",
      GENOA_3,
      ...ids,
      "--id-key",
      "id.pem",
      "--author-key",
      "author.pem",
      "--out",
      "vm",
    );
    expect(made.status).toBe(0);
    expect(await made.run(["id-show", "vm.id-block", "vm.id-auth", "--json"])).toBe(0);
    const shown = JSON.parse(made.printed.at(-1) ?? "");
    expect(shown).toMatchObject({ launchDigest: GENOA_3, guestSvn: 3, policy: "0x30000" });
    expect(made.text).toContain(shown.authorKeyDigest);
    expect(shown.idKeyDigest).not.toBe(shown.authorKeyDigest);
    made.written["vm.id-block"] = utf8(hexOf(new Uint8Array(96)));
    expect(await made.run(["id-show", "vm.id-block", "vm.id-auth"])).toBe(1);
  });

  it.each([["--family-id"], ["--image-id"], ["--guest-svn"]])(
    "makes no ID block without %s",
    async (left) => {
      const all = [
        "--digest",
        GENOA_3,
        "--family-id",
        "01".repeat(16),
        "--image-id",
        "02".repeat(16),
        "--guest-svn",
        "3",
      ];
      const at = all.indexOf(left);
      const words = [...all.slice(0, at), ...all.slice(at + 2), "--id-key", "id.pem", "--out", "vm"];
      const { status, told, written } = await measure("id-block", ...words);
      expect([status, Object.keys(written)]).toEqual([2, []]);
      expect(told).toContain(left);
    },
  );
});
