/** Is the name that is proposed the nearest there is, and none where none is near? Against the textbook recursion. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/writ/diagnostics/nearest.ts";

/** Optimal string alignment, as its definition says it. */
function distance(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const [c, d] = [a.at(-1), b.at(-1)];
  const [less, fewer] = [a.slice(0, -1), b.slice(0, -1)];
  const steps = [distance(less, b) + 1, distance(a, fewer) + 1, distance(less, fewer) + Number(c !== d)];
  const isSwap = a.length > 1 && b.length > 1 && c === b.at(-2) && d === a.at(-2);
  return Math.min(...steps, ...(isSwap ? [distance(less.slice(0, -1), fewer.slice(0, -1)) + 1] : []));
}

const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 5 });

test.prop([word, fc.array(word, { maxLength: 4 })], { numRuns: 200 })(
  "the first of the nearest, at most two edits away, and not another word altogether",
  (written, candidates) => {
    const near = candidates
      .map((one) => ({ one, far: distance(written, one) }))
      .filter(({ one, far }) => far > 0 && far <= 2 && far < Math.max(written.length, one.length));
    const least = Math.min(...near.map(({ far }) => far));
    expect(nearest(written, candidates)).toBe(near.find(({ far }) => far === least)?.one);
  },
);

describe("the nearest name", () => {
  it.each([
    ["polcy", "policy"],
    ["polciy", "policy"],
    ["policyy", "policy"],
    ["pilocy", "policy"],
    ["xyzzy", undefined],
    ["policy", undefined],
  ])("of %s is %s", (written, meant) => {
    expect(nearest(written, ["guard", "policy", "template"])).toBe(meant);
  });

  it("may be a third of the letters away, where there are many", () => {
    expect(nearest("abcdefghi", ["abcdefxyz"])).toBe("abcdefxyz");
    expect(nearest("abcdefgh", ["abcdexyz"])).toBeUndefined();
    expect(nearest("abcdefghi", ["abcdefghi123"])).toBe("abcdefghi123");
    expect(nearest("abcdefghi", ["abcdefghi1234"])).toBeUndefined();
  });

  it("is never made of other letters alone, and the first of two that are as near", () => {
    expect(nearest("a", ["b"])).toBeUndefined();
    expect(nearest("ab", ["cd", "ac"])).toBe("ac");
    expect(nearest("ab", ["ac", "ad"])).toBe("ac");
    expect(nearest("ab", [])).toBeUndefined();
  });
});
