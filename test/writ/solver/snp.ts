/** How do tests of the solver make programs about SEV-SNP? From text, or from files of a folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import type { Program } from "../../../src/writ/program.ts";
import type { SourceFile } from "../../../src/writ/sources.ts";
import { digest } from "../toy.ts";

export function filesBelow(folder: string, names: readonly string[]): readonly SourceFile[] {
  return names.map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));
}

/** @throws when a source has an error. Texts are given without their first line. */
export function snpProgram(sources: readonly (string | SourceFile)[], folder = "/nowhere"): Program {
  const files = sources.map((one, at) =>
    typeof one === "string" ? { path: `f${at}.writ`, text: `writ 1\n${one}` } : one,
  );
  const { program, diagnostics } = compileSources(files, {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: (path) => {
      try {
        return Uint8Array.from(readFileSync(join(folder, path)));
      } catch {
        return undefined;
      }
    },
  });
  if (program === undefined) {
    throw new Error(diagnostics.map(({ code, message }) => `${code} ${message}`).join("; "));
  }
  return program;
}
