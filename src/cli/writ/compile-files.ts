/** What do the sources on a command line make, and what is told of their mistakes? */
import { dirname, resolve } from "node:path";
import type { JsonObject } from "../../base/canonical-json.ts";
import type { Compilation } from "../../writ/compile.ts";
import { type Diagnostic, linesOf, placeOf } from "../../writ/diagnostics/diagnostic.ts";
import { renderDiagnostic } from "../../writ/diagnostics/render.ts";
import type { SourceFile } from "../../writ/sources.ts";
import { Misuse, type Terminal } from "../command.ts";
import { bundlePathOf, type CompiledFiles, compileBelow, MAX_SOURCE_BYTES } from "../policy-files.ts";
import type { WritEdges } from "./verb.ts";

/** Compiles files with what they import from below `root`, or from below the folder of the first. @throws {@link Misuse} for none. */
export async function compileFiles(
  files: readonly string[],
  root: string | undefined,
  { terminal, primitives }: WritEdges,
): Promise<CompiledFiles> {
  const [first] = files;
  if (first === undefined) throw new Misuse("expected at least one FILE");
  const base = resolve(root ?? (first === "-" ? "." : dirname(first)));
  const sources: SourceFile[] = [];
  for (const file of files) {
    const path = file === "-" ? "stdin.writ" : bundlePathOf(file, base);
    sources.push({ path, text: await terminal.readFile(file, MAX_SOURCE_BYTES + 1) }); // in order: diagnostics follow it
  }
  return compileBelow(sources, base, primitives);
}

/** Diagnostics, and the texts that they point into. */
type Told = Pick<Compilation, "diagnostics" | "sources">;

export function tellDiagnostics({ diagnostics, sources }: Told, terminal: Terminal): void {
  for (const one of diagnostics) terminal.err(`${renderDiagnostic(one, sources.get(one.file) ?? "")}\n`);
}

/** With spans as line and column, for editors. */
export function diagnosticJson(diagnostic: Diagnostic, { sources }: Pick<Told, "sources">): JsonObject {
  const { code, severity, file, message, primary } = diagnostic;
  const lines = linesOf(sources.get(file) ?? "");
  const from = placeOf(lines, primary.span.start);
  const to = placeOf(lines, primary.span.end);
  return { code, severity, file, message, label: primary.text, from: { ...from }, to: { ...to } };
}
