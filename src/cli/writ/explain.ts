/** `ostiary writ explain`: what some sources say of one request, clause by clause. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Decision } from "../../writ/decision.ts";
import { evaluate } from "../../writ/evaluation/evaluator.ts";
import { explainTrace } from "../../writ/evaluation/explain.ts";
import type { Facts } from "../../writ/facts.ts";
import type { Program } from "../../writ/program.ts";
import { type NearestChange, nearestChange } from "../../writ/solver/nearest-change.ts";
import { nearestJson, nearestText } from "../../writ/solver/nearest-text.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { factsOfSettings } from "../request-facts.ts";
import { askedRequest } from "./asked-request.ts";
import { compileFiles, tellDiagnostics, tellingOf } from "./compile-files.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const EXPLAIN: WritVerb = {
  name: "explain",
  synopsis: ["explain REQUEST FILE…", "what these policies say of one request, clause by clause"],
  options: [
    ["--set FIELD=VALUE", "explain: one fact (repeatable)"],
    ["--full", "explain: every clause, those that hold too"],
  ],
  run: explain,
};

const OPTIONS = {
  set: { type: "string", multiple: true },
  root: { type: "string" },
  full: { type: "boolean" },
  json: { type: "boolean" },
  sarif: { type: "boolean" },
} as const;

async function explain(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const { terminal } = edges;
  const telling = tellingOf(values);
  const [request, ...files] = positionals;
  if (request === undefined) throw new Misuse("expected REQUEST and FILE… after `explain`");
  const compilation = await compileFiles(files, values.root, edges);
  const { program, tests } = compilation;
  if (program === undefined) {
    tellDiagnostics(compilation, terminal, telling);
    return 1;
  }
  const asked = await askedRequest(request, { program, tests }, { files, root: values.root, terminal });
  const facts = factsOfSettings(asked.facts, values.set ?? [], SNP_VOCABULARY);
  refuseIncomplete(facts);
  const decision = evaluate(asked.program, facts);
  const nearest = decision.isAllowed ? undefined : nearestChange(asked.program, facts, SNP_VOCABULARY);
  const told = { decision, nearest, refsets: program.refsets };
  terminal.out(values.json === true ? jsonText(told) : plainText(told, values.full === true));
  return decision.isAllowed ? 0 : 1;
}

interface Told {
  readonly decision: Decision;
  /** Of a refusal. */
  readonly nearest: NearestChange | undefined;
  readonly refsets: Program["refsets"];
}

function jsonText({ decision, nearest, refsets }: Told): string {
  const { isAllowed, code, sentence, trace } = decision;
  const way = nearest === undefined ? null : nearestJson(nearest, refsets);
  const told = { allowed: isAllowed, code: code ?? null, sentence: sentence ?? null, trace, nearest: way };
  return `${canonicalJson(told)}\n`;
}

function plainText({ decision, nearest, refsets }: Told, isFull: boolean): string {
  const { isAllowed, code, trace } = decision;
  const head = isAllowed ? "ALLOWED" : `REFUSED (${code})`;
  const way = nearest === undefined ? "" : nearestText(nearest, refsets);
  return `${head}  ${trace.resource}\n${explainTrace(trace, isFull)}${way}`;
}

function refuseIncomplete(facts: Facts): void {
  for (const field of ["request.resource", "now"]) {
    if (!facts.has(field)) throw new Misuse(`expected \`${field}\` among the facts: --set ${field}=…`);
  }
}
