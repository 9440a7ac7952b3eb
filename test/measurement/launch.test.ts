/** Launch digests against virtee/sev-snp-measure, virtee/sev and edgelesssys/sev-snp-measure-go, whose figures lie beside the project. */
import { describe, expect } from "vitest";
import { hexOf, parseHex } from "../../src/base/bytes.ts";
import { type FirmwareLayout, parseFirmware } from "../../src/measurement/firmware.ts";
import type { DirectBoot } from "../../src/measurement/hash-table.ts";
import { afterFirmware, type Image, savePages, seriesOf } from "../../src/measurement/launch.ts";
import { parseProcessorType } from "../../src/measurement/processor.ts";
import { type Profile, profileNamed } from "../../src/measurement/profiles.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { itWithVectors, readVector, readVectorJson } from "../support/shared-vectors.ts";

const { digest } = nodePrimitives;
const sha384 = (bytes: Uint8Array): Uint8Array => digest("sha384", bytes);
const PROFILE_OF_VMM = { QEMU: "qemu", ec2: "ec2-2026", gce: "gce" } as const;

interface Row {
  readonly mode: string;
  readonly ovmf: string;
  readonly vmm: keyof typeof PROFILE_OF_VMM;
  readonly vcpuType: string;
  readonly vcpus: number;
  readonly guestFeatures: number;
  readonly kernelHex: string | null;
  readonly initrdHex: string | null;
  readonly cmdline: string | null;
  readonly digest: string;
}

function named(name: string): Profile {
  const profile = profileNamed(name);
  if (profile === undefined) throw new Error(`no profile ${name}`);
  return profile;
}

function typeOf(name: string) {
  const type = parseProcessorType(name);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

function imageOf(file: string, boot?: DirectBoot): Image {
  const firmware = parseFirmware(readVector("measurement/sev-snp-measure", file));
  return {
    layout: firmware,
    afterFirmware: afterFirmware(firmware, sha384),
    ...(boot === undefined ? {} : { boot }),
  };
}

function bootOf({ kernelHex, initrdHex, cmdline }: Row): DirectBoot | undefined {
  if (kernelHex === null) return undefined;
  return {
    kernel: parseHex(kernelHex) ?? new Uint8Array(0),
    initrd: parseHex(initrdHex ?? "") ?? new Uint8Array(0),
    commandLine: cmdline ?? "",
  };
}

const EMPTY_BOOT = { kernel: new Uint8Array(0), initrd: new Uint8Array(0), commandLine: "" };

describe("the launch digest", () => {
  itWithVectors("is that of sev-snp-measure over 96 combinations of parameters", () => {
    const rows = readVectorJson<readonly Row[]>("measurement/derived/launch-digests.json");
    const plain = rows.filter(({ mode }) => mode === "snp");
    expect(plain).toHaveLength(96);
    for (const row of plain) {
      const profile = named(PROFILE_OF_VMM[row.vmm]);
      const launch = { profile, processor: typeOf(row.vcpuType), guestFeatures: BigInt(row.guestFeatures) };
      const series = seriesOf(imageOf(row.ovmf, bootOf(row)), launch, digest);
      expect(hexOf(series(row.vcpus)), JSON.stringify(row)).toBe(row.digest);
    }
  });

  itWithVectors("takes the firmware's part from elsewhere, as upstream's tests do", () => {
    const image = { ...imageOf("ovmf_AmdSev_suffix.bin", EMPTY_BOOT) };
    const cases = readVectorJson<readonly { test: string; call: string; expected: string }[]>(
      "measurement/sev-snp-measure/expected.json",
    ).filter(({ test }) => test.startsWith("test_snp_with_multiple_vcpus") || test.includes("ec2"));
    for (const { test, call, expected } of cases) {
      const [, vcpus = ""] = /SEV_SNP, (\d+)/.exec(call) ?? [];
      const guestFeatures = call.includes("0x21") ? 0x21n : 1n;
      const profile = named(call.includes("ec2") ? "ec2-2026" : "qemu");
      const launch = { profile, processor: typeOf("EPYC-v4"), guestFeatures };
      expect(hexOf(seriesOf(image, launch, digest)(Number(vcpus))), test).toBe(expected);
    }
    expect(cases).toHaveLength(4);
  });

  itWithVectors("is that of the Go and Rust implementations for the EC2 of 2023", () => {
    for (const { file, vcpus, ovmfHash, expected } of readVectorJson<
      readonly { file: string; vcpus: number; ovmfHash: string; expected: string }[]
    >("measurement/sev-snp-measure-go/expected.json")) {
      const image = { layout: layoutOfGo(file), afterFirmware: parseHex(ovmfHash) ?? new Uint8Array(0) };
      const launch = { profile: named("ec2-2023"), processor: typeOf("EPYC-v4"), guestFeatures: 1n };
      expect(hexOf(seriesOf(image, launch, digest)(vcpus)), file).toBe(expected);
    }
    const image = imageOf("ovmf_AmdSev_suffix.bin", EMPTY_BOOT);
    const rust = readVectorJson<readonly { test: string; feat: number; expected: string }[]>(
      "measurement/virtee-sev/expected.json",
    ).filter(({ test }) => test.startsWith("ec2"));
    for (const { feat, expected } of rust) {
      const launch = {
        profile: named("ec2-2023"),
        processor: typeOf("EPYC-v4"),
        guestFeatures: BigInt(feat),
      };
      expect(hexOf(seriesOf(image, launch, digest)(1))).toBe(expected);
    }
    expect(rust).toHaveLength(2);
  });

  itWithVectors("has the save areas of upstream, byte for byte", () => {
    const vectors = readVectorJson<
      readonly { vmm: string; feat: number; apEip: number; bspSha384: string; apSha384: string }[]
    >("measurement/derived/vmsa-pages.json").filter(({ vmm }) => vmm in PROFILE_OF_VMM);
    for (const { vmm, feat, apEip, bspSha384, apSha384 } of vectors) {
      const layout = { sections: [], resetEip: apEip, hashTableGpa: undefined, svsmEntry: undefined };
      const profile = named(PROFILE_OF_VMM[vmm as Row["vmm"]]);
      const pages = savePages(
        { layout },
        { profile, processor: typeOf("EPYC-v4"), guestFeatures: BigInt(feat) },
      );
      expect([hexOf(sha384(pages.first)), hexOf(sha384(pages.other))]).toEqual([bspSha384, apSha384]);
    }
    expect(vectors).toHaveLength(6);
  });

  itWithVectors("has the save area of an SVSM, byte for byte", () => {
    const [vector] = readVectorJson<readonly { vmm: string; eip: number; sha384: string }[]>(
      "measurement/derived/vmsa-pages.json",
    ).filter(({ vmm }) => vmm === "QEMU-SVSM");
    const svsmEntry = 0x1000;
    const layout = { sections: [], resetEip: undefined, hashTableGpa: undefined, svsmEntry };
    const svsmGpa = BigInt(vector?.eip ?? 0) - BigInt(svsmEntry);
    const launch = { profile: named("svsm"), processor: typeOf("EPYC-v4"), guestFeatures: 1n };
    expect(hexOf(sha384(savePages({ layout, svsmGpa }, launch).other))).toBe(vector?.sha384);
  });

  itWithVectors("is refused for a kernel that the firmware would start unseen", () => {
    const launch = { profile: named("qemu"), processor: typeOf("EPYC-v4"), guestFeatures: 1n };
    const image = imageOf("ovmf_OvmfX64_suffix.bin", EMPTY_BOOT);
    expect(codeOf(() => seriesOf(image, launch, digest))).toBe("measurement/no-hash-table");
  });
});

/** The Go implementation keeps what an image says about itself as JSON. */
function layoutOfGo(file: string): FirmwareLayout {
  const { MetadataItems, ResetEIP } = readVectorJson<{
    MetadataItems: readonly { GPA: string; SectionTypeInt: number; Size: string }[];
    ResetEIP: string;
  }>("measurement/sev-snp-measure-go", file);
  const types = { 1: "sec-mem", 2: "secrets", 3: "cpuid" } as const;
  const sections = MetadataItems.map(({ GPA, SectionTypeInt, Size }) => ({
    type: types[SectionTypeInt as 1],
    gpa: BigInt(GPA),
    size: Number(Size),
  }));
  return { sections, resetEip: Number(ResetEIP), hashTableGpa: undefined, svsmEntry: undefined };
}
