/** Does a report that came as JSON give the bytes that were signed? Real reports, and what the `sev` crate itself wrote of them. */
import { createHash } from "node:crypto";
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CarriedEvidence } from "../../../src/attestation/evidence.ts";
import { hexOf, utf8 } from "../../../src/base/bytes.ts";
import { decodeKbsAttestation } from "../../../src/wire/kbs/attestation.ts";
import { codeOf } from "../../support/faults.ts";
import { laidOutReport, namedReport, type SerdeValue, serdeText } from "../../support/sev-crate-json.ts";
import { itWithVectors, readVector } from "../../support/shared-vectors.ts";

const POINT = "A".repeat(43);
const KEY = { kty: "EC", crv: "P-256", alg: "ECDH-ES+A256KW", x: POINT, y: POINT };

function decoded(report: SerdeValue): CarriedEvidence {
  const evidence = { attestation_report: report, cert_chain: null };
  const body = serdeText({ "tee-pubkey": KEY, "tee-evidence": evidence });
  return decodeKbsAttestation(utf8(body), "0.2.0").evidence;
}

function bytesOf(report: SerdeValue): Uint8Array {
  const evidence = decoded(report);
  return evidence.format === "raw" ? evidence.report : new Uint8Array(0);
}

/**
 * SHA-256 of the JSON that the crate's own code wrote of each report: versions 6.3.1, 7.1.0 and 8.0.0 agree to the byte; 4.0.0 is
 * the older form. By a program of ten lines over the published crates, 2026-11-30.
 */
const WRITTEN_BY_SEV: Readonly<Record<string, readonly [named: string, laidOut: string]>> = {
  "v2-milan-vcek-120d77b2": [
    "c80aae08aac7ec78ebeb472bf4391950b8f2ddd54db46e45d76f0cad1bf5a27c",
    "ee1a8da8bfeb8a8632cf01a74ece820adb448e766075e2a7678c54005c60a919",
  ],
  "v2-milan-vcek-377e6241": [
    "e26d9c795e84e31843b74e9f590551f72680cdae86ff985da53e361517713d88",
    "5d54826532d1e3da53abbabb0f3e4c32db35a34ffdd14bcf232ba5da70e291c1",
  ],
  "v3-milan-vlek-decdab94": [
    "a731b3a5f72877c1848fb1e286665cd8dce1b397afbdd49c3cfc3f2d4ab00a1d",
    "5d009dd96ea013fd2500d124c2bd2432848dbdbc25a8209131f66f8779d14a8a",
  ],
  "v3-genoa-vcek-227a641d": [
    "946668b6e6e303b9762ea0ad23fe4161ea3d487e4525cd4122bfa9efa9e76264",
    "c66389517b86f5dc909da4aba18573fe7891297e5ed9906db0a98277b245f5e8",
  ],
  "v5-siena-vcek-8fd94192": [
    "f7e2c1553471050bbcd0653b231a4fb2f5888ace680dd0cd5b3ff5899e44659d",
    "901fd9fb1603d03f1a376f55c9d53626f261ac04776e75263a291bad86aef66b",
  ],
  "v5-turin-vcek-85da705e": [
    "53f018bec86f16c00fb1b48e862026fa345b562ebbe7ba4b9400c6a3828ad7f5",
    "4e4c46cac7a98808918782aa0ab3de07a79730e8aacbfd2068903e0cae718f84",
  ],
};

const FORMS = { named: namedReport, "laid out": laidOutReport } as const;
const reportOf = (name: string) => readVector("snp/cases", name, "report.bin");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("a report in the JSON of the sev crate", () => {
  for (const [name, [named, laidOut]] of Object.entries(WRITTEN_BY_SEV)) {
    itWithVectors(`is the signed bytes again: ${name}`, () => {
      const report = reportOf(name);
      expect(sha256(serdeText(namedReport(report)))).toBe(named);
      expect(sha256(serdeText(laidOutReport(report)))).toBe(laidOut);
      expect(hexOf(bytesOf(namedReport(report)))).toBe(hexOf(report));
      expect(hexOf(bytesOf(laidOutReport(report)))).toBe(hexOf(report));
    });
  }

  /** Everything that the named form carries, at random; the rest is zero, as firmware leaves it. */
  const anyReport = fc
    .tuple(
      fc.uint8Array({ minLength: 1184, maxLength: 1184 }),
      fc.constantFrom(2, 3, 4, 5),
      fc.constantFrom(0x19, 0x1a),
    )
    .map(([bytes, version, family]) => realistic(bytes, version, family));

  test.prop([anyReport])("gives every field its place, whatever it holds", (report) => {
    for (const form of Object.values(FORMS)) expect(hexOf(bytesOf(form(report)))).toBe(hexOf(report));
  });

  it("keeps integers of 64 bits that a number does not carry", () => {
    const report = { ...namedReport(new Uint8Array(1184)), version: 5, policy: 0xfffffffffffffffdn };
    expect(hexOf(bytesOf(report).subarray(8, 16))).toBe("fdffffffffffffff");
    const laidOut = { ...laidOutReport(new Uint8Array(1184)), plat_info: 9007199254740993n };
    expect(hexOf(bytesOf(laidOut).subarray(0x40, 0x48))).toBe("0100000000002000");
  });

  it("reads a report of before mitigation vectors, whose members are not there", () => {
    const {
      launch_mit_vector: _launch,
      current_mit_vector: _current,
      ...older
    } = namedReport(new Uint8Array(1184));
    expect(hexOf(bytesOf(older))).toBe("00".repeat(1184));
  });
});

describe("JSON that is no report", () => {
  const good = namedReport(new Uint8Array(1184));
  const laidOut = laidOutReport(new Uint8Array(1184));
  const zeroes = (size: number) => Array.from({ length: size }, () => 0);
  const tcb = { fmc: null, bootloader: 0, tee: 0, snp: 0, microcode: 0 };
  const without = (name: string): SerdeValue =>
    Object.fromEntries(Object.entries(good).filter(([member]) => member !== name));

  const ROWS: readonly (readonly [name: string, report: SerdeValue])[] = [
    ["a member that nobody knows", { ...good, vmpl_mask: 1 }],
    ["a reserved member beside the names", { ...good, _reserved_0: 0 }],
    ["the two forms mixed", { ...laidOut, key_info: 0 }],
    ["a measurement of 47 bytes", { ...good, measurement: zeroes(47) }],
    ["a measurement of 49 bytes", { ...good, measurement: zeroes(49) }],
    ["a chip ID as text", { ...good, chip_id: "00".repeat(64) }],
    ["a byte of 256", { ...good, host_data: [256, ...zeroes(31)] }],
    ["a byte below zero", { ...good, host_data: [-1, ...zeroes(31)] }],
    ["a byte that is no whole number", { ...good, host_data: [0.5, ...zeroes(31)] }],
    [
      "a byte of 2^32, which 32-bit arithmetic takes for zero",
      { ...good, host_data: [2 ** 32, ...zeroes(31)] },
    ],
    ["a byte as text", { ...good, host_data: ["0", ...zeroes(31)] }],
    ["a byte of null", { ...good, host_data: [null, ...zeroes(31)] }],
    ["a policy below zero", { ...good, policy: -1 }],
    ["a policy of 2^64", { ...good, policy: 1n << 64n }],
    ["a policy that is no whole number", { ...good, policy: 196639.5 }],
    ["a policy as text", { ...good, policy: "196639" }],
    ["a version of 2^32", { ...good, version: 2 ** 32 }],
    ["a SIGNER_INFO of more than 32 bits", { ...good, key_info: 9007199254740993n }],
    ["a CPU family of 256", { ...good, cpuid_fam_id: 256 }],
    ["no signature", without("signature")],
    ["no CHIP_ID", without("chip_id")],
    ["a signature with a tail", { ...good, signature: { r: zeroes(72), s: zeroes(72), _reserved: [] } }],
    ["a component of 71 bytes", { ...good, signature: { r: zeroes(71), s: zeroes(72) } }],
    ["a TCB with a level of 256", { ...good, reported_tcb: { ...tcb, snp: 256 } }],
    ["a TCB with an unknown component", { ...good, reported_tcb: { ...tcb, psp: 1 } }],
    ["a TCB without microcode", { ...good, reported_tcb: { fmc: null, bootloader: 0, tee: 0, snp: 0 } }],
    [
      "a firmware version with four numbers",
      { ...good, current: { major: 1, minor: 55, build: 0, patch: 0 } },
    ],
    ["a list in the report's place", [good]],
    ["null in the report's place", null],
    ["the older form with a short reserve", { ...laidOut, _reserved_4: zeroes(152) }],
    ["the older form with a member that nobody knows", { ...laidOut, vmpl_mask: 1 }],
    ["the older form without its reserve", { ...laidOut, _reserved_1: [] }],
  ];

  it.each(ROWS)("is refused: %s", (_name, report) => {
    expect(codeOf(() => decoded(report))).toBe("evidence/malformed");
  });

  const scraps = fc.oneof(
    fc.constant(null),
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.array(fc.integer({ min: -1, max: 256 }), { maxLength: 80 }),
    fc.dictionary(fc.string(), fc.integer()),
  );
  test.prop([fc.constantFrom(...Object.keys(good)), scraps])(
    "never ends in anything but a report or a fault",
    (name, scrap) => {
      const text = serdeText({ ...good, [name]: "@" }).replace('"@"', () => JSON.stringify(scrap));
      const body = `{"tee-pubkey":${serdeText(KEY)},"tee-evidence":{"attestation_report":${text}}}`;
      const read = () => decodeKbsAttestation(utf8(body), "0.2.0");
      expect([undefined, "evidence/malformed"]).toContain(codeOf(read));
    },
  );
});

/** Zero where firmware of this version leaves zero, and a processor of this family. */
function realistic(random: Uint8Array, version: number, family: number): Uint8Array {
  const report = Uint8Array.from(random);
  const zero = (from: number, to: number) => report.fill(0, from, to);
  report.set([version, 0, 0, 0], 0);
  zero(0x4c, 0x50);
  if (version < 3) zero(0x188, 0x18b);
  else report[0x188] = family;
  zero(0x18b, 0x1a0);
  zero(0x1eb, 0x1ec);
  zero(0x1ef, 0x1f0);
  zero(version < 5 ? 0x1f8 : 0x208, 0x2a0);
  zero(0x330, 0x4a0);
  for (const at of [0x38, 0x180, 0x1e0, 0x1f0]) {
    const isTurin = version >= 3 && family >= 0x1a;
    if (isTurin) zero(at + 4, at + 7);
    else zero(at + 2, at + 6);
  }
  return report;
}
