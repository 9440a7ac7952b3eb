/** Which number do the reference values of a program give to each value of a field? The broker's labels, not the hardware's. */
import type { Entry, Refset } from "./program.ts";

/** What of a reference set gives labels. */
export type LabelSet = Pick<Refset, "field"> & {
  readonly entries: readonly Pick<Entry, "value" | "vcpus">[];
};

/**
 * Value (lower-case hex) → `vcpus`. Two entries of the same bytes with different numbers say nothing; an entry without a number
 * does not disagree. State and window do not matter.
 *
 * @param field - The field whose sets are read.
 */
export function entryLabels(refsets: readonly LabelSet[], field: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number | undefined>();
  for (const { value, vcpus } of refsets.flatMap((set) => (set.field === field ? set.entries : []))) {
    if (vcpus === undefined) continue;
    const isAgreed = !numbers.has(value) || numbers.get(value) === vcpus;
    numbers.set(value, isAgreed ? vcpus : undefined);
  }
  return new Map(
    Array.from(numbers).flatMap(([value, vcpus]) => (vcpus === undefined ? [] : [[value, vcpus]])),
  );
}
