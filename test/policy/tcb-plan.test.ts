/** Does a plan name exactly those whom its own Writ refuses, in an order that risks least, and bind when it says? */
import { describe, expect, it } from "vitest";
import { instant } from "../../src/base/time.ts";
import { type PlannedGuest, planFloor } from "../../src/policy/tcb-plan.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { evaluate } from "../../src/writ/evaluation/evaluator.ts";
import { formatSource } from "../../src/writ/formatting/format.ts";

const { digest } = nodePrimitives;
const BINDS = instant(Date.UTC(2026, 11, 14) / 1000);

function floorOf(rows: string) {
  const text = `writ 1\nmodule acme.floors version 1.0.0 { owner "a@b.example" }\nfloor next {\n${rows}\n}\n`;
  const { program, diagnostics } = compileSources([{ path: "f.writ", text }], {
    vocabulary: SNP_VOCABULARY,
    digest,
  });
  const floor = program?.floors[0];
  if (floor === undefined) throw new Error(JSON.stringify(diagnostics));
  return floor;
}

const FLOOR = floorOf("milan { bootloader 4, snp 24, microcode 219 }\nmilan-x { microcode 68 }");

const tcb = (snp: number, microcode: number) => ({ bootloader: 4, tee: 0, snp, microcode });
const guest = (id: string, changes: Partial<PlannedGuest> = {}): PlannedGuest => ({
  ...{
    id,
    place: id,
    cameFor: `prod/${id}`,
    chip: "c1",
    product: "milan",
    silicon: "milan",
    tcb: tcb(24, 219),
  },
  ...changes,
});

const plan = (guests: readonly PlannedGuest[]) => planFloor(FLOOR, guests, { bindsFrom: BINDS, digest });
const cutOff = (guests: readonly PlannedGuest[]) => plan(guests).cutOff.map(({ id }) => id);

describe("a plan", () => {
  it("cuts off who is below in any component, by the row of its own silicon, and nobody whom it has no row for", () => {
    const guests = [
      guest("good"),
      guest("low-snp", { tcb: tcb(23, 255) }),
      guest("low-microcode", { tcb: tcb(255, 218) }),
      guest("x", { silicon: "milan-x", tcb: tcb(0, 68) }),
      guest("low-x", { silicon: "milan-x", tcb: tcb(24, 67) }),
      guest("genoa", { product: "genoa", silicon: "genoa", tcb: tcb(0, 0) }),
    ];
    expect(cutOff(guests)).toEqual(["low-snp", "low-microcode", "low-x"]);
    expect(plan(guests)).toMatchObject({
      unaffected: 3,
      resources: ["prod/low-microcode", "prod/low-snp", "prod/low-x"],
    });
  });

  it("cuts off whose TCB or product nobody knows", () => {
    const { tcb: _tcb, ...unknown } = guest("no-tcb");
    const { product: _product, ...odd } = guest("no-product", { tcb: tcb(0, 0) });
    expect(cutOff([unknown, odd])).toEqual(["no-tcb", "no-product"]);
  });

  it("updates hosts first whose guests others can stand in for, then those with the least to lose", () => {
    const low = { tcb: tcb(0, 0) };
    const guests = [
      guest("stays", { place: "p", chip: "good" }),
      guest("a", { ...low, place: "p", chip: "c1" }),
      guest("b", { ...low, place: "p", chip: "c1" }),
      guest("c", { ...low, chip: "c2" }),
      guest("d", { ...low, chip: "c3" }),
      guest("e", { ...low, place: "p", chip: "c3" }),
      guest("f", { ...low, place: "p", chip: "c4" }),
    ];
    expect(plan(guests).hosts.map(({ chip, guests: n, alone }) => [chip, n, alone])).toEqual([
      ["c4", 1, 0],
      ["c1", 2, 0],
      ["c2", 1, 1],
      ["c3", 2, 1],
    ]);
  });

  it("is Writ that is formatted and compiles without a warning, and binds from its first moment and not before", () => {
    const { writ } = plan([]);
    expect(formatSource("p.writ", writ).text).toBe(writ);
    const files = [
      { path: "p.writ", text: `${writ}\npolicy all {\n  for resource "**"\n  allow "all"\n}\n` },
    ];
    const { program, diagnostics } = compileSources(files, { vocabulary: SNP_VOCABULARY, digest });
    if (program === undefined) throw new Error(JSON.stringify(diagnostics));
    const names = (now: number) =>
      evaluate(
        program,
        new Map<string, string | number>([
          ["request.resource", "a"],
          ["now", now],
        ]),
      ).trace.declarations.map(({ name }) => name);
    expect(names(BINDS)).toContain("tcb-plan");
    expect(names(BINDS - 1)).not.toContain("tcb-plan");
  });

  it("of ten thousand guests looks at each once", () => {
    const guests = Array.from({ length: 10_000 }, (_, i) =>
      guest(`g${i}`, { chip: `c${i % 500}`, tcb: tcb(i % 2 === 0 ? 23 : 24, 219) }),
    );
    expect(plan(guests)).toMatchObject({ unaffected: 5000, hosts: { length: 250 } });
  });
});
