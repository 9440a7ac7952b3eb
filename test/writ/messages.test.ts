/** Are messages exactly the golden ones? Those of MESSAGES.md for one version of a policy, to the byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Edit } from "../../src/writ/diagnostics/diagnostic.ts";
import { renderDiagnostic } from "../../src/writ/diagnostics/render.ts";
import { lintSources } from "../../src/writ/lint/lint.ts";
import type { SourceFile } from "../../src/writ/sources.ts";
import { sharedDesign } from "../support/shared-vectors.ts";

/** 1 to 13 are the front end's, 14 to 19 the lints'. */
const FRONT_END = 13;
const LINTS = 6;
const FLOOR = "floor milan_floor { milan { bootloader 4, tee 0, snp 24, microcode 219 } }";

/** Every diagnostic of each body, in order: a body may lack an `allow` too. */
const ALL_CODES: readonly (readonly string[])[] = [
  ["E0403", "E0301"],
  ["E0403", "E0309"],
  ["E0403", "E0306"],
  ["E0403", "E0303"],
  ["E0403", "E0105"],
  ["E0107"],
  ["E0403", "E0305"],
  ["E0403", "E0310"],
  ["E0403", "E0304"],
  ["E0403", "E0308"],
  ["E0403", "E0311"],
  ["E0106"],
  ["E0403", "E0320"],
];

interface Golden {
  readonly code: string;
  readonly body: string;
  readonly expected: string;
}

function goldens(design: string): readonly Golden[] {
  const text = readFileSync(join(design, "writ/MESSAGES.md"), "utf8");
  return text
    .split(/^## (?=\d+\. )/m)
    .slice(1, FRONT_END + LINTS + 1)
    .map((section) => {
      const [, body = ""] = /```writ\n([\s\S]*?)```/.exec(section) ?? [];
      const [, expected = ""] = /```text\n([\s\S]*?)```/.exec(section) ?? [];
      return { code: /^\d+\. (\w+)/.exec(section)?.[1] ?? "", body, expected };
    });
}

/** The harness of MESSAGES.md: the body in a policy, references in scope by an import on the empty line's place. */
function compileBody(design: string, body: string) {
  const refs = readFileSync(join(design, "writ/examples/refs/prod.writ"), "utf8");
  const names = [...refs.matchAll(/^(?:refset|floor) (\S+)/gm)].map(([, name]) => name).join(", ");
  const head = `writ 1\nmodule acme.demo version 1.0.0\nimport "refs.writ" { ${names} } import "floor.writ" { milan_floor }\n`;
  const indented = body
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}\n`);
  const text = `${head}policy luks-root {\n  for resource "prod/luks/*"\n${indented.join("")}}\n`;
  const files = [
    { path: "disk.writ", text },
    { path: "refs.writ", text: refs },
    { path: "floor.writ", text: `writ 1\n${FLOOR}\n` },
  ];
  return { ...compileWhole(files), text };
}

function compileWhole(files: readonly SourceFile[]) {
  return compileSources(files, { vocabulary: SNP_VOCABULARY, digest: nodePrimitives.digest });
}

/** Of the end of the window in the message about windows. */
const SIX_DAYS_BEFORE = Date.UTC(2026, 9, 9, 9) / 1000;

function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce((whole, edit) => whole.slice(0, edit.span.start) + edit.text + whole.slice(edit.span.end), text);
}

describe.skipIf(sharedDesign === undefined)("golden messages (of ../shared/design)", () => {
  const design = sharedDesign ?? "";
  const every = sharedDesign === undefined ? [] : goldens(design);
  const all = every.slice(0, FRONT_END);

  it("are thirteen here", () => {
    expect(all).toHaveLength(FRONT_END);
  });

  it.each(all.map((golden, index) => [index + 1, golden.code, golden] as const))(
    "%i %s reads as written",
    (_n, code, golden) => {
      const { diagnostics, text } = compileBody(design, golden.body);
      const found = diagnostics.filter((one) => one.code === code);
      expect(found).toHaveLength(1);
      for (const one of found) expect(renderDiagnostic(one, text)).toBe(golden.expected);
    },
  );

  it.each(all.map((golden, index) => [index + 1, golden.code, golden] as const))(
    "%i %s comes with these and no others",
    (n, _code, golden) => {
      const { diagnostics, program } = compileBody(design, golden.body);
      const own = diagnostics.filter(({ file }) => file === "disk.writ");
      expect(own.map(({ code }) => code)).toEqual(ALL_CODES[n - 1]);
      expect(program).toBeUndefined();
    },
  );

  it.each(all.map((golden, index) => [index + 1, golden.code, golden] as const))(
    "%i %s can be applied where it says what to write",
    (_n, code, golden) => {
      const found = compileBody(design, golden.body).diagnostics.filter((one) => one.code === code);
      for (const { text, fixes } of found.flatMap(({ helps }) => helps)) {
        const isOffer = /^write|did you mean/.test(text);
        expect(fixes.length).toBe(isOffer ? (text.match(/` or `/g)?.length ?? 0) + 1 : 0);
      }
    },
  );

  it.each(all.map((golden, index) => [index + 1, golden.code, golden] as const))(
    "%i %s goes with its edit",
    (_n, code, golden) => {
      const { diagnostics, text } = compileBody(design, golden.body);
      const fixes = diagnostics
        .filter((one) => one.code === code)
        .flatMap(({ helps }) => helps.flatMap(({ fixes: all }) => all));
      for (const edits of fixes) {
        const lines = edited(text, edits).split("\n");
        const body = lines
          .slice(5, -2)
          .map((line) => line.replace(/^ {2}/, ""))
          .join("\n");
        expect(compileBody(design, body).diagnostics.map((one) => one.code)).not.toContain(code);
      }
    },
  );

  it.each(
    every.slice(FRONT_END).map((golden, index) => [FRONT_END + index + 1, golden.code, golden] as const),
  )("%i %s is what the linter says", (_n, code, golden) => {
    const sources = golden.body.startsWith("writ 1") ? [{ path: "disk.writ", text: golden.body }] : undefined;
    const compilation = sources === undefined ? compileBody(design, golden.body) : compileWhole(sources);
    const found = lintSources(compilation, { vocabulary: SNP_VOCABULARY, now: SIX_DAYS_BEFORE }).filter(
      (one) => one.code === code && one.file === "disk.writ",
    );
    const text = compilation.sources.get("disk.writ") ?? "";
    expect(found.map((one) => renderDiagnostic(one, text))).toEqual([golden.expected]);
  });
});
