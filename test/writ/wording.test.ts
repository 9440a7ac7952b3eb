/** Do messages count, name and advise exactly? Those whose words depend on what is wrong, row by row. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { digest } from "./toy.ts";

/** Code, message, marked text and helps of every diagnostic. */
function told(text: string): readonly string[] {
  const { diagnostics } = compileSources([{ path: "a.writ", text }], { vocabulary: SNP_VOCABULARY, digest });
  return diagnostics.map(({ code, message, primary: { span, text: label }, helps }) => {
    const marked = JSON.stringify(text.slice(span.start, span.end));
    return [
      `${code} ${message}`,
      marked,
      label === "" ? "-" : label,
      helps.map((help) => help.text).join("; ") || "-",
    ].join(" | ");
  });
}

const rules = (body: string): string => `writ 1\npolicy p { for resource "a/*"\n${body}\nallow }\n`;
const COMMA = "separate them with `,`";

describe("after an element of a list", () => {
  const MISSING = (name: string, marked: string) =>
    `E0103 a comma is missing before ${name} | ${JSON.stringify(marked)} | this is the next element | ${COMMA}`;
  const STOPS = (marked: string) =>
    `E0100 expected \`,\` or \`]\`, found \`${marked}\` | ${JSON.stringify(marked)} | expected \`,\` or \`]\` | -`;

  it.each([
    ["a word", "ra-tls]", MISSING("`ra-tls`", "ra-tls")],
    ["a word that only begins a reason elsewhere", "reason]", MISSING("`reason`", "reason")],
    ["a text", '"x"]', MISSING("a string", '"x"')],
    ["a number", "3]", MISSING("`3`", "3")],
    ["a byte constant", 'hex"aa"]', MISSING("a byte constant", 'hex"aa"')],
    ["a vector", "{ x 1 }]", MISSING("`{`", "{")],
    ["another bracket", "}", STOPS("}")],
    ["a declaration", "policy", STOPS("policy")],
    ["what goes on after a condition", "else 3]", STOPS("else")],
    ["and so on", "because 3]", STOPS("because")],
    ["the next line", "\nkbs]", STOPS("kbs")],
  ])("comes %s", (_name, rest, expected) => {
    const [first] = told(rules(`require request.channel in [application ${rest}`));
    expect(first).toBe(expected);
  });

  it("may come a comma and nothing", () => {
    expect(told(rules("require request.channel in [application , ]"))).toEqual([]);
  });
});

describe("an escape that ends too soon", () => {
  it.each([
    ["the text", 'describes "a\\'],
    ["the line", 'describes "a\\\n"'],
    ["a line of Windows", 'describes "a\\\r\n"'],
  ])("at the end of %s is one character long", (_name, body) => {
    const found = told(rules(body).replace(/\nallow \}\n$/, ""));
    expect(found.find((one) => one.startsWith("E0001"))).toContain('| "\\\\" |');
  });

  it("is two characters long elsewhere", () => {
    expect(told(rules('describes "a\\q"'))[0]).toContain('| "\\\\q" |');
  });
});

describe("a name that is none", () => {
  it("gets a guess where one is near, and none where none is", () => {
    const row = (name: string) => `writ 1\nfloor f { ${name} { bootloader 1, tee 0, snp 1, microcode 1 } }\n`;
    const E0304 = (name: string) => `E0304 \`${name}\` is neither a product nor a silicon line`;
    const [near] = told(row("milam"));
    const [far] = told(row("zzzzqqq"));
    expect(near?.startsWith(E0304("milam"))).toBe(true);
    expect(near?.endsWith("| did you mean `milan`?")).toBe(true);
    expect(far?.startsWith(E0304("zzzzqqq"))).toBe(true);
    expect(far?.endsWith("| -")).toBe(true);
  });
});

describe("entries without a version", () => {
  const set = (count: number) => {
    const others = Array.from({ length: count }, (_, i) => `"b${i}" = hex"${String(22 + i).repeat(16)}"`);
    return `writ 1\nrefset s of id_block.family_id { "a" = hex"${"11".repeat(16)}" version 1.0\n${others.join("\n")} }\npolicy p { for resource "a"\nrequire id_block.family_id in s where version >= 1.0\nallow }\n`;
  };

  it.each([
    [0, []],
    [1, ['W0727 `where version` skips "b0"']],
    [2, ['W0727 `where version` skips "b0" and 1 more']],
    [4, ['W0727 `where version` skips "b0" and 3 more']],
  ])("are counted: %i", (count, expected) => {
    expect(told(set(count)).map((one) => one.split(" | ", 1).join(""))).toEqual(expected);
  });
});

describe("templates that grow beyond their cap", () => {
  it("are told with the cap", () => {
    const body = Array.from({ length: 400 }, (_, i) => `require vmpl <= ${i % 4}`).join("\n");
    const uses = Array.from({ length: 300 }, () => "use t()").join("\n");
    const text = `writ 1\ntemplate t() {\n${body}\n}\npolicy p { for resource "a"\n${uses}\nallow }\n`;
    const [first] = told(text);
    expect(first).toContain("E0016 all templates together make at most 100000 rules");
    expect(first).toContain("this use makes more");
  });
});
