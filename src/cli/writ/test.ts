/** `ostiary writ test`: does each test get what it expects, and is each assertion proved? */
import { dirname, resolve } from "node:path";
import { utf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { type ChipIds, chipIdsUnder } from "../../keys/chip-ids.ts";
import { parseSalt } from "../../ledger/pseudonym.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Compilation } from "../../writ/compile.ts";
import type { Program } from "../../writ/program.ts";
import { type Coverage, coverageOf } from "../../writ/testing/coverage.ts";
import { type Proof, prove } from "../../writ/testing/prove.ts";
import { lcovOf, renderCoverage, renderProof, renderRun } from "../../writ/testing/render.ts";
import { runTests, type TestRun } from "../../writ/testing/run.ts";
import { suggestTests } from "../../writ/testing/suggest.ts";
import { parseArguments } from "../arguments.ts";
import type { ExitStatus } from "../command.ts";
import { compileFiles, tellDiagnostics, tellingOf } from "./compile-files.ts";
import { replay } from "./replay.ts";
import { reportAt } from "./report-facts.ts";
import { sideOf } from "./side.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const TEST: WritVerb = {
  name: "test",
  synopsis: ["test FILE…", "run the tests in these files and prove their assertions"],
  options: [
    [
      "--coverage",
      "test: which clauses, reference values and rows no test showed (status 1 where there are some)",
    ],
    ["--lcov FILE", "test: the same as an lcov tracefile"],
    ["--suggest", "test: print the missing tests, to be added to the file"],
    [
      "--replay LOG",
      "test: decisions of the past instead, judged by these files (one a line: decision export)",
    ],
    [
      "--against OLD",
      "test: with --replay, compared with these sources, obligations too, not with what was decided",
    ],
    ["--salt FILE", "test: with --replay, of a broker that hides ids of chips (`ledger.salt_chip_ids`)"],
  ],
  run: test,
};

const OPTIONS = {
  coverage: { type: "boolean" },
  lcov: { type: "string" },
  suggest: { type: "boolean" },
  replay: { type: "string" },
  against: { type: "string" },
  salt: { type: "string" },
  root: { type: "string" },
  json: { type: "boolean" },
  sarif: { type: "boolean" },
} as const;

/** Status 1 where a test fails, an assertion is not proved, or --coverage finds a gap. */
async function test(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const telling = tellingOf(values);
  const compilation = await compileFiles(positionals, values.root, edges);
  const { program, tests, assertions } = compilation;
  if (program === undefined) {
    tellDiagnostics(compilation, edges.terminal, telling);
    return 1;
  }
  if (values.replay !== undefined) return replayed(values, program, edges);
  const root = resolve(values.root ?? dirname(positionals[0] ?? "."));
  const runs = runTests(program, tests, {
    vocabulary: SNP_VOCABULARY,
    report: (path) => reportAt(root, path),
  });
  const proofs = prove(program, assertions, SNP_VOCABULARY);
  const coverage = coverageOf(program, runs, compilation.sources);
  if (values.lcov !== undefined) await edges.terminal.writeFile(values.lcov, utf8(lcovOf(coverage)), 0o644);
  const told = { program, runs, proofs, coverage };
  if (values.suggest === true) return suggest(told, compilation, edges);
  const isAsked = values.coverage === true;
  edges.terminal.out(values.json === true ? `${canonicalJson(jsonOf(told))}\n` : textOf(told, isAsked));
  return isGood(told) && (!isAsked || coverage.seen === coverage.ways) ? 0 : 1;
}

interface ReplayValues {
  readonly replay?: string | undefined;
  readonly against?: string | undefined;
  readonly salt?: string | undefined;
  readonly root?: string | undefined;
  readonly json?: boolean | undefined;
}

async function replayed(values: ReplayValues, program: Program, edges: WritEdges): Promise<ExitStatus> {
  const older = values.against === undefined ? undefined : await sideOf(values.against, values.root, edges);
  const against = older?.compilation.program;
  if (older !== undefined && against === undefined) {
    tellDiagnostics(older.compilation, edges.terminal, "text");
    return 1;
  }
  const chipIds = values.salt === undefined ? undefined : await chipIdsOf(values.salt, edges);
  return replay(
    { log: values.replay ?? "-", program, against, chipIds, isJson: values.json === true },
    edges,
  );
}

const MAX_SALT_BYTES = 1024;

async function chipIdsOf(path: string, { terminal, primitives }: WritEdges): Promise<ChipIds> {
  const salt = parseSalt(await terminal.readFile(path, MAX_SALT_BYTES));
  if (salt !== undefined) return chipIdsUnder(salt, primitives);
  throw new Fault("file/unusable", `expected \`${path}\` to hold a salt: 64 lower-case hex digits`, { path });
}

/** The missing tests on standard output; what no test can show on standard error, with status 1. */
function suggest(
  { program, coverage }: Told,
  { sources, trees }: Compilation,
  { terminal }: WritEdges,
): ExitStatus {
  const named = new Set(
    trees
      .filter(({ items }) => items.some(({ kind }) => kind === "test"))
      .flatMap(({ imports, items }) => [
        ...imports.flatMap(({ names }) => names.map(({ text }) => text)),
        ...items.flatMap((item) => (item.kind === "refset" ? [item.name.text] : [])),
      ]),
  );
  const sets = program.refsets.filter(({ name }) => named.has(name));
  const { suggested, open } = suggestTests(program, coverage, { vocabulary: SNP_VOCABULARY, sources, sets });
  terminal.out(suggested.map(({ text }) => text).join("\n"));
  for (const { row, way } of open) terminal.err(`no request shows ${row.text} as ${way}   ${row.at}\n`);
  return open.length === 0 ? 0 : 1;
}

interface Told {
  readonly program: Program;
  readonly runs: readonly TestRun[];
  readonly proofs: readonly Proof[];
  readonly coverage: Coverage;
}

function isGood({ runs, proofs }: Told): boolean {
  return (
    runs.every(({ outcome }) => outcome.kind === "passed") && proofs.every(({ kind }) => kind === "proved")
  );
}

function textOf({ program, runs, proofs, coverage }: Told, isCoverage: boolean): string {
  const passed = runs.filter(({ outcome }) => outcome.kind === "passed").length;
  const proved = proofs.filter(({ kind }) => kind === "proved").length;
  return [
    ...runs.map(renderRun),
    ...proofs.map((proof) => renderProof(proof, program, SNP_VOCABULARY)),
    `${passed} passed, ${runs.length - passed} failed; ${proved} of ${proofs.length} assertions proved\n`,
    ...(isCoverage ? [renderCoverage(coverage)] : []),
  ].join("");
}

function jsonOf({ runs, proofs, coverage }: Told): JsonObject {
  return {
    tests: runs.map(({ test: { title, at }, outcome }) => ({
      title,
      at,
      outcome: outcome.kind,
      ...(outcome.kind === "failed" ? { complaint: outcome.complaint, trace: outcome.decision.trace } : {}),
      ...(outcome.kind === "broken"
        ? { code: outcome.mistake.code, complaint: outcome.mistake.message }
        : {}),
    })),
    assertions: proofs.map(({ assertion: { text, at }, kind }) => ({ text, at, outcome: kind })),
    coverage: {
      ways: coverage.ways,
      seen: coverage.seen,
      missing: coverage.rows
        .filter(({ missing }) => missing.length > 0)
        .map(({ kind, at, of, text, missing }) => ({ kind, at, of, text, missing })),
    },
  };
}
