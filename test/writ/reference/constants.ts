/** With what are the fields of a program compared? The edges that requests are steered to. */
import type { FactValue } from "../../../src/writ/facts.ts";
import type { Condition, Program, Test } from "../../../src/writ/program.ts";
import type { Constants } from "./random-requests.ts";

export function constantsOf(program: Program): Constants {
  const found = new Map<string, FactValue[]>();
  const add = (key: string, values: readonly FactValue[]): void => {
    found.set(key, [...(found.get(key) ?? []), ...values]);
  };
  const walk = (condition: Condition): void => {
    if (condition.kind !== "atom") for (const member of condition.members) walk(member);
    else if (condition.field.component === undefined) add(condition.field.key, valuesOf(condition.test));
    else add(condition.field.key, []);
  };
  for (const { requires, allows, denies, valid } of program.declarations) {
    for (const { when } of [...requires, ...allows, ...denies]) if (when !== undefined) walk(when);
    if (valid !== undefined) add("now", endsOf(valid));
  }
  for (const { field, entries } of program.refsets) {
    add(
      field,
      entries.map(({ value }) => value),
    );
    add(
      "now",
      entries.flatMap(({ valid }) => (valid === undefined ? [] : endsOf(valid))),
    );
  }
  return found;
}

function endsOf({ from, to }: { readonly from: number; readonly to?: number }): readonly number[] {
  return to === undefined ? [from] : [from, to];
}

function valuesOf(test: Test): readonly FactValue[] {
  switch (test.kind) {
    case "one-of":
      return test.values;
    case "interval":
      return test.intervals.flatMap(({ least, most }) => [least, most]).filter((one) => one !== undefined);
    case "version":
      return [test.value];
    case "version-range":
      return [test.from, test.to];
    case "vector-equals":
      return [test.value];
    case "vector-least":
      return [];
    case "floor":
      return test.rows.flatMap(({ least }) => (least === undefined ? [] : [least]));
    case "bits":
      return [test.mask];
    case "has":
    case "flag":
    case "member":
    case "contains":
    case "within":
      return [];
  }
}
