/** Which request does REQUEST mean? The one of the test of that name; else facts or a report from a file. */
import { dirname, resolve } from "node:path";
import type { JsonObject } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Compilation } from "../../writ/compile.ts";
import type { Facts } from "../../writ/facts.ts";
import type { Program } from "../../writ/program.ts";
import { runTests, type TestRun } from "../../writ/testing/run.ts";
import { Misuse, type Terminal } from "../command.ts";
import { decidedItems, isDecision, isObject } from "../decision-facts.ts";
import { claimsInFile } from "../evidence-claims.ts";
import { evidenceInFile } from "../evidence-file.ts";
import { MAX_SOURCE_BYTES } from "../policy-files.ts";
import { factsOfJson } from "../request-facts.ts";
import { reportAt } from "./report-facts.ts";

const JSON_LIMITS = { maxBytes: 1 << 20, maxDepth: 256, code: "request/malformed" } as const;

/** A request, and what judges it: of a test what it loads, else all sources. */
export interface AskedRequest {
  readonly facts: Facts;
  readonly program: Program;
}

export interface AskedFrom {
  readonly files: readonly string[];
  readonly root: string | undefined;
  readonly terminal: Terminal;
}

/** @throws {@link Misuse} where two tests have the name; {@link Fault} for a test or a file that tells no request. */
export async function askedRequest(
  request: string,
  { program, tests }: Pick<Compilation, "tests"> & { readonly program: Program },
  { files, root, terminal }: AskedFrom,
): Promise<AskedRequest> {
  const base = resolve(root ?? dirname(files[0] ?? "."));
  const report = (path: string): Facts | undefined => reportAt(base, path);
  if (!tests.some(({ title }) => title === request))
    return { program, facts: factsFrom(await claimsFrom(request, terminal)) };
  const runs = runTests(program, tests, { vocabulary: SNP_VOCABULARY, report });
  const [run, ...others] = runs.filter(({ test }) => test.title === request);
  if (run === undefined || others.length > 0)
    throw new Misuse(`expected one test called "${request}", received ${others.length + 1}`);
  return { program: run.program, facts: factsOfRun(run) };
}

function factsOfRun({ test, outcome }: TestRun): Facts {
  if (outcome.kind !== "broken") return outcome.facts;
  const { code, message } = outcome.mistake;
  throw new Fault("request/malformed", `the test "${test.title}" tells no request: ${code}, ${message}`);
}

/** Facts, or those that a decision of one item saw. */
function factsFrom(claims: JsonObject): Facts {
  if (!isDecision(claims)) return factsOfJson(claims, SNP_VOCABULARY);
  const [item, ...others] = decidedItems(claims);
  if (item !== undefined && others.length === 0) return item.facts;
  const received = item === undefined ? "one that no policy was asked about" : `${others.length + 1} items`;
  throw new Fault("request/malformed", `expected a decision of one item, received ${received}`);
}

/** Facts or a decision as JSON, or the claims of a report. */
async function claimsFrom(path: string, terminal: Terminal): Promise<JsonObject> {
  const bytes = await terminal.readFile(path, MAX_SOURCE_BYTES);
  const first = bytes.find((byte) => byte > 0x20);
  if (first !== 0x7b) return claimsInFile(evidenceInFile(bytes));
  const value = parseStrictJson(bytes, JSON_LIMITS);
  if (isObject(value)) return value;
  throw new Fault("request/malformed", "expected facts as one JSON object");
}
