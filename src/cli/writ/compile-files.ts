/** What do the sources on a command line make, and what is told of their mistakes? */
import { dirname, resolve } from "node:path";
import { canonicalJson } from "../../base/canonical-json.ts";
import { diagnosticsJson, type Told } from "../../writ/diagnostics/json.ts";
import { renderDiagnostic } from "../../writ/diagnostics/render.ts";
import { sarifOf } from "../../writ/diagnostics/sarif.ts";
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

/** Text for people on standard error; data for editors, or a SARIF log for code scanning, on standard output. */
export type Telling = "text" | "json" | "sarif";

/** What `--json` and `--sarif` ask for. @throws {@link Misuse} for both. */
export function tellingOf({
  json,
  sarif,
}: {
  readonly json?: boolean | undefined;
  readonly sarif?: boolean | undefined;
}): Telling {
  if (json === true && sarif === true) throw new Misuse("expected --json or --sarif, not both");
  if (json === true) return "json";
  return sarif === true ? "sarif" : "text";
}

export function tellDiagnostics(told: Told, terminal: Terminal, telling: Telling): void {
  switch (telling) {
    case "json":
      terminal.out(`${canonicalJson({ diagnostics: diagnosticsJson(told) })}\n`);
      break;
    case "sarif":
      terminal.out(`${canonicalJson(sarifOf(told))}\n`);
      break;
    case "text":
      for (const one of told.diagnostics)
        terminal.err(`${renderDiagnostic(one, told.sources.get(one.file) ?? "")}\n`);
  }
}
