/** `ostiary writ explain`: what some sources say of one request, clause by clause. */
import { parseEvidence } from "../../attestation/evidence.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { claimsOf } from "../../policy/claims.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Decision } from "../../writ/decision.ts";
import { evaluate } from "../../writ/evaluation/evaluator.ts";
import { explainTrace } from "../../writ/evaluation/explain.ts";
import type { Facts } from "../../writ/facts.ts";
import type { Program } from "../../writ/program.ts";
import { type NearestChange, nearestChange } from "../../writ/solver/nearest-change.ts";
import { nearestJson, nearestText } from "../../writ/solver/nearest-text.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { carriedEvidenceOf } from "../evidence-file.ts";
import { MAX_SOURCE_BYTES } from "../policy-files.ts";
import { factsOfJson, factsOfSettings } from "../request-facts.ts";
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
const JSON_LIMITS = { maxBytes: 1 << 20, maxDepth: 16, code: "request/malformed" } as const;

async function explain(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const telling = tellingOf(values);
  const { terminal } = edges;
  const [request, ...files] = positionals;
  if (request === undefined) throw new Misuse("expected REQUEST and FILE… after `explain`");
  const claims = factsOfJson(await claimsFrom(request, terminal), SNP_VOCABULARY);
  const facts = factsOfSettings(claims, values.set ?? [], SNP_VOCABULARY);
  const compilation = await compileFiles(files, values.root, edges);
  if (compilation.program === undefined) {
    tellDiagnostics(compilation, terminal, telling);
    return 1;
  }
  refuseIncomplete(facts);
  const { program } = compilation;
  const decision = evaluate(program, facts);
  const nearest = decision.isAllowed ? undefined : nearestChange(program, facts, SNP_VOCABULARY);
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

/** Facts as JSON, or the claims of a report. */
async function claimsFrom(path: string, terminal: Terminal): Promise<JsonObject> {
  const bytes = await terminal.readFile(path, MAX_SOURCE_BYTES);
  const first = bytes.find((byte) => byte > 0x20);
  if (first !== 0x7b) return claimsOf(parseEvidence(carriedEvidenceOf(bytes)));
  const value = parseStrictJson(bytes, JSON_LIMITS);
  if (isObject(value)) return value;
  throw new Fault("request/malformed", "expected facts as one JSON object");
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
