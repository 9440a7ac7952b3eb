/** What is measured of Writ? The examples, a policy of eleven conditions that three languages can say, and many policies. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SNP_VOCABULARY } from "../src/policy/vocabulary.ts";
import { compileSources } from "../src/writ/compile.ts";
import type { Facts, FactValue } from "../src/writ/facts.ts";
import type { Program } from "../src/writ/program.ts";
import type { SourceFile } from "../src/writ/sources.ts";

const OWN = join(import.meta.dirname, "../policies");
const SHARED = join(import.meta.dirname, "../../shared/design/writ/examples");

/** The examples of the language where they stand beside the project, else the library's policies. */
export const EXAMPLES = existsSync(SHARED) ? SHARED : OWN;

export function compileAll(files: readonly SourceFile[], folder: string): Program {
  const { program, diagnostics } = compileSources(files, {
    vocabulary: SNP_VOCABULARY,
    files: (path) => {
      const full = join(folder, path);
      return existsSync(full) ? Uint8Array.from(readFileSync(full)) : undefined;
    },
    digest: (algorithm, bytes) => Uint8Array.from(createHash(algorithm).update(bytes).digest()),
  });
  if (program === undefined) throw new Error(`a source of the bench has errors: ${diagnostics[0]?.message}`);
  return program;
}

/** Eight of the examples in one program. */
export function eightExamples(): Program {
  const names = readdirSync(EXAMPLES).filter((name) => /^[^.]+\.writ$/.test(name));
  const files = names
    .sort()
    .slice(0, 8)
    .map((path) => ({ path, text: readFileSync(join(EXAMPLES, path), "utf8") }));
  return compileAll(files, EXAMPLES);
}

const NOW = Date.UTC(2026, 9, 5) / 1000;

/** A thousand guests of all products, most of them near what the program lets in; the same in every run. */
export function guestsOf(program: Program): readonly Facts[] {
  const next = createNumbers();
  const resources = program.declarations
    .filter(({ kind }) => kind === "policy")
    .map(({ patterns: [first] }) =>
      (first?.segments ?? []).map((one) => (one === "*" ? "x" : one)).join("/"),
    );
  const measurements = program.refsets.filter(({ field }) => field === "measurement");
  const known = measurements.flatMap(({ entries }) => entries.map(({ value }) => value));
  return Array.from({ length: 1000 }, () => {
    const product = pick(["milan", "genoa", "turin"], next) ?? "genoa";
    const facts = new Map<string, FactValue>(SNP_VOCABULARY.ordinary[product]);
    for (const [name, value] of facts) if (name.includes("tcb.")) facts.set(name, copyOf(value));
    facts.set("request.resource", pick(resources, next) ?? "");
    facts
      .set("now", NOW + next(86_400))
      .set("now.weekday", "mon")
      .set("now.hour", 3);
    facts.set("report.id", digits(next)).set("request.nonce_age", next(5000));
    facts.set("measurement", pick(known, next) ?? "").set("client.tenant", "acme-data");
    if (next(3) === 0) facts.set("guest.debug", true);
    return facts;
  });
}

function copyOf(value: FactValue): FactValue {
  return typeof value === "object" && !Array.isArray(value) ? { ...value } : value;
}

function digits(next: (below: number) => number): string {
  return Array.from({ length: 64 }, () => next(16).toString(16)).join("");
}

function pick<T>(all: readonly T[], next: (below: number) => number): T | undefined {
  return all[next(Math.max(1, all.length))];
}

/** A linear congruential generator (Numerical Recipes): random enough to vary a bench. */
function createNumbers(): (below: number) => number {
  let state = 7;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** As many policies of one scope each, which differ in resource, measurement and firmware level. */
export function manyPolicies(count: number, version = 0): string {
  const policies = Array.from({ length: count }, (_, i) => {
    const measurement = createHash("sha384").update(`${i}`).digest("hex");
    return `policy p${i} {
  for resource "prod/team${i}/disk/*"
  require measurement == hex"${measurement}" else "not the approved image"
  require tcb.committed at least { snp ${20 + ((i + version) % 4)} } else "firmware is too old"
  require none { guest.debug, guest.migrate_ma } else "guest memory could be read"
  require request.nonce_age <= 60s else "stale report"
  allow "unlock" when request.op == release
}
`;
  });
  return `writ 1\n\n${policies.join("\n")}`;
}

/** A request that is in the scope of the fifth of {@link manyPolicies}, and fulfils it. */
export function guestOfFifth(): Facts {
  const measurement = createHash("sha384").update("5").digest("hex");
  const facts = new Map<string, FactValue>(SNP_VOCABULARY.ordinary["genoa"]);
  return facts.set("request.resource", "prod/team5/disk/a").set("now", NOW).set("measurement", measurement);
}
