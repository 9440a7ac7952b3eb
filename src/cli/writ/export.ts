/** `ostiary writ export`: policies for tools of other hands, as JSON or in Cedar. One way: nothing loads what it writes. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import { cedarPolicies } from "../../writ/exporting/cedar.ts";
import { cedarSchema } from "../../writ/exporting/cedar-schema.ts";
import { programJson } from "../../writ/exporting/json.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { compileFiles, tellDiagnostics } from "./compile-files.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const EXPORT: WritVerb = {
  name: "export",
  synopsis: [
    "export (--json or --cedar) FILE…",
    "trees and normalised rules as data, or the same rules in Cedar",
  ],
  options: [
    ["--cedar", "export: Cedar policies, every unknown spelt out"],
    ["--schema", "export: with --cedar, the schema of their requests in their place"],
  ],
  run: exportFiles,
};

const OPTIONS = {
  cedar: { type: "boolean" },
  schema: { type: "boolean" },
  json: { type: "boolean" },
  root: { type: "string" },
} as const;

async function exportFiles(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  if ((values.cedar === true) === (values.json === true))
    throw new Misuse("expected one of --json and --cedar");
  if (values.schema === true && values.cedar !== true) throw new Misuse("expected --cedar with --schema");
  const compilation = await compileFiles(positionals, values.root, edges);
  tellDiagnostics(compilation, edges.terminal, "text");
  const { program } = compilation;
  const json = programJson(compilation);
  if (program === undefined || json === undefined) return 1;
  if (values.json === true) edges.terminal.out(`${canonicalJson(json)}\n`);
  else if (values.schema === true)
    edges.terminal.out(`${canonicalJson(cedarSchema(program, SNP_VOCABULARY))}\n`);
  else edges.terminal.out(cedarPolicies(program, SNP_VOCABULARY));
  return 0;
}
