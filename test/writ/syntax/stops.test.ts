/** What is said of a text that breaks off, at which place, and how does it go on? One part of `stops.txt` per construct (WRIT section 12). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Diagnostic, Span } from "../../../src/writ/diagnostics/diagnostic.ts";
import { createFindings } from "../../../src/writ/diagnostics/findings.ts";
import { parseSource } from "../../../src/writ/syntax/parser.ts";

const CASES = readFileSync(join(import.meta.dirname, "stops.txt"), "utf8")
  .split(/^==== /m)
  .slice(1)
  .map((part) => {
    const [source = "", told = ""] = part.split(/^----\n/m);
    return {
      text: source.slice(source.indexOf("\n") + 1),
      told,
      name: source.slice(0, source.indexOf("\n")),
    };
  });

/** Line, code, message, what the mark says; then what is marked; then each help, with what it would put in place of what. */
function toldOf(text: string, { code, message, primary, helps }: Diagnostic): string {
  const marked = ({ start, end }: Span): string => `«${text.slice(start, end)}»`;
  const line = text.slice(0, primary.span.start).split("\n").length;
  const advice = helps.map((help) => {
    const edits = help.fixes.flat().map((edit) => `${marked(edit.span)} -> «${edit.text}»`);
    return [`    = ${help.text}`, ...edits].join(" ");
  });
  return [`${line} ${code} ${message} | ${primary.text}`, `    ${marked(primary.span)}`, ...advice].join(
    "\n",
  );
}

function toldAll(text: string): string {
  const findings = createFindings("a.writ");
  parseSource("a.writ", text, findings);
  return findings.kept.map((one) => `${toldOf(text, one)}\n`).join("");
}

describe("a mistake is told at its place, and the next one too", () => {
  it.each(CASES)("$name", ({ text, told }) => expect(toldAll(text)).toBe(told));

  it("one control character of each piece of a string, but no tab and no line end of DOS", () => {
    const told = "2 E0001 a control character cannot stand in a string | \n    «\u0001»\n";
    expect(toldAll('writ 1\npolicy p { owner "a\u0001b\u0002" }\n')).toBe(told);
    expect(toldAll('writ 1\r\npolicy p {\r\n  owner "a\tb"\r\n}\r\n')).toBe("");
    const open = "2 E0100 this string has no closing quote | a string ends on the line it begins on";
    expect(toldAll('writ 1\r\npolicy p { owner "a\r\n}')).toBe(
      `${open}\n    «"a»\n    = a line break inside a string is \`\\n\`\n`,
    );
  });

  it("at most three mistakes of one string", () => {
    const told = toldAll(`writ 1\npolicy p { owner "${"\\q".repeat(9)}" }\n`);
    expect(told.match(/E0001/g)).toHaveLength(3);
  });

  it("half characters, marks of byte order and of direction, each where it stands", () => {
    expect(toldAll("writ 1\n# a\u202eb\ud800c\ufeff\udc00\u{1f600}")).toBe(
      [
        "2 E0003 U+202E changes the direction of text and is not allowed, not even in comments | \n    «\u202e»\n    = delete it «\u202e» -> «»\n",
        "2 E0002 half a surrogate pair (U+D800) in the source | \n    «\ud800»\n",
        "2 E0001 U+FEFF is not allowed in a source | \n    «\ufeff»\n",
        "2 E0002 half a surrogate pair (U+DC00) in the source | \n    «\udc00»\n",
      ].join(""),
    );
    expect(toldAll("\0writ 1\n")).toContain("1 E0001 U+0000 is not allowed in a source | \n    «\0»\n");
  });
});
