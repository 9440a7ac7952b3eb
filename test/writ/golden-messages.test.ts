/** Does every mistake read as written down? One file of `messages/` per mistake: sources, then all that is told, to the byte. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Edit } from "../../src/writ/diagnostics/diagnostic.ts";
import { renderDiagnostic } from "../../src/writ/diagnostics/render.ts";
import type { SourceFile } from "../../src/writ/sources.ts";
import { digest } from "./toy.ts";

const FOLDER = join(import.meta.dirname, "messages");

/** What cannot be seen in a file, or would not stay in it, is written with its picture. */
const PICTURES: readonly (readonly [picture: string, character: string])[] = [
  ["␍", "\r"],
  ["␉", "\t"],
  ["␀", "\0"],
  ["␦", "\u202e"],
];

interface Golden {
  readonly files: readonly (SourceFile & { readonly text: string })[];
  readonly told: string;
}

function goldenOf(name: string): Golden {
  const parts = readFileSync(join(FOLDER, name), "utf8")
    .split(/^==== /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)] as const);
  const files = parts.flatMap(([path, text]) => (path === "told" ? [] : [{ path, text: pictured(text) }]));
  return { files, told: parts.find(([path]) => path === "told")?.[1] ?? "" };
}

function pictured(text: string): string {
  return PICTURES.reduce((whole, [picture, character]) => whole.replaceAll(picture, character), text);
}

function compiled(files: readonly SourceFile[]) {
  return compileSources(files, { vocabulary: SNP_VOCABULARY, digest });
}

function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce((whole, { span, text: put }) => whole.slice(0, span.start) + put + whole.slice(span.end), text);
}

const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".txt"))
  .sort();

describe("a mistake", () => {
  it.each(NAMES)("%s reads as written down", (name) => {
    const { files, told } = goldenOf(name);
    const { diagnostics, sources } = compiled(files);
    const texts = diagnostics.map((one) => renderDiagnostic(one, sources.get(one.file) ?? ""));
    expect(texts.join("\n")).toBe(told);
  });

  it.each(NAMES)("%s goes with each edit that it offers", (name) => {
    const { files } = goldenOf(name);
    const { diagnostics } = compiled(files);
    const count = (all: typeof diagnostics, code: string) => all.filter((one) => one.code === code).length;
    for (const { code, file, helps } of diagnostics) {
      for (const edits of helps.flatMap(({ fixes }) => fixes)) {
        const mended = files.map((one) =>
          one.path === file ? { ...one, text: edited(one.text, edits) } : one,
        );
        expect(count(compiled(mended).diagnostics, code)).toBeLessThan(count(diagnostics, code));
      }
    }
  });
});

describe("the written messages", () => {
  it("are at least forty, and each has the code of its name", () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(40);
    for (const name of NAMES.filter((one) => one.startsWith("E"))) {
      expect(goldenOf(name).told).toContain(`error[${name.slice(0, 5)}]`);
    }
  });
});
