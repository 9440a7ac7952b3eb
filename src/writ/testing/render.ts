/** What is told of tests, assertions and coverage? As their author needs it: what was expected, what came, where. */

import { valueText } from "../diff/value-text.ts";
import { explainTrace } from "../evaluation/explain.ts";
import type { Facts } from "../facts.ts";
import type { Program } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { Coverage, CoverageRow } from "./coverage.ts";
import type { Proof } from "./prove.ts";
import type { TestRun } from "./run.ts";

/** Every test that did not pass, with its trace. */
export function renderRun({ test, outcome }: TestRun): string {
  if (outcome.kind === "passed") return "";
  if (outcome.kind === "broken")
    return `BROKEN  "${test.title}"   ${test.at}\n  ${outcome.mistake.message}\n`;
  const trace = explainTrace(outcome.decision.trace).replaceAll(/^(?=.)/gm, "  ");
  return `FAILED  "${test.title}"   ${test.at}\n  ${outcome.complaint}\n${trace}`;
}

/** What is not proved, with the request that refutes it. */
export function renderProof(proof: Proof, program: Program, vocabulary: Vocabulary): string {
  const { assertion } = proof;
  const head = `${assertion.text}   ${assertion.at}\n`;
  switch (proof.kind) {
    case "proved":
      return "";
    case "not-decided":
      return `NOT DECIDED  ${head}  too large to be decided within the budget, so it does not count as proved\n`;
    case "refuted":
      return `REFUTED  ${head}${refutedBy(proof, program, vocabulary)}`;
  }
}

function refutedBy(
  { by, assertion }: Extract<Proof, { readonly kind: "refuted" }>,
  program: Program,
  vocabulary: Vocabulary,
): string {
  if (by === undefined) {
    return assertion.claim === "satisfiable" ? "  no request at all is released by it\n" : "";
  }
  const { witness, facts, decision } = by;
  const lines = [...witness.telling]
    .filter((name) => name !== vocabulary.resourceField)
    .map((name) => `  ${name} ${shown(name, { facts, witness, program, vocabulary })}\n`);
  const verdict = decision.isAllowed ? "is released" : `is refused (${decision.code})`;
  return `  for example, resource ${witness.resource} ${verdict} with:\n${lines.map((line) => `  ${line}`).join("")}`;
}

interface Shown {
  readonly facts: Facts;
  readonly witness: { readonly invented: ReadonlySet<string> };
  readonly program: Program;
  readonly vocabulary: Vocabulary;
}

function shown(name: string, { facts, witness, program, vocabulary }: Shown): string {
  const value = facts.get(name);
  if (value === undefined) return "absent";
  if (witness.invented.has(name)) return "(any other value)";
  const type = vocabulary.fields.find((one) => one.name === name.replace(/\[\d+\]$/, ""))?.type;
  return valueText({ name, type: type ?? { kind: "uint", bits: 8 } }, value, program.refsets);
}

/** What no test showed, and how much all of it is. */
export function renderCoverage({ rows, ways, seen }: Coverage): string {
  const gaps = rows.filter(({ missing }) => missing.length > 0);
  const lines = gaps.map((row) => `  never ${row.missing.join(", never ")}: ${labelOf(row)}   ${row.at}\n`);
  const percent = ways === 0 ? 100 : Math.floor((100 * seen) / ways);
  return `coverage ${percent} % (${seen} of ${ways})\n${lines.join("")}`;
}

function labelOf({ kind, of, text }: CoverageRow): string {
  return kind === "entry" || kind === "row" ? `${of} ${text}` : `${text} (${of})`;
}

/** The tracefile form of lcov: each clause is a line with a branch for each way. */
export function lcovOf({ rows }: Coverage): string {
  const byFile = Map.groupBy(rows, ({ at }) => at.replace(/:\d+$/, ""));
  return [...byFile]
    .map(([file, list]) => `TN:writ\nSF:${file}\n${list.map(lcovLines).join("")}end_of_record\n`)
    .join("");
}

function lcovLines(row: CoverageRow): string {
  const line = /:(\d+)$/.exec(row.at)?.[1] ?? "1";
  const ways = row.ways === 1 ? ["seen"] : ["on", "off"];
  const missed = row.missing.length;
  const taken = (at: number): number =>
    missed === ways.length || (missed > 0 && isMissing(row, at)) ? 0 : 1;
  const branches = ways.map((_, at) => `BRDA:${line},0,${at},${taken(at)}\n`);
  return `DA:${line},${missed === ways.length ? 0 : 1}\n${branches.join("")}`;
}

/** The first way is the clause being on. */
function isMissing({ missing }: CoverageRow, at: number): boolean {
  return missing.some((way) => (way === "true" || way === "fires") === (at === 0));
}
