/** Does the checker warn of what is legal and looks like a slip, and of nothing else? One row and one near miss per code. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { digest } from "./toy.ts";

const rules = (body: string): string => `writ 1\npolicy p { for resource "a/*"\n${body}\nallow }\n`;
const FAMILY = "11".repeat(16);
const SET = (attributes: string): string =>
  `writ 1\nrefset s of id_block.family_id { "a" = hex"${FAMILY}" version 1.0\n"b" = hex"${"22".repeat(16)}"${attributes} }\npolicy p { for resource "a"\nrequire «id_block.family_id in s where version >= 1.0»\nallow }\n`;

/** The warnings of a source with `«…»` around what has to be marked. */
function warned(marked: string) {
  const text = marked.replaceAll(/[«»]/g, "");
  const { diagnostics, program } = compileSources([{ path: "a.writ", text }], {
    vocabulary: SNP_VOCABULARY,
    digest,
  });
  const found = diagnostics.map(({ code, severity, primary: { span } }) => ({
    code,
    severity,
    from: span.start,
    marks: text.slice(span.start, span.end),
  }));
  const from = marked.indexOf("«");
  return {
    found,
    program,
    from,
    marks: text.slice(from, marked.replace("«", "").indexOf("»")),
    diagnostics,
    text,
  };
}

const FIRES: readonly (readonly [code: string, name: string, marked: string])[] = [
  ["W0706", "has on a field that is always there", rules("require «has vmpl»")],
  ["W0706", "has beside its comparison", rules("require «has vmpl» and vmpl == 0")],
  [
    "W0725",
    "a literal without a component",
    rules("require tcb.committed at least «{ bootloader 1, tee 0, snp 1 }»"),
  ],
  [
    "W0725",
    "a row without a component",
    "writ 1\nfloor f { «turin { bootloader 1, tee 0, snp 1, microcode 1 }»\nturin-dense refuse }\n",
  ],
  ["W0727", "an entry without a version", SET("")],
  [
    "W0732",
    "one row for several silicon lines",
    "writ 1\nfloor f { «milan { bootloader 1, tee 0, snp 1, microcode 1 }» }\n",
  ],
];

const IS_SILENT: readonly (readonly [code: string, name: string, text: string])[] = [
  ["W0706", "has on a field that may be absent", rules("require has report.chip_id")],
  [
    "W0725",
    "a literal of all that every product has",
    rules("require tcb.committed at least { bootloader 1, tee 0, snp 1, microcode 0 }"),
  ],
  ["W0725", "a row that refuses", "writ 1\nfloor f { turin refuse }\n"],
  ["W0727", "entries that all have versions", SET(" version 2.0")],
  ["W0727", "a revoked entry without a version", SET(" state revoked")],
  [
    "W0732",
    "rows for every silicon line",
    "writ 1\nfloor f { milan { bootloader 1, tee 0, snp 1, microcode 1 }\nmilan-x { bootloader 1, tee 0, snp 1, microcode 1 } }\n",
  ],
  [
    "W0732",
    "one row without such a level",
    "writ 1\nfloor f { milan { bootloader 1, tee 0, snp 1, microcode 0 } }\n",
  ],
];

describe("the checker", () => {
  it.each(FIRES)("warns by %s of %s", (code, _name, marked) => {
    const { found, program, from, marks } = warned(marked);
    expect(found).toEqual([{ code, severity: "warning", from, marks }]);
    expect(program).toBeDefined();
  });

  it.each(IS_SILENT)("does not warn by %s of %s", (_code, _name, text) => {
    expect(warned(text).found).toEqual([]);
  });

  it.each([
    ["require has vmpl and vmpl == 0", "require vmpl == 0"],
    ["require all { vmpl == 0, has vmpl }", "require all { vmpl == 0 }"],
  ])("offers to take %s apart", (before, after) => {
    const { diagnostics, text } = warned(rules(before));
    const [edit] = diagnostics.flatMap(({ helps }) => helps.flatMap(({ fixes }) => fixes.flat()));
    const mended = edit && text.slice(0, edit.span.start) + edit.text + text.slice(edit.span.end);
    expect(mended).toBe(rules(after));
  });

  it("keeps a thousand warnings of a file, tells how many more, and makes no error of them", () => {
    const { found, program } = warned(rules("require has vmpl\n".repeat(1500)));
    expect(found).toHaveLength(1001);
    expect(found.filter(({ code }) => code === "E0015")).toMatchObject([{ severity: "warning" }]);
    expect(program).toBeDefined();
  });

  it("keeps its errors, however many warnings stand before them", () => {
    const { found, program } = warned(rules(`${"require has vmpl\n".repeat(3000)}require vmpl == 300`));
    expect(found.map(({ code }) => code)).toContain("E0204");
    expect(program).toBeUndefined();
  });
});
