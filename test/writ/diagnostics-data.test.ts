/** Do editors and code scanning get the places, words and edits that people see? */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { diagnosticsJson } from "../../src/writ/diagnostics/json.ts";
import { sarifOf } from "../../src/writ/diagnostics/sarif.ts";
import { digest } from "./toy.ts";

const TEXT = 'writ 1\npolicy p { for resource "a"\n\trequire /* */\n}\n'.replace(
  "/* */",
  'measurment == hex"00" # é😀',
);

function compiled(text: string, path = "a.writ") {
  return compileSources([{ path, text }], { vocabulary: SNP_VOCABULARY, digest });
}

describe("diagnostics as JSON", () => {
  it("have lines and columns, offsets, and edits that mend", () => {
    const told = compiled(TEXT);
    const [, unknown] = diagnosticsJson(told);
    const start = TEXT.indexOf("measurment");
    expect(unknown).toMatchObject({
      code: "E0301",
      severity: "error",
      file: "a.writ",
      start,
      end: start + 10,
      from: { line: 3, column: 10 },
      to: { line: 3, column: 20 },
      helps: [
        {
          text: "did you mean `measurement`?",
          fixes: [[{ text: "measurement", start, end: start + 10, from: { line: 3, column: 10 } }]],
        },
      ],
    });
  });

  it("count code points in columns and UTF-16 units in offsets", () => {
    const [only] = diagnosticsJson(compiled('writ 1\nmodule m version 1.0 { owner "😀" } x\n'));
    expect(only).toMatchObject({ from: { line: 2, column: 36 }, start: 43 });
  });
});

describe("diagnostics as SARIF", () => {
  it("are one run whose results name their rule, place, words and fixes", () => {
    const { $schema, version, runs } = JSON.parse(JSON.stringify(sarifOf(compiled(TEXT, "a b/é.writ"))));
    expect($schema).toMatch(/sarif-schema-2\.1\.0\.json$/);
    expect(version).toBe("2.1.0");
    expect(runs).toHaveLength(1);
    const [{ tool, columnKind, results }] = runs;
    expect(columnKind).toBe("unicodeCodePoints");
    expect(tool.driver).toEqual({ name: "ostiary writ", rules: [{ id: "E0301" }, { id: "E0403" }] });
    const uri = "a%20b/%C3%A9.writ";
    const region = { startLine: 3, startColumn: 10, endLine: 3, endColumn: 20 };
    expect(results[1]).toEqual({
      ruleId: "E0301",
      ruleIndex: 0,
      level: "error",
      message: {
        text: "unknown field `measurment`\nno such field in an SEV-SNP request\nhelp: did you mean `measurement`?",
      },
      locations: [{ physicalLocation: { artifactLocation: { uri }, region } }],
      fixes: [
        {
          description: { text: "did you mean `measurement`?" },
          artifactChanges: [
            {
              artifactLocation: { uri },
              replacements: [{ deletedRegion: region, insertedContent: { text: "measurement" } }],
            },
          ],
        },
      ],
    });
  });

  it("of a sound source are a run without results", () => {
    const { runs } = JSON.parse(
      JSON.stringify(sarifOf(compiled('writ 1\npolicy p { for resource "a"\nallow }\n'))),
    );
    expect(runs[0].results).toEqual([]);
  });

  it("stay within what the schema allows, whatever the text", () => {
    const piece = fc.constantFrom(
      "policy p {",
      "}",
      "require ",
      "😀",
      "\r\n",
      "\n",
      "\t",
      '"',
      "vmpl == 300",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const told = compiled(`writ 1\n${pieces.join("")}`);
        const { runs } = JSON.parse(JSON.stringify(sarifOf(told)));
        const [{ tool, results }] = runs;
        expect(results).toHaveLength(told.diagnostics.length);
        for (const { ruleId, ruleIndex, level, message, locations } of results) {
          expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
          expect(["error", "warning", "note"]).toContain(level);
          expect(message.text).not.toBe("");
          const { startLine, startColumn, endLine, endColumn } = locations[0].physicalLocation.region;
          expect(Math.min(startLine, startColumn, endColumn)).toBeGreaterThan(0);
          expect(endLine > startLine || (endLine === startLine && endColumn >= startColumn)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
