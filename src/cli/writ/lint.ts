/** `ostiary writ lint`: what a careful reviewer would say, each policy together with the guards over it. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Diagnostic, Severity } from "../../writ/diagnostics/diagnostic.ts";
import { applied } from "../../writ/lint/apply.ts";
import { type LintOptions, lintSources } from "../../writ/lint/lint.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { compileFiles, tellDiagnostics, tellingOf } from "./compile-files.ts";
import { momentOf } from "./moment.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const LINT: WritVerb = {
  name: "lint",
  synopsis: ["lint FILE…", "what is legal and yet deserves a look, under the guards of all FILEs"],
  options: [
    ["--deny-warnings", "lint: status 1 for warnings too"],
    ["--fix", "lint: make the edits that change nothing of what is allowed"],
    ["--notes", "lint: tell what is said twice as well"],
    ["--now DATE", "lint: as of that day"],
    ["--resources FILE", "lint: paths that exist, one a line; scopes are held against them"],
  ],
  run: lint,
};

const OPTIONS = {
  "deny-warnings": { type: "boolean" },
  fix: { type: "boolean" },
  notes: { type: "boolean" },
  now: { type: "string" },
  resources: { type: "string" },
  root: { type: "string" },
  json: { type: "boolean" },
  sarif: { type: "boolean" },
} as const;

async function lint(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const telling = tellingOf(values);
  const now = values.now === undefined ? edges.now() : momentOf(values.now);
  const resources =
    values.resources === undefined ? {} : { resources: await linesOf(values.resources, edges) };
  const options = { vocabulary: SNP_VOCABULARY, now, ...resources };
  if (values.fix === true) await fixFiles({ files: positionals, root: values.root }, edges, options);
  const compilation = await compileFiles(positionals, values.root, edges);
  const found = lintSources(compilation, options);
  const isTold = ({ severity }: Diagnostic): boolean => values.notes === true || severity !== "note";
  const diagnostics = found.filter(isTold);
  tellDiagnostics({ diagnostics, sources: compilation.sources }, edges.terminal, telling);
  if (telling === "text") edges.terminal.out(summaryOf(diagnostics, found.length - diagnostics.length));
  const bad = values["deny-warnings"] === true ? ["error", "warning"] : ["error"];
  return diagnostics.some(({ severity }) => bad.includes(severity)) ? 1 : 0;
}

function summaryOf(diagnostics: readonly Diagnostic[], untold: number): string {
  const counts = SEVERITIES.flatMap((severity) => {
    const number = diagnostics.filter((one) => one.severity === severity).length;
    return number === 0 ? [] : [counted(number, severity)];
  });
  const more = untold === 0 ? "" : `; ${counted(untold, "note")} with --notes`;
  return `${counts.length === 0 ? "clean" : counts.join(", ")}${more}\n`;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** Each file by itself, until nothing more can be mended: an edit may make room for another. */
async function fixFiles(
  { files, root }: { readonly files: readonly string[]; readonly root: string | undefined },
  edges: WritEdges,
  options: LintOptions,
): Promise<void> {
  for (const file of files.filter((one) => one !== "-")) {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const compilation = await compileFiles([file], root, edges); // in order: each round reads what the last one wrote
      const [[own, before] = ["", ""]] = compilation.sources; // the file named comes before what it imports
      const diagnostics = lintSources(compilation, options).filter((one) => one.file === own);
      const after = applied(before, diagnostics);
      if (after === before) break;
      await edges.terminal.writeFile(file, utf8(after), "kept");
    }
  }
}

const MAX_ROUNDS = 10;

async function linesOf(path: string, { terminal }: WritEdges): Promise<readonly string[]> {
  const text = parseUtf8(await terminal.readFile(path));
  if (text === undefined) throw new Misuse("expected UTF-8 in the file after --resources");
  return text.split(/\r?\n/).filter((line) => line !== "");
}
