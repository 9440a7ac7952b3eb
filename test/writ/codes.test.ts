/** Does every mistake get its own code at its own place? One source per code of the lexer, the parser and the checker. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { digest } from "./toy.ts";

/** `«` and `»` stand around the place that the diagnostic has to mark, and are taken out. */
function compiledMarked(marked: string, others: Readonly<Record<string, string>> = {}) {
  const text = marked.replaceAll(/[«»]/g, "");
  const from = marked.indexOf("«");
  const place = { from, marks: text.slice(from, marked.replace("«", "").indexOf("»")) };
  const files = [
    { path: "a.writ", text },
    ...Object.entries(others).map(([path, one]) => ({ path, text: one })),
  ];
  const { diagnostics, program } = compileSources(files, { vocabulary: SNP_VOCABULARY, digest });
  return { diagnostics: diagnostics.filter(({ file }) => file === "a.writ"), program, text, place };
}

const rules = (body: string): string => `writ 1\npolicy p { for resource "a/*"\n${body}\nallow }\n`;
const sets = (body: string): string => `writ 1\n${body}\n`;
const FAMILY = "11".repeat(16);
const OTHER = "22".repeat(16);

const ROWS: readonly (readonly [code: string, name: string, marked: string])[] = [
  ["E0001", "a character of no token", rules("require vmpl «+» 1")],
  ["E0001", "NUL in a comment", sets("# «\0»")],
  ["E0001", "a byte order mark", "«\ufeff»writ 1\n"],
  ["E0001", "letters outside ASCII", rules("require m«é»asurement")],
  ["E0001", "an unknown escape", rules('describes "«\\q»"')],
  ["E0001", "a stray character in hex", rules('require measurement == hex"ab«z»"')],
  ["E0002", "half a surrogate pair", sets("# «\ud800»")],
  ["E0003", "a bidirectional control in a comment", sets("# «\u202e»")],
  ["E0003", "a bidirectional control in a string", rules('describes "a«\u2066»b"')],
  ["E0003", "a bidirectional control by escape", rules('describes "«\\u{202e}»"')],
  ["E0011", "conditions 65 deep", rules(`require ${"not ".repeat(64)}«host».smt`)],
  ["E0013", "a name of 201 characters", rules(`require «${"a".repeat(201)}»`)],
  ["E0014", "a string of 2001 characters", rules(`describes «"${"a".repeat(2001)}"»`)],
  ["E0017", "more choices by version than are kept", manyViews()],
  ["E0100", "a token that is not the expected one", rules("require tcb.committed at «most» { snp 3 }")],
  ["E0100", "an operator of another language", rules("require host.smt «&&» host.ecc")],
  ["E0100", "a string that is not closed", rules('describes «"open»')],
  [
    "E0100",
    "a block that is not closed",
    'writ 1\npolicy p { for resource "a"\nallow\n«guard» g { for resource "a" }\n',
  ],
  ["E0101", "a name that is none", 'writ 1\npolicy «"p"» { for resource "a"\nallow }\n'],
  ["E0101", "a reserved policy name", 'writ 1\npolicy «ostiary.mine» { for resource "a"\nallow }\n'],
  ["E0101", "a reserved module name", "writ 1\nmodule «ostiary» version 1.0.0\n"],
  ["E0102", "a value that is none", rules("require vmpl == «]»")],
  ["E0102", "leading zeros", rules("require vmpl == «007»")],
  ["E0102", "a digest pinned by another file", sets('import "b.writ" digest «sha256» of "b.writ" { x }')],
  ["E0103", "a missing comma", rules("require request.channel in [application «kbs»]")],
  ["E0104", "an empty quantifier", rules("require all «{ }»")],
  ["E0104", "an empty list", rules("require vmpl in «[ ]»")],
  ["E0104", "an empty reference set", sets("refset «s» of measurement { }")],
  ["E0104", "an empty floor", sets("floor «f» { }")],
  ["E0105", "an assignment", rules("require vmpl «=» 1")],
  ["E0106", "an allow in a template", sets("template t() {\n«allow»\n}")],
  ["E0106", "a template in a template", sets("template t() {\n«use» u()\n}")],
  ["E0106", "a scope in a template", sets('template t() {\n«for» resource "a"\n}')],
  ["E0106", "metadata that there is not", rules('«author» "me"')],
  ["E0106", "a rule outside a policy", sets("«require» vmpl == 0")],
  ["E0107", "`or` after `and`", rules("require host.smt and host.ecc «or» host.tsme")],
  ["E0110", "another version of the language", "writ «2»\n"],
  ["E0203", "an odd number of hex digits", rules('require measurement == «hex"abc"»')],
  ["E0204", "a number too large for its field", rules("require vmpl == «256»")],
  ["E0204", "a level too large for its component", rules("require tcb.committed at least { snp «256» }")],
  [
    "E0204",
    "a bit that there is not",
    rules("require has mitigations.launch and mitigations.launch contains bit «64»"),
  ],
  ["E0204", "an index that there is not", rules('require has vtpm.pcr[0] and «vtpm.pcr[24]» == hex"00"')],
  ["E0204", "a date that there is not", rules("require now < «2026-02-30»")],
  ["E0204", "a count of nothing", rules("on release { max_releases «0» per report.id }")],
  ["E0205", "a range that ends before it begins", rules("require vmpl in «2 .. 1»")],
  ["E0205", "a window of no length", rules("valid «2026-10-01 .. 2026-10-01»")],
  ["E0206", "an address with host bits", rules('require request.source within [«"10.1.0.0/8"»]')],
  ["E0206", "an address that is none", rules('require request.source within [«"10.0.0/8"»]')],
  ["E0301", "an unknown field", rules("require «guest.debgu»")],
  ["E0301", "an index on a single field", rules('require «measurement[1]» == hex"00"')],
  ["E0301", "a row of fields without an index", rules("require has «vtpm.pcr»")],
  ["E0302", "a value of another kind", rules('require vmpl == «"0"»')],
  ["E0303", "bytes of another length", rules('require measurement == «hex"00"»')],
  ["E0304", "an unknown value", rules("require product == «naples»")],
  ["E0304", "an unknown platform", rules("platform «solaris»")],
  ["E0304", "an unknown row of a floor", sets("floor f {\n«naples» { snp 1 }\n}")],
  ["E0304", "an unknown suite", rules("on release { wrap «rot13» }")],
  ["E0305", "a duration without a unit", rules("require endorsement.crl_age <= «24»")],
  ["E0306", "an order on vectors", rules("require «tcb.committed < { snp 1 }»")],
  ["E0307", "an unknown floor", rules("require tcb.committed at least «nothing»")],
  ["E0308", "a field that is no condition", rules("require «vmpl»")],
  ["E0309", "an unknown reference set", rules("require measurement in «nothing»")],
  ["E0309", "an unknown template", rules("use «nothing»()")],
  [
    "E0301",
    "an unknown field in a template that nobody uses",
    sets("template t() {\nrequire «guest.debgu»\n}"),
  ],
  [
    "E0303",
    "a wrong length beside a parameter",
    sets('template t(x) {\nrequire vmpl == x and measurement == «hex"00"»\n}'),
  ],
  [
    "E0320",
    "an absence not handled in the deny of a template",
    sets("template t() {\ndeny when «vtpm.secure_boot»\n}"),
  ],
  ["E0310", "an unknown component", rules("require tcb.committed at least { «sbp» 1 }")],
  ["E0312", "an operator of another type", rules("require «vmpl contains bit 1»")],
  ["E0312", "a resource compared", rules('require «request.resource == "a"»')],
  ["E0313", "a vector that is not whole", rules("require tcb.committed == «{ snp 1 }»")],
  ["E0313", "a component of another product", sets("floor f { milan { «fmc» 1, snp 1 } }")],
  ["E0314", "a flag compared", rules("require «guest.debug == false»")],
  ["E0320", "an absence not handled", rules("require «vtpm.secure_boot»")],
  [
    "E0320",
    "an absence in a deny that only a require handles",
    rules(`require has report.chip_id\ndeny when «report.chip_id == hex"${"00".repeat(64)}"»`),
  ],
  [
    "E0331",
    "an entry twice",
    sets(`refset s of id_block.family_id { "a" = hex"${FAMILY}"\n«"a"» = hex"${OTHER}" }`),
  ],
  [
    "E0331",
    "bytes twice",
    sets(`refset s of id_block.family_id { "a" = hex"${FAMILY}"\n"b" = «hex"${FAMILY}"» }`),
  ],
  ["E0331", "a row twice", sets("floor f {\nmilan { snp 1 }\n«milan» { snp 2 }\n}")],
  ["E0331", "two windows", rules("valid 2026-01-01 ..\n«valid 2027-01-01 ..»")],
  ["E0401", "a guard that allows", 'writ 1\nguard g { for resource "a"\n«allow»\n}\n'],
  ["E0401", "a guard that releases", 'writ 1\nguard g { for resource "a"\n«on release { audit full }»\n}\n'],
  ["E0402", "no scope", "writ 1\npolicy «p» { allow }\n"],
  ["E0402", "two scopes", 'writ 1\npolicy p { for resource "a"\n«for resource "b"»\nallow }\n'],
  ["E0403", "no allow", 'writ 1\npolicy «p» { for resource "a" }\n'],
  ["E0404", "a file that is not there", sets('import «"b.writ"» { x }')],
  ["E0404", "a path out of the bundle", sets('import «"../b.writ"» { x }')],
  ["E0404", "a hash of a file that is not there", rules('require measurement == sha384 of «"b.bin"»')],
  ["E0404", "an import of itself", sets('import «"a.writ"» { f }\nfloor f { milan refuse }')],
  [
    "E0405",
    "two things of one name",
    'writ 1\npolicy p { for resource "a"\nallow }\nguard «p» { for resource "a" }\n',
  ],
  ["E0405", "two module lines", "writ 1\nmodule a version 1.0\nmodule «b» version 1.0\n"],
  ["E0501", "an unknown obligation", rules("on release { «tip» 3 }")],
  ["E0503", "a counter by what may be absent", rules("on release { max_releases 3 per «report.chip_id» }")],
  ["E0715", "a floor of zeros", sets("floor f { «milan { snp 0 }» }")],
];

function manyViews(): string {
  const set = `refset s of id_block.family_id { "a" = hex"${FAMILY}" version 1.0 }\n`;
  const narrowed = Array.from({ length: 1001 }, (_, i) => `id_block.family_id in s where version >= 1.${i}`);
  return `writ 1\n${set}policy p { for resource "a"\nallow when any { id_block.family_id in s, ${narrowed.slice(0, 1000).join(",\n")},\n«${narrowed[1000]}» }\n}\n`;
}

describe("a source", () => {
  it.each(ROWS)("gets %s for %s, at its place", (code, _name, marked) => {
    const { diagnostics, program, text, place } = compiledMarked(marked);
    const found = diagnostics.find((one) => one.code === code);
    expect(found, diagnostics.map((one) => `${one.code} ${one.message}`).join("; ")).toBeDefined();
    const { start = -1, end = -1 } = found?.primary.span ?? {};
    expect({ from: start, marks: text.slice(start, end) }).toEqual(place);
    expect(program).toBeUndefined();
  });
});

describe("several files", () => {
  const SET = (state: string) =>
    `writ 1\nrefset t of id_block.family_id { "b" = hex"${FAMILY}" state ${state} }\n`;

  it.each([
    [
      "E0330",
      "bytes revoked here and live there",
      `writ 1\nrefset s of id_block.family_id { «"a"» = hex"${FAMILY}" state revoked }\n`,
      { "b.writ": SET("active") },
    ],
    [
      "E0311",
      "a set of another field",
      rules("require measurement in «t»").replace("writ 1", 'writ 1\nimport "b.writ" { t }'),
      { "b.writ": SET("active") },
    ],
    [
      "E0404",
      "an import that leads back",
      'writ 1\nimport «"b.writ"» { g }\nfloor f { milan refuse }\n',
      { "b.writ": 'writ 1\nimport "a.writ" { f }\nfloor g { milan refuse }\n' },
    ],
    [
      "E0404",
      "a name that the file has not",
      'writ 1\nimport "b.writ" { «u» }\n',
      { "b.writ": SET("active") },
    ],
    [
      "E0404",
      "another file than the import pins",
      'writ 1\nimport "b.writ" digest «hex"00"» { t }\n',
      { "b.writ": SET("active") },
    ],
    [
      "E0405",
      "a name imported twice",
      'writ 1\nimport "b.writ" { t }\nimport "b.writ" { «t» }\n',
      { "b.writ": SET("active") },
    ],
    [
      "E0405",
      "a policy twice in one module",
      'writ 1\nmodule m version 1.0\npolicy «p» { for resource "a" allow }\n',
      { "A.writ": 'writ 1\nmodule m version 1.0\npolicy p { for resource "a" allow }\n' },
    ],
    [
      "E0405",
      "a guard twice in one module",
      'writ 1\nmodule m version 1.0\nguard «g» { for resource "a" require host.smt }\n',
      { "A.writ": 'writ 1\nmodule m version 1.0\nguard g { for resource "a" require host.smt }\n' },
    ],
    [
      "E0016",
      "templates that grow beyond measure",
      `writ 1\nimport "b.writ" { t }\npolicy p { for resource "a"\n${"use t()\n".repeat(100)}«use t()»\nallow }\n`,
      { "b.writ": `writ 1\ntemplate t() {\n${"require host.smt\n".repeat(1000)}}\n` },
    ],
  ] as const)("get %s for %s, at its place", (code, _name, marked, others) => {
    const { diagnostics, program, text, place } = compiledMarked(marked, others);
    const found = diagnostics.find((one) => one.code === code);
    expect(found, diagnostics.map((one) => `${one.code} ${one.message}`).join("; ")).toBeDefined();
    const { start = -1, end = -1 } = found?.primary.span ?? {};
    expect({ from: start, marks: text.slice(start, end) }).toEqual(place);
    expect(program).toBeUndefined();
  });

  it("are one bundle when nothing is wrong, whatever their order", () => {
    const { program, diagnostics } = compiledMarked(
      rules("require id_block.family_id in t").replace("writ 1", 'writ 1\nimport "b.writ" { t }'),
      { "b.writ": SET("active") },
    );
    expect(diagnostics).toEqual([]);
    expect(program).toBeDefined();
  });
});

describe("caps", () => {
  it("ten thousand entries are a reference set, one more is not", () => {
    const entries = (count: number) =>
      Array.from({ length: count }, (_, i) => `"${i}" = hex"${i.toString(16).padStart(32, "0")}"`).join("\n");
    const codes = (count: number) =>
      compiledMarked(`writ 1\nrefset s of id_block.family_id {\n${entries(count)}\n}\n`).diagnostics.map(
        ({ code }) => code,
      );
    expect(codes(10_000)).toEqual([]);
    expect(codes(10_001)).toEqual(["E0012"]);
  });

  it("a hundred errors are told, the rest is one line that counts them", () => {
    const { diagnostics } = compiledMarked(rules("require nonsense == 1\n".repeat(250)));
    expect(diagnostics).toHaveLength(101);
    expect(diagnostics.at(-1)).toMatchObject({ code: "E0015", message: expect.stringContaining("150") });
  });

  it("work is counted, not timed: twice the text makes twice the rules", () => {
    const rulesIn = (count: number) =>
      compiledMarked(
        `writ 1\npolicy p { for resource "a"\n${"require host.smt\n".repeat(count)}allow }\n`,
      ).program?.declarations.find(({ kind }) => kind === "policy")?.requires.length;
    expect([rulesIn(1000), rulesIn(2000), rulesIn(4000)]).toEqual([1000, 2000, 4000]);
  });
});

describe("a template that nobody uses", () => {
  it("is not judged by what only its user knows", () => {
    const body = [
      "require vmpl == x and tcb.committed at least f and measurement in s and measurement == b",
      "require vtpm.secure_boot",
      "require product in [x, milan] and endorsement.crl_age <= x",
      "on release { max_releases x per report.chip_id within x }",
    ];
    const { diagnostics, program } = compiledMarked(sets(`template t(x, f, s, b) {\n${body.join("\n")}\n}`));
    expect(diagnostics).toEqual([]);
    expect(program).toBeDefined();
  });

  it("says its mistake at the use alone, once somebody uses it", () => {
    const { diagnostics } = compiledMarked(
      `writ 1\ntemplate t() {\nrequire guest.debgu\n}\npolicy p { for resource "a"\nuse t()\nallow\n}\n`,
    );
    expect(diagnostics.map(({ code, notes }) => [code, notes])).toEqual([
      ["E0301", ["in template t, line 3"]],
    ]);
  });
});
