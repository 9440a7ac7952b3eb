/** Where is a condition surely true, and where surely false, in Cedar? Two formulas, since Cedar knows no third value (WRIT section 17). */
import type { TcbFact } from "../facts.ts";
import type { Atom, Condition, Entry, FloorRow, Group, Program, Relation, Test } from "../program.ts";
import {
  ALWAYS,
  attribute,
  blockText,
  during,
  every,
  isLess,
  isVersion,
  list,
  moment,
  NEVER,
  not,
  presence,
  presenceOf,
  quoted,
  some,
  valueText,
  within,
} from "./cedar-terms.ts";

/** Neither holds where the condition is unknown. */
export interface Truth {
  readonly yes: string;
  readonly no: string;
}

/** The fields that choose windows and rows, and the components of a vector. */
export interface Choosers extends Pick<Program, "timeField" | "productField" | "siliconField"> {
  readonly components: readonly string[];
}

export function truthOf(condition: Condition, by: Choosers): Truth {
  return condition.kind === "atom" ? atomTruth(condition, by) : groupTruth(condition, by);
}

const isConjunction: Readonly<Record<Group["kind"], boolean>> = {
  and: true,
  all: true,
  not: true,
  or: false,
  any: false,
  none: false,
};

function groupTruth({ kind, members }: Group, by: Choosers): Truth {
  const truths = members.map((member) => truthOf(member, by));
  const yes = truths.map((one) => one.yes);
  const no = truths.map((one) => one.no);
  const joined = isConjunction[kind]
    ? { yes: every(...yes), no: some(...no) }
    : { yes: some(...yes), no: every(...no) };
  return kind === "not" || kind === "none" ? turned(joined) : joined;
}

function turned({ yes, no }: Truth): Truth {
  return { yes: no, no: yes };
}

function atomTruth(atom: Atom, by: Choosers): Truth {
  const { field, test, isNegated } = atom;
  const there = presenceOf(field);
  const plain =
    test.kind === "has" ? { yes: there, no: not(there) } : guarded(there, valueTruth(atom, test, by));
  return isNegated ? turned(plain) : plain;
}

function guarded(there: string, { yes, no }: Truth): Truth {
  return { yes: every(there, yes), no: every(there, no) };
}

function decided(yes: string): Truth {
  return { yes, no: not(yes) };
}

/** Of a value that is there. */
function valueTruth({ field }: Atom, test: Exclude<Test, { readonly kind: "has" }>, by: Choosers): Truth {
  const value = valueText(field);
  switch (test.kind) {
    case "flag":
      return decided(value);
    case "one-of":
      return decided(
        test.values.length === 1
          ? `${value} == ${quoted(test.values[0] ?? "")}`
          : `${list(test.values)}.contains(${value})`,
      );
    case "interval":
      return decided(
        some(
          ...test.intervals.map((one) => within(value, one, field.type.kind === "time" ? moment : String)),
        ),
      );
    case "version":
      return decided(versionText(value, test.relation, test.value));
    case "version-range":
      return decided(
        every(not(isLess(value, test.from)), some(isLess(value, test.to), isVersion(value, test.to))),
      );
    case "vector-equals":
      return wholeVectorTruth(value, test.value, by.components);
    case "vector-least":
      return vectorTruth(value, test.least, ">=");
    case "floor":
      return floorTruth(value, test.rows, by);
    case "member":
      return decided(memberText(value, test.entries, attribute(by.timeField)));
    case "bits":
      return decided(`${value}.containsAll([${bitsOf(test.mask).join(", ")}])`);
    case "contains":
      return decided(`${value}.contains(${quoted(test.value)})`);
    case "within":
      return decided(some(...test.blocks.map((block) => `${value}.isInRange(${blockText(block)})`)));
  }
}

function versionText(value: string, relation: Relation, wanted: readonly [number, number, number]): string {
  const less = isLess(value, wanted);
  const same = isVersion(value, wanted);
  const texts: Readonly<Record<Relation, string>> = {
    "==": same,
    "!=": not(same),
    "<": less,
    "<=": some(less, same),
    ">": not(some(less, same)),
    ">=": not(less),
  };
  return texts[relation];
}

/** A component that is named and absent leaves the answer open, unless another one decides it. */
function vectorTruth(value: string, wanted: TcbFact, mark: "==" | ">="): Truth {
  const parts = Object.entries(wanted).map(([name, level]) => ({
    there: `${value} has ${quoted(name)}`,
    holds: `${value}[${quoted(name)}] ${mark} ${level}`,
  }));
  const yes = every(...parts.map(({ there, holds }) => every(there, holds)));
  const no = some(...parts.map(({ there, holds }) => every(there, not(holds))));
  return { yes, no };
}

/** A component that the constant does not name makes another vector. */
function wholeVectorTruth(value: string, wanted: TcbFact, components: readonly string[]): Truth {
  const { yes, no } = vectorTruth(value, wanted, "==");
  const others = components.filter((name) => wanted[name] === undefined);
  const more = some(...others.map((name) => `${value} has ${quoted(name)}`));
  return { yes: every(not(more), yes), no: some(more, no) };
}

/** The row of the silicon if there is one, else of the product; no row, or `refuse`: false. */
function floorTruth(
  value: string,
  rows: readonly FloorRow[],
  { siliconField, productField }: Choosers,
): Truth {
  const names = rows.map(({ name }) => name);
  const silicon = (text: (field: string) => string): string =>
    siliconField === undefined ? NEVER : every(presence(siliconField), text(attribute(siliconField)));
  const product = (text: (field: string) => string): string =>
    productField === undefined ? NEVER : text(attribute(productField));
  const hasOwnRow = silicon((field) => `${list(names)}.contains(${field})`);
  const chosen = rows.map(({ name, least }) => ({
    is: some(
      silicon((field) => `${field} == ${quoted(name)}`),
      every(
        not(hasOwnRow),
        product((field) => `${field} == ${quoted(name)}`),
      ),
    ),
    truth: least === undefined ? { yes: NEVER, no: ALWAYS } : vectorTruth(value, least, ">="),
  }));
  const none = not(
    some(
      hasOwnRow,
      product((field) => `${list(names)}.contains(${field})`),
    ),
  );
  return {
    yes: some(...chosen.map(({ is, truth }) => every(is, truth.yes))),
    no: some(none, ...chosen.map(({ is, truth }) => every(is, truth.no))),
  };
}

/** Live entries, those of one window together. */
function memberText(value: string, entries: readonly Entry[], time: string): string {
  const live = entries.filter(({ state }) => state !== "revoked");
  const byWindow = Map.groupBy(live, ({ valid }) => during(time, valid));
  return some(
    ...[...byWindow].map(([window, group]) =>
      every(window, `${list(group.map((entry) => entry.value))}.contains(${value})`),
    ),
  );
}

function bitsOf(mask: bigint): readonly number[] {
  const digits = mask.toString(2);
  return [...digits].flatMap((digit, at) => (digit === "1" ? [digits.length - 1 - at] : [])).reverse();
}
