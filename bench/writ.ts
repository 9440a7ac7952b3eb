/** How fast is the language? Decisions beside two other engines, many policies, sources of size, and differences; CPU time. */
import { canonicalJson } from "../src/base/canonical-json.ts";
import { SNP_VOCABULARY } from "../src/policy/vocabulary.ts";
import { createFindings } from "../src/writ/diagnostics/findings.ts";
import { diffPrograms } from "../src/writ/diff/diff.ts";
import { evaluate } from "../src/writ/evaluation/evaluator.ts";
import type { Facts } from "../src/writ/facts.ts";
import type { Program } from "../src/writ/program.ts";
import { parseSource } from "../src/writ/syntax/parser.ts";
import { cpuMs, ratePerCpuSecond } from "./cpu-rate.ts";
import { engines, REQUESTS } from "./writ-rivals.ts";
import { compileAll, EXAMPLES, eightExamples, guestOfFifth, guestsOf, manyPolicies } from "./writ-sources.ts";

const isBrief = process.argv.includes("--brief");
const ROUND_MS = isBrief ? 100 : 500;
const CALLS = isBrief ? 2 : 5;
const MEBIBYTE = 1_000_000;

benchDecisions();
benchEngines();
benchScale();
benchCheck();
benchParse();
benchDiff();

function benchDecisions(): void {
  const program = eightExamples();
  const guests = guestsOf(program);
  const allowed = guests.filter((facts) => evaluate(program, facts).isAllowed).length;
  const traced = decisionsPerSecond(program, guests);
  const written = ratePerCpuSecond(
    () => {
      for (const facts of guests) canonicalJson(evaluate(program, facts).trace);
    },
    guests.length,
    ROUND_MS,
  );
  print(
    `writ decide   ${thousands(traced)} decisions per CPU-second with full trace (aim 500k), ${thousands(written)} with the trace ` +
      `as canonical JSON; eight files of ${EXAMPLES.includes("shared") ? "the examples" : "policies/"}, ${allowed} of ${guests.length} allowed`,
  );
}

function decisionsPerSecond(program: Program, guests: readonly Facts[]): number {
  const work = (): void => {
    for (const facts of guests) evaluate(program, facts);
  };
  return ratePerCpuSecond(work, guests.length, ROUND_MS);
}

function benchEngines(): void {
  const [writ = 0, cel = 0, cedar = 0] = engines().map(({ judgeAll }) =>
    ratePerCpuSecond(judgeAll, REQUESTS, ROUND_MS),
  );
  print(
    `writ beside   eleven conditions: Writ with full trace ${thousands(writ)}, cel-js ${thousands(cel)}, cedar-wasm ${thousands(cedar)} ` +
      `per CPU-second; ratios ${(writ / cel).toFixed(1)} (aim 3) and ${(writ / cedar).toFixed(0)} (aim 40)`,
  );
}

/** One policy is in scope, of ten and of a thousand. */
function benchScale(): void {
  const [few = 0, many = 0] = [10, 1000].map((count) =>
    decisionsPerSecond(programOf(manyPolicies(count)), Array.from({ length: 100 }, guestOfFifth)),
  );
  print(
    `writ scale    ${thousands(few)} decisions per CPU-second of 10 policies, ${thousands(many)} of 1000; ` +
      `cost ${(few / many).toFixed(2)} times (aim at most 1.5)`,
  );
}

function benchCheck(): void {
  const text = manyPolicies(4000).slice(0, MEBIBYTE);
  const whole = text.slice(0, text.lastIndexOf("\npolicy "));
  const ms = cpuMs(() => programOf(whole), CALLS);
  print(`writ check    ${(whole.length / 1e6).toFixed(2)} MB in ${ms.toFixed(0)} ms of CPU (aim 1000)`);
}

/** Small policies, so that eight thousand are one source. The slope of log time over log size: 1 is linear. */
function benchParse(): void {
  const counts = [1000, 2000, 4000, 8000];
  const texts = counts.map((count) => {
    const policies = Array.from(
      { length: count },
      (_, i) => `policy p${i} { for resource "a/p${i}" require vmpl == 0 and not guest.debug allow }\n`,
    );
    return `writ 1\n${policies.join("")}`;
  });
  const parsed = (text: string): void => void parseSource("bench.writ", text, createFindings("bench.writ"));
  for (const text of texts) parsed(text); // warm
  const times = texts.map((text) => cpuMs(() => parsed(text), 2 * CALLS));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const slope = Math.log(last / first) / Math.log(8);
  const each = counts.map((count, i) => `${count}: ${times[i]?.toFixed(1)} ms`).join(", ");
  print(`writ parse    policies in one source: ${each}; slope ${slope.toFixed(2)} (1 is linear)`);
}

function benchDiff(): void {
  for (const [count, aim] of [
    [200, 250],
    [1000, 2500],
  ] as const) {
    const sides = { older: programOf(manyPolicies(count)), newer: programOf(manyPolicies(count, 1)) };
    let verdict = "";
    const ms = cpuMs(
      () => {
        verdict = diffPrograms(sides, SNP_VOCABULARY).verdict;
      },
      isBrief ? 1 : 3,
    );
    print(
      `writ diff     ${count} policies, each changed: ${ms.toFixed(0)} ms of CPU (aim ${aim}); ${verdict}`,
    );
  }
}

function programOf(text: string): Program {
  return compileAll([{ path: "bench.writ", text }], "");
}

function thousands(rate: number): string {
  return `${(rate / 1000).toFixed(0)}k`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
