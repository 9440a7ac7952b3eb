import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { instant } from "../../src/base/time.ts";
import { claimsOf } from "../../src/policy/claims.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { FIELDS } from "../../src/policy/vocabulary-fields.ts";
import type { Facts, FactValue } from "../../src/writ/facts.ts";
import type { Field } from "../../src/writ/vocabulary.ts";
import {
  CHIPS,
  type Chip,
  CONTEXT,
  evidenceOf,
  GENOA_V4,
  MILAN_V2,
  MILAN_V3,
  NOW,
  reportBytes,
  TURIN_V5,
  verificationOf,
} from "./report-bytes.ts";

type Changes = Readonly<Record<number, readonly number[]>>;

function read(chip: Chip, changes: Changes = {}): Facts {
  return factsOf(verificationOf(chip, changes), CONTEXT);
}

describe("each field is read from its own bytes", () => {
  const rows: readonly (readonly [
    field: string,
    changes: Changes,
    value: FactValue | undefined,
    chip?: Chip,
  ])[] = [
    ["report.version", {}, "2", MILAN_V2],
    ["report.version", {}, "5", TURIN_V5],
    ["report.id", { 320: [0xee] }, `ee${"01".repeat(31)}`],
    ["report.id_ma", { 352: [0xee] }, `ee${"ff".repeat(31)}`],
    ["report.chip_masked", {}, false],
    ["report.chip_masked", { 416: Array(64).fill(0) }, true],
    ["report.chip_id", {}, "03".repeat(64)],
    ["report.chip_id", {}, "03".repeat(8) + "00".repeat(56), TURIN_V5],
    ["report.chip_id", { 416: Array(64).fill(0) }, undefined],
    ["measurement", { 191: [0xee] }, `${"02".repeat(47)}ee`],
    ["host_data", { 192: [0xee] }, `ee${"a3".repeat(31)}`],
    ["vmpl", { 48: [2] }, 2],
    ["id_block.guest_svn", { 4: [0xff, 0xff, 0xff, 0xff] }, 0xffff_ffff],
    ["id_block.family_id", { 16: [0xee] }, `ee${"a1".repeat(15)}`],
    ["id_block.image_id", { 32: [0xee] }, `ee${"a2".repeat(15)}`],
    ["id_block.id_key", {}, "a4".repeat(48)],
    ["id_block.id_key", { 224: Array(48).fill(0) }, undefined],
    ["id_block.author_key", {}, "a5".repeat(48)],
    ["id_block.author_key", { 72: [0] }, undefined],
    ["guest.abi", { 8: [0x3a, 0x01] }, [1, 58, 0]],
    ["guest.smt", {}, true],
    ["guest.migrate_ma", { 10: [0x06] }, true],
    ["guest.debug", { 10: [0x0a] }, true],
    ["guest.single_socket", { 10: [0x12] }, true],
    ["guest.cxl", { 10: [0x22] }, true],
    ["guest.aes256_xts", { 10: [0x42] }, true],
    ["guest.rapl_disabled", { 10: [0x82] }, true],
    ["guest.ciphertext_hiding", { 11: [0x01] }, true],
    ["guest.page_swap_disabled", { 11: [0x02] }, true],
    ["guest.unknown_bits", {}, false],
    ["guest.unknown_bits", { 10: [0x01] }, true],
    ["guest.unknown_bits", { 11: [0x04] }, true],
    ["guest.unknown_bits", { 15: [0x80] }, true],
    ["host.smt", { 64: [0x01] }, true],
    ["host.tsme", { 64: [0x02] }, true],
    ["host.ecc", { 64: [0x04] }, true],
    ["host.rapl_disabled", { 64: [0x08] }, true],
    ["host.ciphertext_hiding", { 64: [0x10] }, true],
    ["host.alias_check", { 64: [0x20] }, undefined, MILAN_V2],
    ["host.alias_check", { 64: [0x20] }, true, MILAN_V3],
    ["host.alias_check", { 64: [0x00] }, false, GENOA_V4],
    ["host.iommu_write_safe", { 64: [0x40] }, undefined, GENOA_V4],
    ["host.iommu_write_safe", { 64: [0x40] }, true, TURIN_V5],
    ["host.tio", { 64: [0x80] }, undefined, MILAN_V3],
    ["host.tio", { 64: [0x80] }, true, TURIN_V5],
    ["host.unknown_bits", { 64: [0x65] }, false, TURIN_V5],
    ["host.unknown_bits", { 64: [0x65] }, true, GENOA_V4],
    ["host.unknown_bits", { 64: [0x25] }, false, MILAN_V3],
    ["host.unknown_bits", { 64: [0x25] }, true, MILAN_V2],
    ["host.unknown_bits", { 71: [0x80] }, true, TURIN_V5],
    ["tcb.current", { 63: [255] }, { bootloader: 4, tee: 0, snp: 24, microcode: 255 }],
    ["tcb.reported", { 390: [23] }, { bootloader: 4, tee: 0, snp: 23, microcode: 219 }],
    ["tcb.committed", { 481: [9] }, { bootloader: 4, tee: 9, snp: 24, microcode: 219 }],
    ["tcb.launch", { 496: [9] }, { bootloader: 9, tee: 0, snp: 24, microcode: 219 }],
    ["tcb.committed", { 480: [9] }, { fmc: 9, bootloader: 1, tee: 1, snp: 3, microcode: 75 }, TURIN_V5],
    ["firmware.version", { 488: [1, 2, 3] }, [3, 2, 1]],
    ["firmware.committed_version", { 492: [1, 2, 3] }, [3, 2, 1]],
    ["firmware.provisional", {}, false],
    ["firmware.provisional", { 63: [220] }, true],
    ["firmware.provisional", { 56: [2] }, true, TURIN_V5],
    ["firmware.provisional", { 490: [2] }, true],
    ["firmware.provisional", { 489: [56] }, true],
    ["firmware.provisional", { 488: [41] }, true],
    ["cpu.family", {}, undefined, MILAN_V2],
    ["cpu.family", {}, 0x19],
    ["cpu.model", {}, 0x11, GENOA_V4],
    ["cpu.stepping", {}, 1, TURIN_V5],
    ["mitigations.launch", {}, undefined, GENOA_V4],
    ["mitigations.launch", { 504: [1, 2, 3, 4, 5, 6, 7, 0xff] }, 0xff07_0605_0403_0201n, TURIN_V5],
    ["mitigations.current", { 512: [0xff, 0, 0, 0, 0, 0, 0x20, 0] }, 0x0020_0000_0000_00ffn, TURIN_V5],
    ["endorsement.kind", {}, "vcek"],
    ["endorsement.kind", { 72: [0x05] }, "vlek"],
  ];
  for (const [field, changes, value, chip = MILAN_V3] of rows) {
    it(`${field} of a v${chip.version} report with ${JSON.stringify(changes)}`, () => {
      expect(read(chip, changes).get(field)).toEqual(value);
    });
  }
});

describe("what only the verifier and the exchange know", () => {
  const rows: readonly (readonly [string, FactValue | undefined])[] = [
    ["product", "milan"],
    ["silicon", "milan"],
    ["endorsement.tcb", { bootloader: 4, tee: 0, snp: 24, microcode: 219 }],
    ["endorsement.crl_age", 3_600_000],
    ["endorsement.not_after_in", 86_400_000],
    ["endorsement.csp", undefined],
    ["evidence.format", "raw"],
    ["evidence.age", 0],
    ["request.resource", "demo/disk"],
    ["request.op", "release"],
    ["request.channel", "application"],
    ["request.nonce_age", 3000],
    ["request.attempt", 1],
    ["request.source", "192.0.2.1"],
    ["now", NOW],
    ["now.weekday", "thu"],
    ["now.hour", 12],
    ["broker.region", "eu-north"],
    ["broker.environment", "test"],
    ["broker.sealed", false],
    ["vm.vcpus", undefined],
  ];
  for (const [field, value] of rows) {
    it(field, () => expect(read(MILAN_V3).get(field)).toEqual(value));
  }

  it("no silicon line where the stepping is not known", () => {
    expect(read(MILAN_V2).has("silicon")).toBe(false);
  });

  const providers: readonly (readonly [string, string | undefined])[] = [
    ["CN=cc-us-east-1.amazonaws.com", "aws"],
    ["CN=cc-eu-west-1.amazonaws.com", "aws"],
    ["CN=cc-.amazonaws.com", undefined],
    ["CN=cc-us-east-1.amazonaws.com.evil.example", undefined],
    ["xCN=cc-us-east-1.amazonaws.com", undefined],
    ["CN=cc-us.east-1.amazonaws.com", undefined],
    ["CN=cc-us-east-1xamazonaws.com", undefined],
    ["CN=cc-us-east-1.amazonaws.com\n", undefined],
    ["", undefined],
  ];
  for (const [cspId, provider] of providers) {
    it(`provider ${provider ?? "none"} for CSP id ${JSON.stringify(cspId)}`, () => {
      const verification = verificationOf(MILAN_V3);
      const endorsement = { ...verification.endorsement, cspId };
      const facts = factsOf({ ...verification, endorsement }, CONTEXT);
      expect([facts.get("endorsement.csp"), facts.get("endorsement.csp_id")]).toEqual([provider, cspId]);
    });
  }

  it("the age of a CRL is never negative, also when the clock was set back", () => {
    const facts = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, now: instant(NOW - 7200) });
    expect(facts.get("endorsement.crl_age")).toBe(0);
  });

  it("no CRL, no age", () => {
    const { revocation: _, ...verification } = verificationOf(MILAN_V3);
    expect(factsOf(verification, CONTEXT).has("endorsement.crl_age")).toBe(false);
  });

  it("the vCPU count of the reference value that equals the measurement", () => {
    const verification = verificationOf(MILAN_V3);
    expect(factsOf(verification, CONTEXT, new Map([["02".repeat(48), 4]])).get("vm.vcpus")).toBe(4);
    expect(factsOf(verification, CONTEXT, new Map([["ff".repeat(48), 4]])).has("vm.vcpus")).toBe(false);
  });

  test.prop([fc.integer({ min: 0, max: 253_402_300_799 })])(
    "weekday and hour are those of the calendar",
    (now) => {
      const facts = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, now: instant(now) });
      const date = new Date(now * 1000);
      const weekday = date.toLocaleDateString("en-GB", { weekday: "short", timeZone: "UTC" }).toLowerCase();
      expect([facts.get("now.weekday"), facts.get("now.hour")]).toEqual([weekday, date.getUTCHours()]);
    },
  );
});

describe("facts and vocabulary agree", () => {
  const fields = new Map(FIELDS.map((field) => [field.name, field]));

  it.each(CHIPS)("every fact of a v$version report is a field of its type", (chip) => {
    for (const [name, value] of read(chip))
      expect([name, fits(fields.get(name), value)]).toEqual([name, true]);
  });

  it.each(CHIPS)("every field that is never absent is there in a v$version report", (chip) => {
    const facts = read(chip);
    const missing = FIELDS.filter(({ name, absence }) => absence === undefined && !facts.has(name));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it("nobody's word stands in for sources that are not there yet", () => {
    const facts = read(TURIN_V5);
    const later = [...facts.keys()].filter((name) => /^(vtpm|host_vtpm|client|approvals)/.test(name));
    expect(later).toEqual([]);
  });
});

/** Whether a value is of its field's type, as `writ/facts.ts` represents it. */
function fits(field: Field | undefined, value: FactValue): boolean {
  switch (field?.type.kind) {
    case "bytes":
      return typeof value === "string" && new RegExp(`^[0-9a-f]{${2 * field.type.size}}$`).test(value);
    case "flag":
      return typeof value === "boolean";
    case "uint":
      return typeof value === "number" && value >= 0 && value < 2 ** field.type.bits;
    case "tcb":
      return typeof value === "object" && Object.values(value).every((level) => level >= 0 && level <= 255);
    case "version":
      return Array.isArray(value) && value.length === 3;
    case "bits":
      return typeof value === "bigint" && value >= 0n && value < 1n << BigInt(field.type.bits);
    case "enum":
      return field.type.values.includes(String(value));
    case "duration":
    case "time":
      return Number.isSafeInteger(value);
    case "str":
    case "path":
    case "cidr":
      return typeof value === "string";
    default:
      return false;
  }
}

describe("a policy can reach everything that a report says", () => {
  const isReportData = (at: number) => at >= 0x050 && at < 0x090;

  it.each(CHIPS)(
    "no signed bit of a v$version report changes without a fact that changes, or a fault",
    (chip) => {
      const before = printed(read(chip));
      const good = reportBytes(chip);
      for (let bit = 0; bit < 0x2a0 * 8; bit += 1) {
        const at = bit >> 3;
        if (isReportData(at)) continue;
        const changes = { [at]: [(good[at] ?? 0) ^ (1 << (bit & 7))] };
        expect([bit, afterOf(chip, changes) === before]).toEqual([bit, false]);
      }
    },
  );

  /** Product and silicon come from the verifier's answer here, so CPUID alone has to show. */
  function afterOf(chip: Chip, changes: Changes): string {
    try {
      return printed(read(chip, changes));
    } catch (thrown) {
      if (isFault(thrown)) return thrown.code;
      throw thrown;
    }
  }

  function printed(facts: Facts): string {
    return JSON.stringify(
      [...facts].map(([name, value]) => [name, typeof value === "bigint" ? `${value}n` : value]),
    );
  }

  const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  test.prop([u64, u64])(
    "mitigation vectors come back bit for bit, as facts and as claims",
    (launch, current) => {
      const changes = { 504: bytesOf(launch), 512: bytesOf(current) };
      const facts = read(TURIN_V5, changes);
      expect([facts.get("mitigations.launch"), facts.get("mitigations.current")]).toEqual([launch, current]);
      const claims = claimsOf(evidenceOf(TURIN_V5, changes));
      expect(BigInt(`0x${claims["mitigations.launch"]}`)).toBe(launch);
      expect(claims["mitigations.current"]).toHaveLength(16);
    },
  );

  test.prop([u64])("the bits of POLICY and PLATFORM_INFO are each a flag of their own", (bits) => {
    const facts = read(TURIN_V5, { 8: bytesOf(bits), 64: bytesOf(bits) });
    const bit = (n: bigint) => ((bits >> n) & 1n) === 1n;
    expect(GUEST_BITS.map(([field]) => facts.get(field))).toEqual(GUEST_BITS.map(([, n]) => bit(n)));
    expect(HOST_BITS.map((field) => facts.get(field))).toEqual(HOST_BITS.map((_, n) => bit(BigInt(n))));
    expect(facts.get("guest.unknown_bits")).toBe(!bit(17n) || bits >> 26n !== 0n);
    expect(facts.get("host.unknown_bits")).toBe(bits >> 8n !== 0n);
    expect(facts.get("guest.abi")).toEqual([Number((bits >> 8n) & 255n), Number(bits & 255n), 0]);
  });

  const GUEST_BITS = [
    ["guest.smt", 16n],
    ["guest.migrate_ma", 18n],
    ["guest.debug", 19n],
    ["guest.single_socket", 20n],
    ["guest.cxl", 21n],
    ["guest.aes256_xts", 22n],
    ["guest.rapl_disabled", 23n],
    ["guest.ciphertext_hiding", 24n],
    ["guest.page_swap_disabled", 25n],
  ] as const;
  const HOST_BITS = [
    "host.smt",
    "host.tsme",
    "host.ecc",
    "host.rapl_disabled",
    "host.ciphertext_hiding",
    "host.alias_check",
    "host.iommu_write_safe",
    "host.tio",
  ];

  function bytesOf(value: bigint): readonly number[] {
    return Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
  }
});

describe("claims", () => {
  it("write versions, vectors and TCBs as the command line promises", () => {
    const claims = claimsOf(evidenceOf(TURIN_V5, { 504: [0x3f] }));
    expect(claims["report.version"]).toBe(5);
    expect(claims["guest.abi"]).toBe("0.31");
    expect(claims["firmware.version"]).toBe("1.55.40");
    expect(claims["mitigations.launch"]).toBe("000000000000003f");
    expect(claims["tcb.launch"]).toEqual({ fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 });
    expect([claims["product"], claims["silicon"]]).toEqual(["turin", "turin"]);
  });

  it("leave out what is absent, and who made a v2 report", () => {
    const claims = claimsOf(evidenceOf(MILAN_V2, { 72: [0] }));
    expect(Object.keys(claims)).not.toContain("id_block.author_key");
    expect([claims["product"], claims["silicon"], claims["cpu.family"]]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("say what the certificates say, once they are verified", () => {
    const verification = verificationOf(MILAN_V2);
    const endorsement = { ...verification.endorsement, cspId: "CN=cc-us-east-1.amazonaws.com" };
    const claims = claimsOf(verification.evidence, { ...verification, endorsement });
    expect(claims["product"]).toBe("milan");
    expect(claims["endorsement.csp"]).toBe("aws");
    expect(claims["endorsement.tcb"]).toEqual({ bootloader: 4, tee: 0, snp: 24, microcode: 219 });
    expect(Object.keys(claims).filter((name) => /^(request|now|broker|endorsement\.crl)/.test(name))).toEqual(
      [],
    );
  });
});
