/** Which mistakes of other verifiers with processors and TCBs are not ours? Catalogue cases 13 to 19 and 22. */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { type CpuId, productOf, siliconOf, tcbLayoutOf } from "../../src/attestation/snp/product.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { encodeTcb, isAtLeast, isSameTcb, parseTcb, type TcbVersion } from "../../src/attestation/snp/tcb.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { type Row, verdictOf } from "../simulator/deviation.ts";
import { codeOf } from "../support/faults.ts";
import { simulatedRoot } from "../support/simulated.ts";

const ORDINARY: TcbVersion = { bootloader: 4, tee: 0, snp: 24, microcode: 219 };
const NOTHING = new Uint8Array(8);
const reportData = new Uint8Array(64);

describe("16: the product and silicon line of a CPUID", () => {
  it.each([
    [[0x19, 0x01, 0], "milan", "milan"],
    [[0x19, 0x01, 1], "milan", "milan"],
    [[0x19, 0x01, 2], "milan", "milan-x"],
    [[0x19, 0x01, 3], "milan", undefined],
    [[0x19, 0x0f, 1], "milan", "milan"],
    [[0x19, 0x10, 1], "genoa", "genoa"],
    [[0x19, 0x11, 0], "genoa", undefined],
    [[0x19, 0x11, 2], "genoa", "genoa-x"],
    [[0x19, 0x1f, 1], "genoa", "genoa"],
    [[0x19, 0x20, 0], undefined, undefined],
    [[0x19, 0x9f, 2], undefined, undefined],
    [[0x19, 0xa0, 2], "genoa", "siena"],
    [[0x19, 0xaf, 2], "genoa", "siena"],
    [[0x19, 0xa0, 1], "genoa", undefined],
    [[0x19, 0xb0, 2], undefined, undefined],
    [[0x1a, 0x02, 1], "turin", "turin"],
    [[0x1a, 0x10, 1], "turin", "turin"],
    [[0x1a, 0x11, 0], "turin", "turin-dense"],
    [[0x1a, 0x12, 0], undefined, undefined],
    [[0x1a, 0x50, 0], undefined, undefined],
    [[0x18, 0x01, 1], undefined, undefined],
    [[0x1b, 0x01, 1], undefined, undefined],
  ] as const)("%j is %s, %s", ([family, model, stepping], product, silicon) => {
    const cpuid: CpuId = { family, model, stepping };
    expect({ product: productOf(cpuid), silicon: siliconOf(cpuid) }).toEqual({ product, silicon });
  });
});

describe("14: the layout of a TCB", () => {
  it("comes from the signed CPUID, and from nothing for a v2 report", () => {
    expect(tcbLayoutOf({ family: 0x19, model: 0xff, stepping: 0 })).toBe("classic");
    expect(tcbLayoutOf({ family: 0x1a, model: 0x02, stepping: 1 })).toBe("turin");
    expect(tcbLayoutOf(undefined)).toBe("classic");
  });

  it("is Turin's on Turin, with the chip masked or not", () => {
    const chip = createSimulatedChip(simulatedRoot("turin"));
    for (const fields of [{}, { chipId: new Uint8Array(64) }]) {
      const { currentTcb, cpuid } = parseReport(chip.report({ reportData, fields }));
      expect(currentTcb).toEqual({ fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 });
      expect(cpuid).toEqual({ family: 26, model: 2, stepping: 1 });
    }
  });

  it("is the classic one on a Milan whose CHIP_ID has eight bytes and zeros", () => {
    const chipId = new Uint8Array(64).fill(3, 0, 8);
    const chip = createSimulatedChip(simulatedRoot("milan"), { chipId });
    expect(parseReport(chip.report({ reportData })).currentTcb).toEqual(ORDINARY);
  });

  it("refuses the other layout's bytes", () => {
    const turin = encodeTcb({ fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 }, "turin");
    expect(codeOf(() => parseTcb(turin, "classic"))).toBe("evidence/reserved-bits");
    expect(codeOf(() => parseTcb(encodeTcb(ORDINARY, "classic"), "turin"))).toBe("evidence/reserved-bits");
  });
});

const zeroed = { reportedTcb: NOTHING, committedTcb: NOTHING, currentTcb: NOTHING, launchTcb: NOTHING };
const ROWS: readonly Row[] = [
  [
    "14: a Turin that says it is v2, its levels all zero",
    { product: "turin", report: { version: 2, fields: zeroed } },
    "endorsement/product-mismatch",
  ],
  [
    "14: a Turin report on a leaf whose fmc says what bootloader says",
    { product: "turin", leaf: { tcb: { fmc: 1, bootloader: 0, tee: 1, snp: 3, microcode: 75 } } },
    "endorsement/tcb-mismatch",
  ],
  [
    "13: a leaf with snp and microcode that make the same sum",
    { leaf: { tcb: { ...ORDINARY, snp: 25, microcode: 218 } } },
    "endorsement/tcb-mismatch",
  ],
  [
    "13: reported above current by microcode alone",
    {
      report: { committedTcb: ORDINARY, currentTcb: ORDINARY },
      chip: { tcb: { ...ORDINARY, microcode: 220 } },
    },
    "evidence/tcb-order",
  ],
  [
    "13: reported above current by tee, below it by all else",
    {
      chip: { tcb: { bootloader: 0, tee: 1, snp: 0, microcode: 0 } },
      report: { committedTcb: ORDINARY, currentTcb: ORDINARY },
    },
    "evidence/tcb-order",
  ],
  [
    "committed above current, reported not",
    { report: { committedTcb: { ...ORDINARY, snp: 25 }, currentTcb: ORDINARY } },
    "evidence/tcb-order",
  ],
  [
    "reported above committed, below current",
    { report: { committedTcb: { ...ORDINARY, snp: 5 }, currentTcb: ORDINARY } },
    "verified",
  ],
  [
    "19: current far above what is reported, committed and launched",
    { report: { currentTcb: { ...ORDINARY, snp: 40, microcode: 250 } } },
    "verified",
  ],
  [
    "all levels at 255",
    { chip: { tcb: { bootloader: 255, tee: 255, snp: 255, microcode: 255 } } },
    "verified",
  ],
  [
    "all levels at 128",
    { chip: { tcb: { bootloader: 128, tee: 128, snp: 128, microcode: 128 } } },
    "verified",
  ],
  ["all levels at zero", { chip: { tcb: { bootloader: 0, tee: 0, snp: 0, microcode: 0 } } }, "verified"],
];

describe("a mistake about the TCB", () => {
  it.each(ROWS)("%s", async (_name, deviation, verdict) => {
    expect(await verdictOf(deviation)).toBe(verdict);
  });
});

describe("22: PLATFORM_INFO", () => {
  const infoOf = (version: number, platformInfo: bigint) => {
    const chip = createSimulatedChip(simulatedRoot(version === 5 ? "turin" : "milan"));
    return parseReport(chip.report({ reportData, version, platformInfo })).platformInfo;
  };

  it.each([
    [2, 0x1fn, false],
    [2, 0x20n, true],
    [3, 0x3fn, false],
    [3, 0x40n, true],
    [4, 0x3fn, false],
    [4, 0x40n, true],
    [5, 0xffn, false],
    [5, 0x100n, true],
    [5, 1n << 63n, true],
  ])("of version %i with bits %s", (version, bits, hasUnknownBits) => {
    expect(infoOf(version, bits).hasUnknownBits).toBe(hasUnknownBits);
  });

  it("of a Turin says whether the IOMMU's writes are safe", () => {
    expect(infoOf(5, 0x65n)).toMatchObject({ iommuWriteSafe: true, tio: false, hasUnknownBits: false });
    expect(infoOf(5, 0x25n).iommuWriteSafe).toBe(false);
    expect(infoOf(3, 0x25n).iommuWriteSafe).toBeUndefined();
    expect(infoOf(3, 0x25n).aliasCheck).toBe(true);
    expect(infoOf(2, 0x25n).aliasCheck).toBeUndefined();
  });
});

const level = fc.nat({ max: 255 });
const classic = fc.record({ bootloader: level, tee: level, snp: level, microcode: level });
const turin = fc.record({ fmc: level, bootloader: level, tee: level, snp: level, microcode: level });
/** Near each other, so that order and equality are not rare. */
const close = fc.array(fc.nat({ max: 1 }), { minLength: 5, maxLength: 5 }).map(tcbOf);

function tcbOf([fmc = 0, bootloader = 0, tee = 0, snp = 0, microcode = 0]: readonly number[]): TcbVersion {
  return { fmc, bootloader, tee, snp, microcode };
}

const valuesOf = ({ fmc = 0, bootloader, tee, snp, microcode }: TcbVersion): readonly number[] => [
  fmc,
  bootloader,
  tee,
  snp,
  microcode,
];

describe("13: the order of TCBs", () => {
  property.prop([turin, turin])("is that of every component, never that of one integer", (a, b) => {
    const others = valuesOf(b);
    expect(isAtLeast(a, b)).toBe(valuesOf(a).every((value, at) => value >= (others[at] ?? 0)));
  });

  property.prop([close, close, close])("is reflexive, antisymmetric and transitive", (a, b, c) => {
    expect(isAtLeast(a, a)).toBe(true);
    if (isAtLeast(a, b) && isAtLeast(b, a)) expect(isSameTcb(a, b)).toBe(true);
    if (isAtLeast(a, b) && isAtLeast(b, c)) expect(isAtLeast(a, c)).toBe(true);
  });

  property.prop([turin])("has no pair that a raised and a lowered component make comparable", (tcb) => {
    const up = { ...tcb, snp: tcb.snp + 1, microcode: tcb.microcode - 1 };
    expect([isAtLeast(up, tcb), isAtLeast(tcb, up)]).toEqual([false, false]);
  });

  property.prop([classic, turin])("survives writing and reading, in both layouts", (a, b) => {
    expect(parseTcb(encodeTcb(a, "classic"), "classic")).toEqual(a);
    expect(parseTcb(encodeTcb(b, "turin"), "turin")).toEqual(b);
    expect(isSameTcb(a, { ...a, fmc: 0 })).toBe(false);
  });
});
