/** Is the page about the language true? It is written from the vocabulary, and every code that the sources give has its line. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CODES } from "../../scripts/writ-codes.ts";
import { WRIT_DOC, writDocument } from "../../scripts/writ-doc.ts";

const SRC = join(import.meta.dirname, "../../src");

describe("docs/writ.md", () => {
  it("is what the tables say; `node scripts/writ-doc.ts` writes it", () => {
    expect(readFileSync(WRIT_DOC, "utf8")).toBe(writDocument());
  });

  it("names every code that the language gives, and no other", () => {
    const files = readdirSync(join(SRC, "writ"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts"),
    );
    const found = files.flatMap(
      (name) => readFileSync(join(SRC, "writ", name), "utf8").match(/(?<=")[ENW]0\d{3}(?=")/g) ?? [],
    );
    expect(Object.keys(CODES).sort()).toEqual([...new Set(found)].sort());
  });

  it("shows a source that has no error", async () => {
    const { compileSources } = await import("../../src/writ/compile.ts");
    const { SNP_VOCABULARY } = await import("../../src/policy/vocabulary.ts");
    const { digest } = await import("../writ/toy.ts");
    const [, text = ""] = /```writ\n([\s\S]*?)```/.exec(writDocument()) ?? [];
    const folder = join(import.meta.dirname, "../../policies");
    const { diagnostics } = compileSources([{ path: "page.writ", text }], {
      vocabulary: SNP_VOCABULARY,
      digest,
      files: (name) => new Uint8Array(readFileSync(join(folder, name))),
    });
    expect(diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual(
      [],
    );
  });
});
