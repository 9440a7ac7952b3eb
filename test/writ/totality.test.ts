/** Can any text break the language? Whatever is given, the answer is a program or diagnostics with places inside the text. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { renderDiagnostic } from "../../src/writ/diagnostics/render.ts";
import { sharedDesign } from "../support/shared-vectors.ts";
import { digest } from "./toy.ts";

const policies = join(import.meta.dirname, "../../policies");
const own = [
  readFileSync(join(policies, "demo.writ"), "utf8"),
  readFileSync(join(policies, "refs/demo.writ"), "utf8"),
];
const folder = sharedDesign === undefined ? undefined : join(sharedDesign, "writ/examples");
const names = folder === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith(".writ"));
const examples = folder === undefined ? [] : names.map((name) => readFileSync(join(folder, name), "utf8"));
const SOURCES = [...own, ...examples];

/** Compiles, renders everything, and holds the answer to its form. */
function compiled(text: string | Uint8Array) {
  const { program, diagnostics, sources } = compileSources([{ path: "a.writ", text }], {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: () => undefined,
  });
  const source = sources.get("a.writ") ?? "";
  expect(program === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
  for (const one of diagnostics) {
    expect(one.primary.span.start).toBeGreaterThanOrEqual(0);
    expect(one.primary.span.end).toBeLessThanOrEqual(source.length + 1);
    expect(renderDiagnostic(one, source)).toMatch(/^(error|warning)\[[EW]\d{4}\]: /);
  }
  return { program, codes: diagnostics.map(({ code }) => code) };
}

describe("any text", () => {
  property.prop([fc.string({ unit: "binary", maxLength: 400 })])("is answered", (text) => {
    expect(compiled(text).program).toBeUndefined();
  });

  property.prop([fc.uint8Array({ maxLength: 400 })])("of any bytes is answered", (bytes) => {
    expect(compiled(bytes).program).toBeUndefined();
  });

  property.prop([
    fc.constantFrom(...SOURCES),
    fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.string({ maxLength: 12 })), { minLength: 1, maxLength: 4 }),
  ])("that was a policy before it was mangled is answered", (source, changes) => {
    const text = changes.reduce((whole, [at, cut, put]) => {
      const from = at % (whole.length + 1);
      return whole.slice(0, from) + put + whole.slice(from + cut);
    }, source);
    compiled(text);
  });

  it.each([
    ["parentheses", `writ 1\npolicy p { for resource "a"\nrequire ${"(".repeat(5000)}vmpl == 0\nallow }`],
    [
      "quantifiers",
      `writ 1\npolicy p { for resource "a"\nrequire ${"all { ".repeat(5000)}vmpl == 0\nallow }`,
    ],
    ["negations", `writ 1\npolicy p { for resource "a"\nrequire ${"not ".repeat(5000)}guest.debug\nallow }`],
    ["braces", `writ 1\n${"policy p {".repeat(5000)}`],
  ])("nested in %s too deep is refused, not overflowed", (_name, text) => {
    expect(compiled(text).program).toBeUndefined();
  });

  it("of more than a megabyte is refused whole", () => {
    expect(compiled(`writ 1\n${"#".repeat(1_100_000)}`).codes).toEqual(["E0010"]);
  });

  it("with ten thousand mistakes tells a hundred and counts the rest", () => {
    const { codes } = compiled(
      `writ 1\npolicy p { for resource "a"\n${"require nonsense == 1\n".repeat(10_000)}allow }`,
    );
    expect(codes.length).toBeGreaterThan(90);
    expect(codes.length).toBeLessThan(103);
  });

  it.each([
    ["a bidirectional control", "writ 1\n# \u202e\n", "E0003"],
    ["bytes that are no UTF-8", Uint8Array.of(0x77, 0xff), "E0002"],
    ["another version", "writ 2\n", "E0110"],
    ["odd hex", 'writ 1\npolicy p { for resource "a"\nrequire measurement == hex"abc"\nallow }', "E0203"],
    ["a number out of range", 'writ 1\npolicy p { for resource "a"\nrequire vmpl == 300\nallow }', "E0204"],
    ["an empty range", 'writ 1\npolicy p { for resource "a"\nrequire vmpl in 3 .. 1\nallow }', "E0205"],
    [
      "host bits in a block",
      'writ 1\npolicy p { for resource "a"\nrequire request.source within ["10.0.0.1/8"]\nallow }',
      "E0206",
    ],
    [
      "a floor that is not there",
      'writ 1\npolicy p { for resource "a"\nrequire tcb.committed at least nowhere\nallow }',
      "E0307",
    ],
    [
      "a flag compared",
      'writ 1\npolicy p { for resource "a"\nrequire guest.debug == false\nallow }',
      "E0314",
    ],
    ["a guard that allows", 'writ 1\nguard g { for resource "a"\nallow }', "E0401"],
    ["no scope", "writ 1\npolicy p { allow }", "E0402"],
    ["no allow", 'writ 1\npolicy p { for resource "a"\nrequire vmpl == 0 }', "E0403"],
    ["an import that is not there", 'writ 1\nimport "x.writ" { a }', "E0404"],
    [
      "two things of one name",
      'writ 1\npolicy p { for resource "a"\nallow }\npolicy p { for resource "b"\nallow }',
      "E0405",
    ],
    ["an unknown obligation", 'writ 1\npolicy p { for resource "a"\nallow\non release { tip 3 } }', "E0501"],
    [
      "a counter by what may be absent",
      'writ 1\npolicy p { for resource "a"\nallow\non release { max_releases 1 per report.chip_id } }',
      "E0503",
    ],
    ["a floor of zeros", "writ 1\nfloor f { milan { bootloader 0, tee 0, snp 0, microcode 0 } }", "E0715"],
    [
      "the same bytes twice",
      'writ 1\nrefset s of id_block.family_id { "a" = hex"00000000000000000000000000000000" "b" = hex"00000000000000000000000000000000" }',
      "E0331",
    ],
  ])("with %s says so", (_name, text, code) => {
    expect(compiled(text).codes).toContain(code);
  });
});

describe("policies that people start from", () => {
  it.skipIf(folder === undefined)("compile: all examples with what they import (of ../shared/design)", () => {
    const { diagnostics, program } = compileSources(
      names.map((name, index) => ({ path: name, text: examples[index] ?? "" })),
      {
        vocabulary: SNP_VOCABULARY,
        digest,
        files: (path) => Uint8Array.from(readFileSync(join(folder ?? "", path))),
      },
    );
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    expect(program?.declarations.length).toBeGreaterThan(9);
  });
});
