/** `ostiary writ check|explain`: the policy language on files. No broker is needed. */
import { dirname, resolve } from "node:path";
import { parseEvidence } from "../../attestation/evidence.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { claimsOf } from "../../policy/claims.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Compilation } from "../../writ/compile.ts";
import type { Diagnostic } from "../../writ/diagnostics/diagnostic.ts";
import { linesOf, placeOf } from "../../writ/diagnostics/diagnostic.ts";
import { renderDiagnostic } from "../../writ/diagnostics/render.ts";
import { evaluate } from "../../writ/evaluation/evaluator.ts";
import { explainTrace } from "../../writ/evaluation/explain.ts";
import type { Program } from "../../writ/program.ts";
import type { SourceFile } from "../../writ/sources.ts";
import { parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { carriedEvidenceOf } from "../evidence-file.ts";
import { bundlePathOf, compileBelow, MAX_SOURCE_BYTES } from "../policy-files.ts";
import { factsOfJson, factsOfSettings } from "../request-facts.ts";

const USAGE = `ostiary writ check FILE…                 parse and check types; every mistake at once, with what to do
ostiary writ explain REQUEST FILE…       what these policies say of one request, clause by clause

REQUEST is JSON facts ({ "request.resource": "prod/db/key", "now": "2026-09-10T12:00:00Z", … }), or an SEV-SNP report;
the rest is given by --set.

  --set FIELD=VALUE   one fact (repeatable)
  --root DIR          where imports start; the folder of the first FILE
  --full              explain: every clause, those that hold too
  --json              diagnostics or the decision as JSON
FILE and REQUEST may be -, standard input.

Exit status: 0 fine or allowed, 1 errors in sources or refused, 2 misuse, 3 a file cannot be used.`;

const JSON_LIMITS = { maxBytes: 1 << 20, maxDepth: 16, code: "request/malformed" } as const;

const OPTIONS = {
  set: { type: "string", multiple: true },
  root: { type: "string" },
  full: { type: "boolean" },
  json: { type: "boolean" },
} as const;

export function createWritCommand({ primitives }: { readonly primitives: Primitives }): Command {
  return {
    name: "writ",
    summary: "the policy language on files: check, explain",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      const { values, positionals } = parseArguments(rest, OPTIONS);
      const settings = { terminal, primitives, root: values.root, isJson: values.json === true };
      if (verb === "check") return check(positionals, settings);
      if (verb === "explain")
        return explain(positionals, { ...settings, set: values.set ?? [], isFull: values.full === true });
      throw new Misuse("expected `check` or `explain` after `writ`");
    },
  };
}

interface Settings {
  readonly terminal: Terminal;
  readonly primitives: Primitives;
  readonly root: string | undefined;
  readonly isJson: boolean;
}

async function check(files: readonly string[], settings: Settings): Promise<ExitStatus> {
  const { terminal, isJson } = settings;
  const compilation = await compileFiles(files, settings);
  const { diagnostics, program } = compilation;
  if (isJson)
    terminal.out(`${canonicalJson({ diagnostics: diagnostics.map((one) => jsonOf(one, compilation)) })}\n`);
  else tellDiagnostics(compilation, terminal);
  if (program === undefined) return 1;
  if (!isJson) terminal.out(summaryOf(program));
  return 0;
}

async function explain(
  [request, ...files]: readonly string[],
  settings: Settings & { readonly set: readonly string[]; readonly isFull: boolean },
): Promise<ExitStatus> {
  const { terminal, isJson, isFull } = settings;
  if (request === undefined) throw new Misuse("expected REQUEST and FILE… after `explain`");
  const facts = factsOfSettings(
    factsOfJson(await claimsFrom(request, terminal), SNP_VOCABULARY),
    settings.set,
    SNP_VOCABULARY,
  );
  const compilation = await compileFiles(files, settings);
  if (compilation.program === undefined) {
    tellDiagnostics(compilation, terminal);
    return 1;
  }
  for (const field of ["request.resource", "now"]) {
    if (!facts.has(field)) throw new Misuse(`expected \`${field}\` among the facts: --set ${field}=…`);
  }
  const decision = evaluate(compilation.program, facts);
  const { isAllowed, code, sentence, trace } = decision;
  if (isJson) {
    terminal.out(
      `${canonicalJson({ allowed: isAllowed, code: code ?? null, sentence: sentence ?? null, trace })}\n`,
    );
  } else {
    const head = isAllowed ? "ALLOWED" : `REFUSED (${code})`;
    terminal.out(`${head}  ${trace.resource}\n${explainTrace(trace, isFull)}`);
  }
  return isAllowed ? 0 : 1;
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

async function compileFiles(
  files: readonly string[],
  { terminal, root, primitives }: Settings,
): Promise<Compilation> {
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

function tellDiagnostics({ diagnostics, sources }: Compilation, terminal: Terminal): void {
  for (const one of diagnostics) terminal.err(`${renderDiagnostic(one, sources.get(one.file) ?? "")}\n`);
}

function summaryOf({ declarations, refsets, floors }: Program): string {
  const policies = declarations.filter(({ kind }) => kind === "policy").length;
  const guards = declarations.length - policies;
  return `good: ${policies} policies, ${guards} guards, ${refsets.length} reference sets, ${floors.length} floors\n`;
}

/** With spans as line and column, for editors. */
function jsonOf(diagnostic: Diagnostic, { sources }: Compilation): JsonObject {
  const { code, severity, file, message, primary } = diagnostic;
  const lines = linesOf(sources.get(file) ?? "");
  const from = placeOf(lines, primary.span.start);
  const to = placeOf(lines, primary.span.end);
  return { code, severity, file, message, label: primary.text, from: { ...from }, to: { ...to } };
}
