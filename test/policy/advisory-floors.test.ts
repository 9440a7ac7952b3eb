/** Is each processor held to the figures of its own line, and does a floor in Writ say the same as the figures do? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { productOf, siliconOf } from "../../src/attestation/snp/product.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import type { TcbVersion } from "../../src/attestation/snp/tcb.ts";
import { isFault } from "../../src/base/fault.ts";
import { instant } from "../../src/base/time.ts";
import { judgeFirmware, loweredFigures } from "../../src/policy/advisory-floors.ts";
import { chooseBulletins, writeFloor } from "../../src/policy/advisory-writ.ts";
import { planFloor } from "../../src/policy/tcb-plan.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { TcbFact } from "../../src/writ/facts.ts";
import { formatSource } from "../../src/writ/formatting/format.ts";
import { itWithVectors, readVector } from "../support/shared-vectors.ts";
import { advisory, bulletin, figure, shippedAdvisory } from "./advisory-at-hand.ts";

const { digest } = nodePrimitives;
const MET: TcbFact = { bootloader: 4, tee: 0, snp: 24, microcode: 219 };

const short = (tcbs: object, more: object = {}) =>
  judgeFirmware(bulletin(), { product: "milan", silicon: "milan", tcbs, ...more })?.shortfalls.map(
    ({ tcb, figure: { component }, level }) => `${tcb} ${component} ${level}`,
  );

describe("firmware", () => {
  it.each([
    ["meets each figure", { reported: MET }, []],
    ["is one below in microcode", { reported: { ...MET, microcode: 218 } }, ["reported microcode 218"]],
    [
      "makes up for nothing by more of another",
      { reported: { ...MET, snp: 23, microcode: 255 } },
      ["reported snp 23"],
    ],
    ["can be taken back", { reported: MET, committed: { ...MET, snp: 20 } }, ["committed snp 20"]],
    ["was below when the guest began", { reported: MET, launch: { ...MET, snp: 8 } }, ["launch snp 8"]],
    [
      "has no such component at all",
      { reported: { bootloader: 4, tee: 0, microcode: 219 } },
      ["reported snp 0"],
    ],
  ])("that %s", (_what, tcbs, expected) => {
    expect(short(tcbs)).toEqual(expected);
  });

  it("of another line is held to none of these figures", () => {
    expect(short({ reported: { ...MET, microcode: 68 } }, { silicon: "milan-x" })).toBeUndefined();
    expect(
      short({ reported: { ...MET, microcode: 27 } }, { product: "genoa", silicon: "siena" }),
    ).toBeUndefined();
    expect(short({ reported: MET }, { product: undefined, silicon: undefined })).toBeUndefined();
  });

  it("of a report that does not tell its silicon is held to what is no microcode, and is not said to be good", () => {
    const judged = judgeFirmware(bulletin(), {
      product: "milan",
      tcbs: { reported: { ...MET, snp: 8, microcode: 0 } },
    });
    expect(judged?.shortfalls.map(({ figure: one }) => one.component)).toEqual(["snp"]);
    expect(judgeFirmware(bulletin(), { product: "milan", tcbs: { reported: MET } })).toEqual({
      shortfalls: [],
      isWhole: false,
    });
  });

  it("that nobody told is not said to be good", () => {
    expect(judgeFirmware(bulletin(), { product: "milan", silicon: "milan", tcbs: {} })?.isWhole).toBe(false);
  });
});

describe("real reports, by the advisory of the project", () => {
  const bulletinsBelow = (name: string) => {
    const report = parseReport(readVector("snp", "cases", name, "report.bin"));
    const [product, silicon] = [
      report.cpuid && productOf(report.cpuid),
      report.cpuid && siliconOf(report.cpuid),
    ];
    const tcbs = {
      reported: factOf(report.reportedTcb),
      committed: factOf(report.committedTcb),
      launch: factOf(report.launchTcb),
    };
    return shippedAdvisory().bulletins.flatMap((one) =>
      (judgeFirmware(one, { product, silicon, tcbs })?.shortfalls.length ?? 0) > 0 ? [one.id] : [],
    );
  };

  itWithVectors("of Siena and Turin of late meet every figure", () => {
    expect(bulletinsBelow("v5-siena-vcek-8fd94192")).toEqual([]);
    expect(bulletinsBelow("v5-turin-vcek-85da705e")).toEqual([]);
  });

  itWithVectors("of Milan and Genoa of 2025 are exactly at EntrySign's, and below what came later", () => {
    const milan = ["AMD-SB-3016", "AMD-SB-3020", "AMD-SB-3023", "AMD-SB-3030"];
    expect(bulletinsBelow("v3-milan-vcek-05b7438a")).toEqual(milan);
    expect(bulletinsBelow("v3-genoa-vcek-227a641d")).toEqual(["AMD-SB-3016", "AMD-SB-3020", "AMD-SB-3027"]);
    expect(bulletinsBelow("v3-milan-vlek-decdab94")).toContain("AMD-SB-3019"); // reports less than it committed to
  });
});

function factOf({ fmc, bootloader, tee, snp, microcode }: TcbVersion): TcbFact {
  return { ...(fmc === undefined ? {} : { fmc }), bootloader, tee, snp, microcode };
}

describe("an edition", () => {
  const raised = advisory({
    serial: 2,
    bulletins: [bulletin({ floors: [figure("milan", "snp", 25), ...bulletin().floors.slice(1)] })],
  });

  it("that raises figures or adds bulletins lowers nothing", () => {
    expect(loweredFigures(advisory(), raised)).toEqual([]);
    const more = advisory({ bulletins: [bulletin(), bulletin({ id: "AMD-SB-3020" })] });
    expect(loweredFigures(advisory(), more)).toEqual([]);
  });

  it("that lowers a figure, leaves it out, or leaves its bulletin out, says which", () => {
    expect(loweredFigures(raised, advisory())).toEqual(["AMD-SB-3019 milan snp"]);
    expect(loweredFigures(advisory(), advisory({ bulletins: [bulletin({ floors: [] })] }))).toHaveLength(3);
    expect(
      loweredFigures(advisory(), advisory({ bulletins: [bulletin({ id: "AMD-SB-3020" })] })),
    ).toHaveLength(3);
  });

  it("that says why, for exactly that figure, lowers it on purpose", () => {
    const why = { bulletin: "AMD-SB-3019", line: "milan", why: "AMD took it back" };
    const told = (component: string) => advisory({ withdrawn: [{ ...why, component }] });
    expect(loweredFigures(raised, told("snp"))).toEqual([]);
    expect(loweredFigures(raised, told("microcode"))).toEqual(["AMD-SB-3019 milan snp"]);
  });
});

const NAMES = { floor: "amd", module: "amd.floors", owner: "a@b.example" };

function floorOf(writ: string) {
  const { program, diagnostics } = compileSources([{ path: "f.writ", text: writ }], {
    vocabulary: SNP_VOCABULARY,
    digest,
  });
  const [floor] = program?.floors ?? [];
  if (floor === undefined) throw new Error(JSON.stringify(diagnostics));
  return { floor, errors: diagnostics.filter(({ code }) => code.startsWith("E")) };
}

describe("figures as a floor in Writ", () => {
  it("compile, are formatted, and keep bulletin, grade and source of each", () => {
    const { writ } = writeFloor(chooseBulletins(shippedAdvisory(), []), NAMES);
    expect(floorOf(writ).errors).toEqual([]);
    expect(formatSource("f.writ", writ).text).toBe(writ);
    expect(writ).toContain("# siena microcode 25: AMD-SB-3019, derived (one above the cut-off in Linux");
    expect(writ).toContain('describes "AMD-SB-3016,');
    expect(writ).toContain("of advisory 1 of 2026-11-30");
  });

  it("take the highest level of each component, and of equal ones the surest", () => {
    const bulletins = [
      bulletin({
        floors: [figure("milan", "snp", 24, { sure: "reported" }), figure("milan", "microcode", 219)],
      }),
      bulletin({ id: "AMD-SB-3020", floors: [figure("milan", "snp", 24, { sure: "vendor-stated" })] }),
      bulletin({ id: "AMD-SB-3030", floors: [figure("milan", "microcode", 222)] }),
    ];
    const { writ } = writeFloor(chooseBulletins(advisory({ bulletins }), []), NAMES);
    expect(writ).toContain("milan { bootloader 0, tee 0, snp 24, microcode 222 }");
    expect(writ).toContain("# milan snp 24: AMD-SB-3020, vendor-stated");
  });

  it("name the lines for which the row of their product would speak", () => {
    expect(writeFloor(chooseBulletins(advisory(), []), NAMES).silent).toEqual([
      "milan-x",
      "genoa-x",
      "siena",
    ]);
    expect(writeFloor(chooseBulletins(advisory(), []), NAMES, ["milan"]).silent).toEqual(["milan-x"]);
  });

  it.each([
    ["a bulletin that is not there", () => chooseBulletins(advisory(), ["AMD-SB-9999"])],
    ["a line that has none", () => writeFloor(chooseBulletins(advisory(), []), NAMES, ["turin"])],
    [
      "a bulletin without figures",
      () => writeFloor(chooseBulletins(shippedAdvisory(), ["AMD-SB-3045"]), NAMES),
    ],
  ])("are not made of %s", (_what, make) => {
    let code: string | undefined;
    try {
      make();
    } catch (thrown) {
      code = isFault(thrown) ? thrown.code : undefined;
    }
    expect(code).toBe("advisory/unknown");
  });

  const LINES = SNP_VOCABULARY.products.flatMap(({ name: product, silicon }) =>
    silicon.map((line) => ({ product, line })),
  );
  const level = fc.integer({ min: 0, max: 255 });
  const near = fc.oneof(level, fc.constantFrom(22, 23, 24, 26, 27, 28, 83, 84, 85, 86, 218, 219));
  const levels = fc.record({ fmc: near, bootloader: near, tee: near, snp: near, microcode: near });

  test.prop([
    fc.constantFrom(...LINES),
    levels,
    fc.subarray(["AMD-SB-3019", "AMD-SB-3020", "AMD-SB-3027"], { minLength: 1 }),
  ])(
    "refuse by a plan exactly whom the figures find below, and leave lines alone about which they say nothing",
    ({ product, line }, { fmc, ...classic }, ids) => {
      const tcb: TcbFact = product === "turin" ? { fmc, ...classic } : classic;
      const chosen = chooseBulletins(shippedAdvisory(), ids);
      const { writ, silent } = writeFloor(chosen, NAMES);
      const guest = { id: "g", place: "p", cameFor: "a/b", product, silicon: line, tcb };
      const terms = { bindsFrom: instant(1_800_000_000), digest, spared: silent };
      const isCutOff = planFloor(floorOf(writ).floor, [guest], terms).cutOff.length === 1;
      const isBelow = chosen.bulletins.some(
        (one) =>
          (judgeFirmware(one, { product, silicon: line, tcbs: { reported: tcb } })?.shortfalls.length ?? 0) >
          0,
      );
      expect(isCutOff).toBe(isBelow);
    },
  );
});
