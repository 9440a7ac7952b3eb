/** Can somebody start from these policies? Each checks, is in the one form, is tested whole, proved, and says nothing in vain. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { type Compilation, compileSources } from "../../src/writ/compile.ts";
import { diffPrograms } from "../../src/writ/diff/diff.ts";
import { formatSource } from "../../src/writ/formatting/format.ts";
import { lintSources } from "../../src/writ/lint/lint.ts";
import { coverageOf } from "../../src/writ/testing/coverage.ts";
import { prove } from "../../src/writ/testing/prove.ts";
import { renderCoverage, renderRun } from "../../src/writ/testing/render.ts";
import { runTests } from "../../src/writ/testing/run.ts";
import { sharedDesign } from "../support/shared-vectors.ts";
import { digest } from "../writ/toy.ts";

/** Files of guards alone. */
const GUARDS = ["hardened.writ", "organisation.writ", "4-tcb-floor.writ", "5-no-debug.writ"];
const POLICIES = join(import.meta.dirname, "../../policies");
const GUEST = join(POLICIES, "guest");

/** A guard grants nothing: what its lines keep out shows under a policy that lets everybody in. */
const ANYBODY = {
  path: "anybody.writ",
  text: 'writ 1\npolicy anybody {\n  for resource "**"\n\n  allow\n}\n',
};

function compiled(folder: string, path: string, changed?: string, beside = [ANYBODY]): Compilation {
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const own = { path, text: changed ?? read(path) };
  return compileSources(GUARDS.includes(path) ? [own, ...beside] : [own], {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: (name) => new TextEncoder().encode(read(name)),
  });
}

function programOf({ program, diagnostics }: Compilation) {
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return program;
}

const isSource = (name: string): boolean => name.endsWith(".writ") && !name.endsWith(".test.writ");
const sources = readdirSync(POLICIES).filter(isSource);
/** Each by the folder that its imports begin in: a guest's own stand apart from a broker's. */
const STARTED: readonly (readonly [name: string, folder: string])[] = [
  ...sources.map((name) => [name, POLICIES] as const),
  ["broker.writ", GUEST],
];
const all = readdirSync(POLICIES, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".writ"))
  .map((name) =>
    name.startsWith("guest/") ? ([name.slice(6), GUEST] as const) : ([name, POLICIES] as const),
  );

describe("the library", () => {
  it("covers what people start from", () => {
    expect(sources.sort()).toEqual([
      "author-key.writ",
      "aws-vlek.writ",
      "azure-luks.writ",
      "blue-green.writ",
      "break-glass.writ",
      "demo.writ",
      "disks.writ",
      "gcp.writ",
      "hardened.writ",
      "keyring.writ",
      "luks.writ",
      "mariadb-tde.writ",
      "organisation.writ",
      "root-key.writ",
      "svsm.writ",
      "transit.writ",
    ]);
  });

  it.each(all)("%s has no error and is in its one form", (name, folder) => {
    const text = readFileSync(join(folder, name), "utf8");
    expect(compiled(folder, name).diagnostics.map(({ message }) => message)).toEqual([]);
    expect(formatSource(name, text).text).toBe(text);
  });

  it.each(all)("%s is all that a careful reviewer would ask for", (name, folder) => {
    const found = lintSources(compiled(folder, name, undefined, []), {
      vocabulary: SNP_VOCABULARY,
      now: NOW,
    });
    expect(
      found.filter(({ severity }) => severity !== "note").map(({ code, message }) => `${code} ${message}`),
    ).toEqual([]);
  });

  it.each(STARTED)("%s is tested whole, and what it can never allow is proved", (name, folder) => {
    const compilation = compiled(folder, name.replace(".writ", ".test.writ"));
    const { tests, assertions } = compilation;
    const program = programOf(compilation);
    const runs = runTests(program, tests, { vocabulary: SNP_VOCABULARY, report: () => undefined });
    expect(runs.map(renderRun).join("")).toBe("");
    expect(renderCoverage(coverageOf(program, runs, compilation.sources))).toMatch(/^coverage 100 % \(/);
    expect(assertions.some(({ claim }) => claim === "never")).toBe(true);
    expect(prove(program, assertions, SNP_VOCABULARY).map(({ kind }) => kind)).toEqual(
      assertions.map(() => "proved"),
    );
  });
});

/** Each `require` of a file, by its text, with the file without it. */
function withoutEach(
  compilation: Compilation,
  name: string,
): readonly (readonly [line: string, text: string])[] {
  const tree = compilation.trees.find(({ path }) => path === name);
  return (tree?.items ?? [])
    .flatMap((item) => (item.kind === "policy" || item.kind === "guard" ? item.items : []))
    .flatMap((item) => {
      if (item.kind !== "require" || tree === undefined) return [];
      const { start, end } = item.span;
      return [
        [
          tree.text.slice(start, end).replaceAll(/\s+/g, " "),
          tree.text.slice(0, start) + tree.text.slice(end),
        ],
      ];
    });
}

/** Requires that another line says too, so that leaving them out changes nothing. */
const SAID_TWICE: Readonly<Record<string, readonly string[]>> = {
  // The platform says these; the author restates them for the sentence that a guest may read.
  "1-luks.writ": ['require vmpl == 0 else "report must come from VMPL 0"'],
  "7-vlek-aws.writ": [
    'require endorsement.kind == vlek else "EC2 guests on shared tenancy are endorsed by a VLEK"',
    'require has endorsement.csp and endorsement.csp == "aws" else "the VLEK belongs to another provider"',
  ],
};

/** A counter by a field that a require no longer guarantees is an error of its own (E0503); then the counter goes as well. */
function withoutItsCounter(folder: string, name: string, text: string): Compilation {
  const compilation = compiled(folder, name, text);
  const errors = compilation.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return compilation;
  expect(errors.map(({ code }) => code)).toEqual(["E0503"]);
  return compiled(folder, name, text.replace(/^ *max_releases .*\n/m, ""));
}

/** Leaves out one require after another, and asks what that lets in. */
function expectEachTells(folder: string, name: string): void {
  const before = compiled(folder, name);
  const older = programOf(before);
  const silent: string[] = [];
  for (const [line, text] of withoutEach(before, name)) {
    const newer = programOf(withoutItsCounter(folder, name, text));
    const diff = diffPrograms({ older, newer }, SNP_VOCABULARY);
    expect(diff.disagreements, line).toBe(0);
    if (diff.verdict === "equivalent") {
      silent.push(line);
      continue;
    }
    expect(diff.verdict, line).toBe("widens");
    const shown = diff.examples.filter(({ direction }) => direction === "allowed");
    expect(shown.length, line).toBeGreaterThan(0);
    for (const { decisions, isConfirmed } of shown) {
      expect(
        { older: decisions.older.isAllowed, newer: decisions.newer.isAllowed, isConfirmed },
        line,
      ).toEqual({
        older: false,
        newer: true,
        isConfirmed: true,
      });
    }
  }
  expect(silent).toEqual(SAID_TWICE[name] ?? []);
  const noted = lintSources(before, { vocabulary: SNP_VOCABULARY, now: NOW })
    .filter(({ code }) => code === "N0702")
    .map(({ primary: { span } }) => (before.sources.get(name) ?? "").slice(span.start, span.end));
  for (const line of silent)
    expect(noted.some((text) => line.startsWith(text.replaceAll(/\s+/g, " ")))).toBe(true);
}

/** A day on which nothing of the library or the examples is about to end. */
const NOW = Date.UTC(2026, 9, 20) / 1000;

describe("a require that is left out", () => {
  it.each(STARTED)("of %s lets somebody in, and diff says whom", (name, folder) => {
    expectEachTells(folder, name);
  });
});

const examples = sharedDesign === undefined ? undefined : join(sharedDesign, "writ/examples");
const EXAMPLES = examples === undefined ? [] : readdirSync(examples).filter(isSource);

describe.skipIf(examples === undefined)(
  "a require that is left out of an example (of ../shared/design)",
  () => {
    it.each(EXAMPLES)("%s lets somebody in, and diff says whom", (name) => {
      expectEachTells(examples ?? "", name);
    });
  },
);

describe.skipIf(examples === undefined)("the examples (of ../shared/design)", () => {
  it("say together all that a careful reviewer would ask for", () => {
    const folder = examples ?? "";
    const texts = EXAMPLES.map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));
    const files = (name: string): Uint8Array =>
      new TextEncoder().encode(readFileSync(join(folder, name), "utf8"));
    const compilation = compileSources(texts, { vocabulary: SNP_VOCABULARY, digest, files });
    const found = lintSources(compilation, { vocabulary: SNP_VOCABULARY, now: NOW });
    expect(found.filter(({ severity }) => severity !== "note").map(({ code }) => code)).toEqual([]);
  });
});
