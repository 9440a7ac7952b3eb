/** `ostiary writ show`: one declaration with all that it brings along, and windows beside now. */
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import { nearest } from "../../writ/diagnostics/nearest.ts";
import { namesOf, show } from "../../writ/showing/show.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { compileFiles, tellDiagnostics, tellingOf } from "./compile-files.ts";
import { momentOf } from "./moment.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const SHOW: WritVerb = {
  name: "show",
  synopsis: ["show NAME FILE…", "one declaration with its reference values, their windows beside now"],
  options: [["--expanded", "show: with what templates and platforms bring, and the guards over it"]],
  run: showOne,
};

const OPTIONS = {
  expanded: { type: "boolean" },
  now: { type: "string" },
  root: { type: "string" },
  json: { type: "boolean" },
  sarif: { type: "boolean" },
} as const;

async function showOne(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [name, ...files] = positionals;
  if (name === undefined) throw new Misuse("expected NAME and FILE after `show`");
  const compilation = await compileFiles(files, values.root, edges);
  const { program, trees } = compilation;
  if (program === undefined) {
    tellDiagnostics(compilation, edges.terminal, tellingOf(values));
    return 1;
  }
  const now = values.now === undefined ? edges.now() : momentOf(values.now);
  const options = { vocabulary: SNP_VOCABULARY, trees, now, isExpanded: values.expanded === true };
  const text = show(program, name, options);
  if (text === "") throw new Misuse(unknownText(name, namesOf(program)));
  edges.terminal.out(text);
  return 0;
}

function unknownText(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  const hint = meant === undefined ? "" : `; did you mean \`${meant}\`?`;
  return `expected the name of a policy, guard, reference set or floor, received \`${name}\`${hint}`;
}
