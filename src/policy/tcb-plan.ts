/** Whom would a new floor cut off, whose host is to be updated first, and how does the floor come into force? */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { formatInstant, type Instant } from "../base/time.ts";
import { compileSources } from "../writ/compile.ts";
import { evaluate } from "../writ/evaluation/evaluator.ts";
import type { Facts, FactValue, TcbFact } from "../writ/facts.ts";
import { formatSource } from "../writ/formatting/format.ts";
import type { Floor, FloorRow, Program } from "../writ/program.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

/** What a plan looks at of a guest: one that is let in today, as its newest decision saw it. */
export type PlannedGuest = {
  readonly id: string;
  readonly place: string;
  readonly cameFor: string;
  readonly chip?: string;
  readonly product?: string;
  readonly silicon?: string;
  readonly tcb?: TcbFact;
};

export type TcbPlan = {
  readonly floor: string;
  /** From when the floor binds: until then nobody is refused by it, and nothing has to be done for it to bind. */
  readonly bindsFrom: Instant;
  /** Guests that would be refused then, were they as they are. */
  readonly cutOff: readonly PlannedGuest[];
  /** What they came for. */
  readonly resources: readonly string[];
  /** In the order in which to update them. */
  readonly hosts: readonly PlannedHost[];
  /** How many guests meet the floor, or are of a product that it says nothing about. */
  readonly unaffected: number;
  /** Formatted Writ: the floor, a guard over everything that begins then, and a test of that moment. */
  readonly writ: string;
};

export type PlannedHost = {
  /** The chip; `masked` stands for all that are not told. */
  readonly chip: string;
  readonly silicon: string;
  readonly guests: number;
  /** How many of them have no other guest at their place that would stay: while their host is updated, nobody does their work. */
  readonly alone: number;
};

export interface PlanTerms {
  readonly bindsFrom: Instant;
  readonly digest: Primitives["digest"];
  readonly spared?: readonly string[];
  readonly describes?: string;
}

const GUARD = "tcb-plan";

/**
 * Plans a floor. A guard only refuses, so that whoever is refused today stays out, and of those let in today the guard alone decides.
 *
 * @param guests - Those that are let in today. Each is looked at once.
 * @param terms - `spared` are silicon lines that are left alone though their product has a row; `describes` says where the floor comes from.
 * @throws {@link Fault} `policy/malformed` for a floor that has no row.
 */
export function planFloor(floor: Floor, guests: readonly PlannedGuest[], terms: PlanTerms): TcbPlan {
  const { bindsFrom, digest } = terms;
  const writ = writOf(floor, terms);
  const program = compiled(writ, digest);
  const cutOff = guests.filter((guest) => !isLetIn(program, guest, bindsFrom));
  const out = new Set(cutOff.map(({ id }) => id));
  const staying = new Set(guests.filter(({ id }) => !out.has(id)).map(({ place }) => place));
  return {
    floor: floor.name,
    bindsFrom,
    cutOff,
    resources: [...new Set(cutOff.map(({ cameFor }) => cameFor))].toSorted(),
    hosts: hostsOf(cutOff, staying),
    unaffected: guests.length - cutOff.length,
    writ,
  };
}

function isLetIn(program: Program, { product, silicon, tcb }: PlannedGuest, at: Instant): boolean {
  const facts: Facts = new Map<string, FactValue>([
    [program.resourceField, "any/thing"],
    [program.timeField, at],
    ...(product === undefined ? [] : [["product", product] as const]),
    ...(silicon === undefined ? [] : [["silicon", silicon] as const]),
    ...(tcb === undefined ? [] : [["tcb.reported", tcb] as const]),
  ]);
  const { declarations } = evaluate(program, facts).trace;
  return declarations.some(({ name, passes }) => name === GUARD && passes);
}

/**
 * The order: first hosts all of whose guests have another one at their place that stays, then those with fewer guests that are
 * alone; among equals the one with fewer guests, so that each step risks least.
 */
function hostsOf(cutOff: readonly PlannedGuest[], staying: ReadonlySet<string>): readonly PlannedHost[] {
  const hosts = new Map<string, PlannedHost>();
  for (const { chip = "masked", silicon = "not known", place } of cutOff) {
    const { guests, alone } = hosts.get(chip) ?? { guests: 0, alone: 0 };
    hosts.set(chip, { chip, silicon, guests: guests + 1, alone: alone + (staying.has(place) ? 0 : 1) });
  }
  return [...hosts.values()].toSorted(
    (a, b) => a.alone - b.alone || a.guests - b.guests || (a.chip < b.chip ? -1 : 1),
  );
}

// ── as Writ ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Products that the floor has no row for are left alone: without a row no floor holds, and all of them would be refused. */
function writOf({ name, rows }: Floor, { bindsFrom, spared = [], describes }: PlanTerms): string {
  const products = SNP_VOCABULARY.products.filter(({ name: product, silicon }) =>
    rows.some((row) => row.name === product || silicon.includes(row.name)),
  );
  const [first] = products;
  if (first === undefined) throw new Fault("policy/malformed", "expected a floor with a row for a product");
  const from = formatInstant(bindsFrom).replace(":00Z", "Z");
  const reason = `reported firmware is below ${name}`;
  const zero = first.components.map((component) => `${component} 0`).join(", ");
  const test = (title: string, now: string, because: string): string => `
test "${title}" of ${GUARD} {
  given ordinary ${first.name} { request.resource = "any/thing", now = ${now}, tcb.reported = { ${zero} } }
  expect deny${because}
}
`;
  const text = `writ 1
module tcb.plan version 1.0.0 { owner "tcb-plan" }

floor ${name} {
${describes === undefined ? "" : `describes "${describes}"\n`}${rows.map(rowText).join("\n")}
}

guard ${GUARD} "Firmware below ${name}, from ${from}" {
  for resource "**"
  valid ${from} ..

  require ${condition(name, products, spared)}
    else "${reason}"
}
${test("from its first moment, what is below the floor is refused", from, ` because "${reason}"`)}`;
  const formatted = formatSource("tcb-plan.writ", text).text;
  if (formatted === undefined) throw new Fault("internal/invariant", "a plan is a source of the language");
  return formatted;
}

/** Whose silicon nobody knows is not spared. */
function condition(
  name: string,
  products: readonly { readonly name: string }[],
  spared: readonly string[],
): string {
  const met = `tcb.reported at least ${name}`;
  const isOther = `not product in [${products.map((one) => one.name).join(", ")}]`;
  if (spared.length === 0) return `${met} or ${isOther}`;
  return `any { ${met}, ${isOther}, has silicon and silicon in [${spared.join(", ")}] }`;
}

/** Every component is named: 0 says on purpose that any level passes. */
function rowText({ name, least }: FloorRow): string {
  if (least === undefined) return `  ${name} refuse`;
  const product = SNP_VOCABULARY.products.find((one) => one.name === name || one.silicon.includes(name));
  const levels: Readonly<Record<string, number | undefined>> = least;
  const named = (product?.components ?? Object.keys(least)).map(
    (component) => `${component} ${levels[component] ?? 0}`,
  );
  return `  ${name} { ${named.join(", ")} }`;
}

function compiled(text: string, digest: Primitives["digest"]): Program {
  const { program } = compileSources([{ path: "tcb-plan.writ", text }], {
    vocabulary: SNP_VOCABULARY,
    digest,
  });
  if (program !== undefined) return program;
  throw new Fault(
    "policy/malformed",
    "expected a floor that compiles: `ostiary writ check` says what is wrong",
  );
}
