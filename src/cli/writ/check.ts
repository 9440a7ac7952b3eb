/** `ostiary writ check`: every mistake of some sources at once. */
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import { solverErrors } from "../../writ/lint/lint.ts";
import type { Program } from "../../writ/program.ts";
import { parseArguments } from "../arguments.ts";
import type { ExitStatus } from "../command.ts";
import { compileFiles, tellDiagnostics, tellingOf } from "./compile-files.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const CHECK: WritVerb = {
  name: "check",
  synopsis: ["check FILE…", "parse and check types; every mistake at once, with what to do"],
  options: [],
  run: check,
};

const OPTIONS = { root: { type: "string" }, json: { type: "boolean" }, sarif: { type: "boolean" } } as const;

async function check(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const telling = tellingOf(values);
  const compilation = await compileFiles(positionals, values.root, edges);
  const { program, sources } = compilation;
  const impossible = solverErrors(compilation, SNP_VOCABULARY);
  tellDiagnostics(
    { diagnostics: [...compilation.diagnostics, ...impossible], sources },
    edges.terminal,
    telling,
  );
  if (program === undefined || impossible.length > 0) return 1;
  if (telling === "text") edges.terminal.out(summaryOf(program));
  return 0;
}

function summaryOf({ declarations, refsets, floors }: Program): string {
  const policies = declarations.filter(({ kind }) => kind === "policy").length;
  const guards = declarations.length - policies;
  return `good: ${policies} policies, ${guards} guards, ${refsets.length} reference sets, ${floors.length} floors\n`;
}
