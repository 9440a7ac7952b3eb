/** What does the checker say of each misuse, at which place, with which advice? One part of `told.txt` per kind (WRIT sections 5 to 7). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import type { Diagnostic, Span } from "../../../src/writ/diagnostics/diagnostic.ts";
import { digest } from "../toy.ts";

const REFS =
  'refset images of measurement { "x" = hex"@48" }\nfloor fw { milan { bootloader 0, tee 0, snp 3, microcode 0 } }\n';
const OTHER = 'writ 1\nrefset one of host_data { "x" = hex"@32" }\n';

/** `@N` is N bytes. Rules stand in a policy of their own; declarations stand by themselves. */
function sourceOf(given: string): string {
  const body = given.startsWith("  ") ? `policy p {\n  for resource "a"\n${given}  allow\n}\n` : given;
  return sized(`writ 1\n${REFS}${body}`);
}

function sized(text: string): string {
  return text.replaceAll(/@(\d+)"/g, (_, size) => `${"07".repeat(Number(size))}"`);
}

/** Code, message, what the mark says, what it marks; then notes, further marks, and helps with their edits. */
function toldOf(text: string, { code, message, primary, secondary, notes, helps }: Diagnostic): string {
  const marked = ({ start, end }: Span): string => `«${short(text.slice(start, end))}»`;
  const advice = helps.map((help) => {
    const edits = help.fixes.map((fix) =>
      fix.map((edit) => `${marked(edit.span)} -> «${edit.text}»`).join(" "),
    );
    return [`    = ${help.text}`, ...edits].join("\n      ");
  });
  const more = [
    ...secondary.map((mark) => `    ${marked(mark.span)} ${mark.text}`),
    ...notes.map((note) => `    : ${note}`),
  ];
  return [
    `${code} ${short(message)} | ${primary.text}`,
    `    ${marked(primary.span)}`,
    ...more,
    ...advice,
  ].join("\n");
}

function short(text: string): string {
  return text.replaceAll(/(?:07){8,}/g, "07…").replaceAll(/\s+/g, " ");
}

function toldAll(given: string): string {
  const text = sourceOf(given);
  const files = [
    { path: "p.writ", text },
    { path: "other.writ", text: sized(OTHER) },
  ];
  const { diagnostics } = compileSources(files, {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: () => undefined,
  });
  return diagnostics.map((one) => `${toldOf(text, one)}\n`).join("");
}

const CASES = readFileSync(join(import.meta.dirname, "told.txt"), "utf8")
  .split(/^==== /m)
  .slice(1)
  .map((part) => {
    const [given = "", told = ""] = part.split(/^----\n/m);
    return { given: given.slice(given.indexOf("\n") + 1), told, name: given.slice(0, given.indexOf("\n")) };
  });

describe("the checker says", () => {
  it.each(CASES)("$name", ({ given, told }) => expect(toldAll(given)).toBe(told));
});
