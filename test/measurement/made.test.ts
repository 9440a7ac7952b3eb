/** Images and parameters that no published vector has, against figures that other implementations gave for the very same files. */
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { parseFirmware } from "../../src/measurement/firmware.ts";
import { parseIgvm } from "../../src/measurement/igvm.ts";
import { igvmDigest } from "../../src/measurement/igvm-launch.ts";
import { afterFirmware, type Image, seriesOf } from "../../src/measurement/launch.ts";
import { parseProcessorType } from "../../src/measurement/processor.ts";
import { profileNamed } from "../../src/measurement/profiles.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { madeFirmware } from "../support/firmware-image.ts";
import { MADE_FIRMWARE, madeIgvmFile } from "./made-images.ts";

const { digest } = nodePrimitives;
const sha384 = (bytes: Uint8Array): Uint8Array => digest("sha384", bytes);
const BOOT = { kernel: utf8("kernel"), initrd: utf8("initrd"), commandLine: "root=/dev/vda quiet" };

/** By sev-snp-measure 0.0.13 from PyPI: `calc_launch_digest` of the file that `madeFirmware` gives. */
const BY_SEV_SNP_MEASURE = [
  [
    "qemu EPYC-Genoa 3 1 boot",
    "ca61522f864b5ee6b1ce0cf1e5a33fe489dd46a0baa3b10f469590b4f5ae8ca0566d2e29ec568ae5d4ada29d8ea6e3a0",
  ],
  [
    "qemu EPYC-Genoa 3 1 none",
    "1ddc13c2e2ffcf554d38e046edf4446ebe3d6d84f445fa0140ae291d2907d6a911ac959e9db685fc38e030f85e5145af",
  ],
  [
    "qemu EPYC-Rome 64 33281 boot",
    "6eff3c51d044cd9c4c0e6ffa3e7b210cb2bb24cba94f4414b36d316e1eb4a8fcef7ba239b32af25b09a17ee342c11847",
  ],
  [
    "ec2-2026 EPYC-Turin 5 33 none",
    "84f4044853bee8e4e1bfc25ddf512de84040f0c78e2dfee21fd83a8dbfcab74670ddc7b04817de1f7b760a56d8f85e45",
  ],
  [
    "gce EPYC-Milan 2 1 boot",
    "1b537b84701d98602c7824c5337cb8bc58f66cd17dc5cc3a585bf21d75f2a34a4afd5268b215466c2a5b5380b5f23d16",
  ],
] as const;

function launchOf(profileName: string, type: string, guestFeatures: bigint) {
  const [profile, processor] = [profileNamed(profileName), parseProcessorType(type)];
  if (profile === undefined || processor === undefined) throw new Error(`${profileName} ${type}`);
  return { profile, processor, guestFeatures };
}

describe("images that nobody published", () => {
  it.each(BY_SEV_SNP_MEASURE)("have the digest of sev-snp-measure: %s", (words, expected) => {
    const [profile = "", type = "", vcpus = "", features = "", boot = ""] = words.split(" ");
    const firmware = parseFirmware(madeFirmware(MADE_FIRMWARE));
    const image: Image = {
      layout: firmware,
      afterFirmware: afterFirmware(firmware, sha384),
      ...(boot === "boot" ? { boot: BOOT } : {}),
    };
    const series = seriesOf(image, launchOf(profile, type, BigInt(features)), digest);
    expect(hexOf(series(Number(vcpus)))).toBe(expected);
  });

  it("have the digest of sev-snp-measure with an SVSM below the firmware", () => {
    const upper = madeFirmware({ pages: 4, fill: 9, sections: [], resetEip: 1 });
    const upperGpa = 0x1_0000_0000 - upper.length;
    const sections = (MADE_FIRMWARE.sections ?? []).filter(({ type }) => type !== 16);
    const svsm = parseFirmware(
      madeFirmware({ pages: 5, fill: 7, sections, svsmEntry: 0x2a0 }),
      upperGpa - 12_288,
    );
    const seed = afterFirmware({ bytes: upper, gpa: BigInt(upperGpa) }, sha384);
    const image = { layout: svsm, afterFirmware: afterFirmware(svsm, sha384, seed), svsmGpa: svsm.gpa };
    expect(hexOf(seriesOf(image, launchOf("svsm", "EPYC-Milan", 1n), digest)(4))).toBe(
      "72215284bdc0c263f3e253a92a61395ae603597ebd83f8ceba44023839a0af07886a6b80ff2703c93890e94b0a70d4f8",
    );
  });

  it("have, as IGVM, the digest that the crate igvm 0.5.0 measures", () => {
    expect(hexOf(igvmDigest(parseIgvm(madeIgvmFile()), "measured", sha384))).toBe(
      "a476915a3e116550bae7126c813a262ee1a7da77bbcf35ead1dd49430be42415aeeba7899b3105cd756ff0312e99fe50",
    );
  });

  it("have another digest as IGVM where zeros are AMD's own pages", () => {
    const launch = parseIgvm(madeIgvmFile());
    expect(igvmDigest(launch, "native", sha384)).not.toEqual(igvmDigest(launch, "measured", sha384));
  });

  it("are refused as IGVM where the ID block in the file is for another launch", () => {
    const digestOf = (file: Uint8Array) => igvmDigest(parseIgvm(file), "measured", sha384);
    const right = digestOf(madeIgvmFile());
    expect(digestOf(madeIgvmFile([{ kind: "id block", mask: 1, digest: right }]))).toEqual(right);
    const wrong = madeIgvmFile([{ kind: "id block", mask: 1, digest: new Uint8Array(48) }]);
    expect(codeOf(() => digestOf(wrong))).toBe("measurement/other-launch");
    const elsewhere = madeIgvmFile([{ kind: "id block", mask: 2, digest: new Uint8Array(48) }]);
    expect(digestOf(elsewhere)).toEqual(right);
  });
});
