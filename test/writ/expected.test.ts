/** Does a source that breaks off say what should have come? Of tests, assertions, imports and the module line (WRIT section 4). */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { digest } from "./toy.ts";

describe("a mistake in the grammar", () => {
  it.each([
    ["test p", "E0102 expected the title of the test, in quotes, found `p`"],
    ['test "t" of 3 {', "E0101 expected a policy or guard, found `3`"],
    ["module a. version 1.0.0", "E0100 expected `version`, found `1.0.0`"],
    ["module a.3 version 1.0.0", "E0101 expected a name after the dot, found `3`"],
    ['test "t" of p {\n  given { [ = 3 }\n  expect allow\n}', "E0101 expected a field, found `[`"],
    ['test "t" of p {\n  given { vmpl = 3["a"] }\n  expect allow\n}', "E0100 expected `,` or `}`, found `[`"],
    ['import "a.writ" { 3 }', "E0101 expected a name to import, found `3`"],
    ["assert 3 implies p", "E0101 expected `never`, or a policy or guard, found `3`"],
    ["assert p until q", "E0100 expected `implies`, `equivalent` or `satisfiable`, found `until`"],
    ['test "t" of p { given { vmpl = 3 } expect maybe }', "E0100 expected `allow` or `deny`, found `maybe`"],
    ['test "t" of p { given ordinary 3 expect allow }', "E0101 expected a product, found `3`"],
    ['test "t" of p { given like p expect allow }', "E0102 expected a test, in quotes, found `p`"],
    [
      'test "t" of p { given { measurement = s[3] } expect allow }',
      "E0102 expected the label of an entry, in quotes, found `3`",
    ],
  ])("%j: %s", (text, message) => {
    const { diagnostics } = compileSources([{ path: "a.writ", text: `writ 1\n${text}\n` }], {
      vocabulary: SNP_VOCABULARY,
      digest,
    });
    expect(`${diagnostics[0]?.code} ${diagnostics[0]?.message}`).toBe(message);
  });
});
