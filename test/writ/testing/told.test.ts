/** What is told of tests, assertions and what they leave out? Each outcome to the byte: one part of `told.txt` per kind (WRIT section 13). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { coverageOf } from "../../../src/writ/testing/coverage.ts";
import { prove } from "../../../src/writ/testing/prove.ts";
import { lcovOf, renderCoverage, renderProof, renderRun } from "../../../src/writ/testing/render.ts";
import { runTests } from "../../../src/writ/testing/run.ts";
import { digest } from "../toy.ts";

const POLICY = `writ 1
refset s of measurement { "a" = hex"${"aa".repeat(48)}" "old" = hex"${"bb".repeat(48)}" state revoked "unused" = hex"${"cc".repeat(48)}" }
floor f { milan { bootloader 4, tee 0, snp 24, microcode 219 } genoa refuse }
policy p {
  for resource "x/*"
  require measurement in s else "not that image"
  require tcb.reported at least f else "old firmware"
  deny "debug" when guest.debug because "debug is on"
  allow "go" when request.op == release
  allow when request.op == write
  on release { token_ttl 2m max_releases 3 per report.id within 1h rate 2 per 1m notify "n" wrap hpke-xwing key_version >= 2 reattest every 1h audit summary }
}
policy q { for resource "x/*" require host.ecc allow when vmpl == 3 }
policy nothing { for resource "x/*" require vmpl == 1 require vmpl == 2 allow }
guard org { for resource "**" require not guest.migrate_ma }
`;
const IN = 'request.resource = "x/1", now = 2026-01-01, measurement = s["a"]';

/** `@in` is a request in scope with a good image, `@N` is N bytes. */
function toldOf(given: string): string {
  const body = given
    .replaceAll(/@in, measurement/g, 'request.resource = "x/1", now = 2026-01-01, measurement')
    .replaceAll("@in", IN)
    .replaceAll(/@(\d+)"/g, (_, size) => `${"07".repeat(Number(size))}"`);
  const sources = [{ path: "a.writ", text: `${POLICY}${body}` }];
  const compiled = compileSources(sources, { vocabulary: SNP_VOCABULARY, digest });
  const { program, tests, assertions, diagnostics } = compiled;
  if (program === undefined) return diagnostics.map(({ message }) => `${message}\n`).join("");
  const runs = runTests(program, tests, { vocabulary: SNP_VOCABULARY, report: () => undefined });
  const proofs = prove(program, assertions, SNP_VOCABULARY);
  const coverage = coverageOf(program, runs, compiled.sources);
  return [
    ...runs.map((run) => renderRun(run)),
    ...proofs.map((proof) => renderProof(proof, program, SNP_VOCABULARY)),
    ...(runs.length === 0 ? [] : [renderCoverage(coverage), lcovOf(coverage)]),
  ].join("");
}

const CASES = readFileSync(join(import.meta.dirname, "told.txt"), "utf8")
  .split(/^==== /m)
  .slice(1)
  .map((part) => {
    const [given = "", told = ""] = part.split(/^----\n/m);
    return { given: given.slice(given.indexOf("\n") + 1), told, name: given.slice(0, given.indexOf("\n")) };
  });

describe("what is told of", () => {
  it.each(CASES)("$name", ({ given, told }) => expect(toldOf(given)).toBe(told));
});
