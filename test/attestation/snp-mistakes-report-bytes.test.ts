/** Which mistakes of other verifiers with a report's bytes and signature are not ours? Catalogue cases 23 to 31. */
import { createHash } from "node:crypto";
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { REPORT_FIELDS, SIGNED_SIZE } from "../../src/attestation/snp/layout.ts";
import { parseReport, type ReportVersion } from "../../src/attestation/snp/report.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { concatBytes, equalBytes, hexOf, u64le } from "../../src/base/bytes.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { type Deviation, verdictOf } from "../simulator/deviation.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { itWithVectors } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";
import { amdTrust, realParts, verdictOnParts } from "./real-case.ts";

const R = REPORT_FIELDS.signatureR.at;
const S = REPORT_FIELDS.signatureS.at;
const SCALAR = 48;
/** Order of P-384. */
const N = 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;
const TOP = (1n << 384n) - 1n;
const AT = "2025-06-01T00:00:00Z";

const milan = createSimulatedChip(simulatedRoot("milan"));
const turin = createSimulatedChip(simulatedRoot("turin"));
const good = milan.report({ reportData: new Uint8Array(64).fill(9) });

const scalarOf = (report: Uint8Array, at: number): bigint =>
  BigInt(`0x${hexOf(report.slice(at, at + SCALAR).reverse())}`);

function withScalars(report: Uint8Array, r: bigint, s: bigint): Uint8Array {
  const bent = report.slice();
  for (const [at, value] of [
    [R, r],
    [S, s],
  ] as const) {
    bent.set(Buffer.from(value.toString(16).padStart(2 * SCALAR, "0"), "hex").reverse(), at);
  }
  return bent;
}

const parse = (report: Uint8Array) => codeOf(() => parseEvidence({ format: "raw", report }));
const signatureOf = (change: (r: bigint, s: bigint) => readonly [bigint, bigint]): Deviation => ({
  report: {
    patchAfter: (report) => {
      const [r, s] = change(scalarOf(report, R), scalarOf(report, S));
      report.set(withScalars(report, r, s));
    },
  },
});

describe("26: the length of a report", () => {
  it.each([
    ["nothing", new Uint8Array(0)],
    ["one byte less", good.slice(1)],
    ["one byte more", concatBytes(good, new Uint8Array(1))],
    ["twenty bytes more", concatBytes(good, new Uint8Array(20))],
    ["the message's header before it", concatBytes(new Uint8Array(32), good)],
    ["a certificate table behind it", concatBytes(good, new Uint8Array(4096))],
    ["a report twice", concatBytes(good, good)],
  ])("refuses %s", (_name, report) => {
    expect(parse(report)).toBe("evidence/malformed");
  });

  it("is not taken from memory that the sender still holds", () => {
    const sent = good.slice();
    const { reportBytes, signedBytes, report } = parseEvidence({ format: "raw", report: sent });
    sent.fill(0xff);
    expect(equalBytes(reportBytes, good) && equalBytes(signedBytes, good.slice(0, SIGNED_SIZE))).toBe(true);
    expect(report.reportData).toEqual(new Uint8Array(64).fill(9));
  });
});

describe("certificates beside a report", () => {
  const withBeside = (...endorsements: readonly Uint8Array[]) =>
    codeOf(() => parseEvidence({ format: "raw", report: good, endorsements }));

  it("are eight of 8192 bytes at most", () => {
    const piece = new Uint8Array(8192);
    expect(withBeside(...Array.from({ length: 8 }, () => piece))).toBeUndefined();
    expect(withBeside(...Array.from({ length: 9 }, () => new Uint8Array(1)))).toBe("evidence/malformed");
    expect(withBeside(new Uint8Array(8193))).toBe("evidence/malformed");
  });
});

describe("25: a signature's scalars", () => {
  it.each([
    ["r = 1", signatureOf((_r, s) => [1n, s])],
    ["s = 1", signatureOf((r) => [r, 1n])],
    ["both 1", signatureOf(() => [1n, 1n])],
    ["both n - 1", signatureOf(() => [N - 1n, N - 1n])],
    ["r = n + 1", signatureOf((_r, s) => [N + 1n, s])],
    ["s = n + 1", signatureOf((r) => [r, N + 1n])],
    ["r = 2^384 - 1", signatureOf((_r, s) => [TOP, s])],
    ["both 2^384 - 1", signatureOf(() => [TOP, TOP])],
    ["r = 0, s = 1", signatureOf(() => [0n, 1n])],
    ["r = 0, s = n", signatureOf(() => [0n, N])],
    ["r = n, s = n", signatureOf(() => [N, N])],
    ["r and s in each other's place", signatureOf((r, s) => [s, r])],
    ["n - r", signatureOf((r, s) => [N - r, s])],
    ["n - r and n - s", signatureOf((r, s) => [N - r, N - s])],
    ["r + 1", signatureOf((r, s) => [r + 1n === N ? 1n : r + 1n, s])],
  ])("are refused as %s", async (_name, deviation) => {
    expect(await verdictOf(deviation)).toBe("evidence/bad-signature");
  });

  it("are no signature at all when both are zero", async () => {
    expect(await verdictOf(signatureOf(() => [0n, 0n]))).toBe("evidence/unsigned");
  });

  it("are refused out of range whatever a runtime's library would say of them", async () => {
    const trust = simulatedTrust("milan");
    const primitives = { ...trust.primitives, verify: async () => true };
    const root = simulatedRoot("milan");
    const crls = [{ der: root.crl({ thisUpdate: SIMULATED_NOW }) }];
    const verdictOn = (r: bigint, s: bigint) => {
      const evidence = parseEvidence({ format: "raw", report: withScalars(good, r, s) });
      const endorsements = { certificates: [milan.leaf, root.ask, root.ark], crls };
      return codeOfPromise(verifyEvidence(evidence, endorsements, { ...trust, primitives }));
    };
    expect(await verdictOn(1n, N - 1n)).toBeUndefined();
    for (const [r, s] of [
      [0n, 1n],
      [1n, 0n],
      [N, 1n],
      [1n, N],
      [TOP, 1n],
      [1n, TOP],
    ] as const) {
      expect(await verdictOn(r, s)).toBe("evidence/bad-signature");
    }
  });

  it("24: are taken with a high s and with a low one", async () => {
    expect(await verdictOf(signatureOf((r, s) => [r, s > N / 2n ? s : N - s]))).toBe("verified");
    expect(await verdictOf(signatureOf((r, s) => [r, s < N / 2n ? s : N - s]))).toBe("verified");
  });

  it("24: in their other form leave the report the same to nonce, replay and cache", () => {
    const other = withScalars(good, scalarOf(good, R), N - scalarOf(good, S));
    const [a, b] = [good, other].map((report) => parseEvidence({ format: "raw", report }));
    expect(equalBytes(good, other)).toBe(false);
    expect(a?.signedBytes).toEqual(b?.signedBytes);
    expect(a?.report).toEqual(b?.report);
  });

  itWithVectors("24: of AMD's firmware are taken in either form", async () => {
    const parts = realParts();
    const { report } = parts;
    const other = withScalars(report, scalarOf(report, R), N - scalarOf(report, S));
    const trust = amdTrust(AT, "required");
    expect(await verdictOnParts({ ...parts, report: other }, trust)).toBe("verified");
    const raised = withScalars(report, scalarOf(report, R), scalarOf(report, S) + 1n);
    expect(await verdictOnParts({ ...parts, report: raised }, trust)).toBe("evidence/bad-signature");
  });
});

const VERSIONS: readonly ReportVersion[] = [2, 3, 4, 5];
const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const level = fc.nat({ max: 255 });
const tcb = fc.record({ bootloader: level, tee: level, snp: level, microcode: level });
const written = fc.record({
  version: fc.constantFrom(...VERSIONS),
  guestSvn: fc.nat({ max: 0xffffffff }),
  policy: word,
  platformInfo: word,
  familyId: bytes(16),
  imageId: bytes(16),
  vmpl: fc.nat({ max: 3 }),
  reportData: bytes(64),
  measurement: bytes(48),
  hostData: bytes(32),
  idKeyDigest: bytes(48),
  authorKeyDigest: bytes(48),
  reportId: bytes(32),
  reportIdMa: bytes(32),
  chipId: bytes(64),
  currentVersion: bytes(3),
  committedVersion: bytes(3),
  reportedTcb: tcb,
  committedTcb: tcb,
  currentTcb: tcb,
  launchTcb: tcb,
  launchMitigations: word,
  currentMitigations: word,
  isAuthorKeyEnabled: fc.boolean(),
});

function u32le(value: number): Uint8Array {
  return u64le(BigInt(value)).slice(0, 4);
}

describe("what the firmware writes", () => {
  property.prop([written], { numRuns: 200 })("comes back field for field", (field) => {
    const { version, policy, platformInfo, vmpl, reportData, measurement, hostData, reportId } = field;
    const { launchMitigations, currentMitigations, isAuthorKeyEnabled, guestSvn, currentVersion } = field;
    const { familyId, imageId, idKeyDigest, authorKeyDigest, reportIdMa, chipId, committedVersion } = field;
    const { reportedTcb, committedTcb, currentTcb, launchTcb } = field;
    const given = { familyId, imageId, idKeyDigest, authorKeyDigest, reportIdMa, chipId };
    const mitigations = { launchMitigations, currentMitigations };
    const report = milan.report({
      ...{ version, policy, platformInfo, vmpl, reportData, measurement, hostData, reportId },
      ...{ reportedTcb, committedTcb, currentTcb, launchTcb },
      signerInfo: isAuthorKeyEnabled ? 1 : 0,
      fields: {
        ...given,
        guestSvn: u32le(guestSvn),
        currentVersion,
        committedVersion,
        ...(version < 5
          ? {}
          : {
              launchMitigations: u64le(launchMitigations),
              currentMitigations: u64le(currentMitigations),
            }),
      },
    });
    const parsed = parseReport(report);
    const firmware = ([build = 0, minor = 0, major = 0]: Uint8Array) => ({ major, minor, build });
    expect(parsed).toMatchObject({
      ...{ version, policy, vmpl, reportData, measurement, hostData, reportId, guestSvn, isAuthorKeyEnabled },
      ...given,
      ...{ reportedTcb, committedTcb, currentTcb, launchTcb },
      platformInfoBits: platformInfo,
      signingKey: "vcek",
      currentVersion: firmware(currentVersion),
      committedVersion: firmware(committedVersion),
      ...(version === 5 ? mitigations : {}),
    });
    expect("launchMitigations" in parsed).toBe(version === 5);
    expect("cpuid" in parsed).toBe(version >= 3);
  });

  it("31: keeps every bit above 2^53", () => {
    const all = (1n << 64n) - 1n;
    const fields = { launchMitigations: u64le(all - 1n), currentMitigations: u64le((1n << 53n) + 1n) };
    const report = turin.report({
      reportData: new Uint8Array(64),
      policy: all,
      platformInfo: all - 2n,
      fields,
    });
    expect(parseReport(report)).toMatchObject({
      policy: all,
      platformInfoBits: all - 2n,
      launchMitigations: all - 1n,
      currentMitigations: (1n << 53n) + 1n,
    });
  });

  property.prop([fc.nat({ max: SIGNED_SIZE - 1 })])("is hashed as it was received, byte for byte", (at) => {
    const bent = good.with(at, (good[at] ?? 0) ^ 0x80);
    const digest = (report: Uint8Array) =>
      createHash("sha384").update(report.slice(0, SIGNED_SIZE)).digest("hex");
    if (parse(bent) !== undefined) return;
    const { signedBytes } = parseEvidence({ format: "raw", report: bent });
    expect(createHash("sha384").update(signedBytes).digest("hex")).toBe(digest(bent));
    expect(digest(bent)).not.toBe(digest(good));
  });

  it("says each policy bit under its own name", () => {
    const names = {
      smt: 16n,
      migrateMa: 18n,
      debug: 19n,
      singleSocket: 20n,
      cxl: 21n,
      aes256Xts: 22n,
      raplDisabled: 23n,
      ciphertextHiding: 24n,
      pageSwapDisabled: 25n,
    } as const;
    const base = 1n << 17n;
    const policyOf = (policy: bigint) =>
      parseReport(milan.report({ reportData: new Uint8Array(64), policy })).guestPolicy;
    for (const [name, bit] of Object.entries(names)) {
      const set = Object.entries(policyOf(base | (1n << bit))).filter(([, value]) => value === true);
      expect(set.map(([found]) => found)).toEqual([name]);
    }
    expect(policyOf(base | 0x1f_0133n)).toMatchObject({ abiMajor: 1, abiMinor: 0x33, hasUnknownBits: false });
    expect(policyOf(0n).hasUnknownBits).toBe(true);
    expect(policyOf(base | (1n << 26n)).hasUnknownBits).toBe(true);
  });
});
