/** Does canonical JSON have the bytes that RFC 8785's author published, on every runtime? */
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { canonicalJson, canonicalJsonBytes } from "../../src/base/canonical-json.ts";
import { parseStrictJson } from "../../src/base/strict-json.ts";
import type { VectorText } from "../support/wycheproof.ts";

const NAMES = ["arrays", "french", "structures", "unicode", "values", "weird"] as const;
const LIMITS = { maxBytes: 4096, maxDepth: 8, code: "request/malformed" } as const;

/** `values.json` holds integers beyond 2^53 written as numbers, which strict JSON refuses to read. */
const NOT_STRICT: readonly string[] = ["values"];

export function describeJcs(vector: VectorText): void {
  describe("canonical JSON against the published vectors", () => {
    for (const name of NAMES) {
      const input = vector(`jcs/testdata/input/${name}.json`);
      const output = vector(`jcs/testdata/output/${name}.json`);
      const hex = vector(`jcs/testdata/outhex/${name}.txt`);
      if (input === undefined || output === undefined || hex === undefined) {
        it.skip(`writes ${name}.json as published (no ../shared/vectors here)`);
        continue;
      }
      it(`writes ${name}.json as published`, () => {
        const value = NOT_STRICT.includes(name) ? JSON.parse(input) : parseStrictJson(utf8(input), LIMITS);
        expect(canonicalJson(value)).toBe(output);
        expect(hexOf(canonicalJsonBytes(value))).toBe(hex.replace(/\s/g, ""));
      });
    }
  });
}
