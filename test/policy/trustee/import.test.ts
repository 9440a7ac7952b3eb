/** Does a Trustee's policy decide in Writ as it did in Rego, and never more? Held against Open Policy Agent's own decisions. */
import { describe, expect, it } from "vitest";
import { CASES } from "./cases.ts";
import { bitsOf, decided } from "./imported.ts";

describe("a Trustee's policy in Writ", () => {
  for (const one of CASES) {
    const name = one.isWhole ? "decides as in Rego" : "lets in nobody whom Rego refused";
    it(`${name}: ${one.name}`, () => {
      const [writ, rego] = [decided(one), bitsOf(one.decided)];
      if (one.isWhole) expect(writ).toEqual(rego);
      else expect(writ.filter((allowed, at) => allowed && rego[at] !== true)).toEqual([]);
      expect(writ.some(Boolean)).toBe(true);
      expect(writ.every(Boolean)).toBe(false);
    });
  }
});
