/** What is not carried over from a Trustee, is it told, and does it let in nobody? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { importTrustee } from "../../../src/policy/trustee/import.ts";
import { parseReferenceValues } from "../../../src/policy/trustee/reference-values.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import { formatSource } from "../../../src/writ/formatting/format.ts";
import { codeOf } from "../../support/faults.ts";
import { CASES } from "./cases.ts";
import { INIT_DATA, MEASUREMENTS } from "./guests.ts";
import { decided, GUESTS, imported, programOf } from "./imported.ts";

const MEASURED = `input.submods.cpu0["ear.veraison.annotated-evidence"].snp.measurement == "${MEASUREMENTS[0]}"`;
const SNP = 'input.submods.cpu0["ear.veraison.annotated-evidence"].snp';

/** The package, an empty line, the default, an empty line: a rule begins on line 5. */
const policyOf = (rules: string) => `package policy\n\ndefault allow := false\n\n${rules}\n`;
const ruleOf = (...steps: readonly string[]) => policyOf(`allow if {\n${steps.join("\n")}\n}`);
const countOf = (decisions: readonly boolean[]) => decisions.filter(Boolean).length;

describe("what is not carried over", () => {
  it("control: a rule that is", () => {
    const { left, policies } = imported({ resource: ruleOf(MEASURED) });
    expect([left, policies]).toEqual([[], 1]);
    expect(countOf(decided({ resource: ruleOf(MEASURED) }))).toBeGreaterThan(20);
  });

  const ROWS: readonly (readonly [name: string, resource: string, lines: readonly number[]])[] = [
    [
      "every genuine guest",
      policyOf('allow if not input.submods.cpu0["ear.veraison.annotated-evidence"].sample'),
      [5],
    ],
    ["every guest, in so many words", policyOf("allow := true"), [5]],
    [
      "init-data without a measurement",
      ruleOf(`input.submods.cpu0["ear.veraison.annotated-evidence"].init_data == "${INIT_DATA[0]}"`),
      [5],
    ],
    [
      "a measurement in one way and none in the other",
      policyOf(`ok if ${MEASURED}\nok if ${SNP}.policy_debug_allowed == false\nallow if ok`),
      [7],
    ],
    ["a measurement that it must not be", ruleOf(MEASURED.replace("==", "!=")), [5]],
    [
      "affirming, where nobody said what that is",
      ruleOf('input.submods.cpu0["ear.status"] == "affirming"', MEASURED),
      [5],
    ],
    [
      "a status that is no verdict here",
      ruleOf('input.submods.cpu0["ear.status"] != "contraindicated"', MEASURED),
      [6],
    ],
    ["a regular expression", ruleOf(MEASURED, `regex.match("^a", ${SNP}.measurement)`), [7]],
    ["a clock", ruleOf(MEASURED, "time.now_ns() > 0"), [7]],
    ["a comprehension", ruleOf(MEASURED, "count([x | x := input.submods[_]]) == 1"), [7]],
    ["an input that is replaced", ruleOf(`${MEASURED} with input as {}`), [6]],
    ["a sum", ruleOf(MEASURED, `${SNP}.reported_tcb_snp + 1 > 23`), [7]],
    ["a claim that nobody knows", ruleOf(MEASURED, `${SNP}.colour == "red"`), [7]],
    [
      "a claim of init-data",
      ruleOf(MEASURED, 'input.submods.cpu0["ear.veraison.annotated-evidence"].init_data_claims.uuid == "1"'),
      [7],
    ],
    ["a name for something that nobody knows, used or not", ruleOf(MEASURED, "iss := input.iss"), [7]],
    [
      "a name for what may be false",
      policyOf(`ok if ${SNP}.policy_smt_allowed\nallow if {\nx := ok\n${MEASURED}\n}`),
      [7],
    ],
    [
      "which policy the service used",
      ruleOf(MEASURED, 'input.submods.cpu0["ear.appraisal-policy-id"] == "x"'),
      [7],
    ],
    ["a query", ruleOf(MEASURED, 'data.query.version == "1"'), [7]],
    ["a path that is not this one", ruleOf(MEASURED, 'data["resource-path"][1] != "key"'), [5]],
    [
      "a path that is not one of these",
      ruleOf(MEASURED, 'not data["resource-path"] == ["default", "key", "1"]'),
      [5],
    ],
    ["a part of a path that is found out", ruleOf(MEASURED, 'data["resource-path"][2] == input.iss'), [7]],
    [
      "parts of a path that may begin with a slash",
      policyOf(`path := split(data["resource-path"], "/")\nallow if {\npath[1] == "key"\n${MEASURED}\n}`),
      [6],
    ],
    ["a beginning of a path", ruleOf(MEASURED, 'startswith(data["resource-path"], "default/")'), [7]],
    [
      "a measurement in capitals, which no token has",
      ruleOf(MEASURED.replace(MEASUREMENTS[0] ?? "", "AB".repeat(48))),
      [6],
    ],
    ["a measurement of another size", ruleOf(MEASURED.replace(MEASUREMENTS[0] ?? "", "ab".repeat(32))), [6]],
    ["the order of texts", ruleOf(MEASURED, `${SNP}.reported_tcb_snp >= "9"`), [7]],
    ["a level that no firmware has", ruleOf(MEASURED, `${SNP}.reported_tcb_snp >= 300`), [7]],
    ["half of a version", ruleOf(MEASURED, `${SNP}.policy_abi_minor == 31`), [5]],
    ["a rule that is not there", ruleOf(MEASURED, "is_good"), [7]],
    ["rules that lead round in a ring", policyOf(`a if b\nb if a\nallow if {\na\n${MEASURED}\n}`), [5]],
    [
      "a value that a body chooses",
      policyOf(`x := 1 if ${MEASURED}\nallow if {\nx == 1\n${MEASURED}\n}`),
      [7],
    ],
    ["a function that counts", policyOf(`f(x) := x\nallow if {\nf(1) == 1\n${MEASURED}\n}`), [7]],
    [
      "a rule that no guest of SEV-SNP satisfies",
      ruleOf(`input.submods.gpu0["ear.status"] == "affirming"`, MEASURED),
      [5],
    ],
    [
      "not a rule that is not understood",
      policyOf(`odd if input.colour == 1\nallow if {\nnot odd\n${MEASURED}\n}`),
      [5],
    ],
    ["a part of the path that Writ takes for any", ruleOf(MEASURED, 'data["resource-path"][2] == "*"'), [5]],
    [
      "parts of the path that Writ takes for all",
      ruleOf(MEASURED, 'data["resource-path"] == ["a", "b", "**"]'),
      [5],
    ],
    [
      "not one of the values of a list that is not given",
      ruleOf(MEASURED, `not ${SNP}.measurement in query_reference_value("bad")`),
      [7],
    ],
    ["a list with something in it that may not be there", ruleOf("some x in [input.iss]", MEASURED), [6]],
    ["no rule at all", policyOf(""), [0]],
  ];

  it.each(ROWS)("is told by its line, and lets in nobody: %s", (_name, resource, lines) => {
    const { left, policies } = imported({ resource });
    const own = left.filter(({ file }) => file === "policy.rego").map(({ line }) => line);
    expect([...new Set(own)]).toEqual(expect.arrayContaining([...lines]));
    expect(policies).toBe(0);
    expect(countOf(decided({ resource }))).toBe(0);
  });

  const NO: readonly (readonly [name: string, rules: string])[] = [
    ["a rule that says no", `allow if ${MEASURED}\nallow := false if ${SNP}.policy_smt_allowed`],
    ["a rule that says something else", `allow if ${MEASURED}\nallow := "yes" if ${SNP}.policy_smt_allowed`],
    ["a set of that name", `allow if ${MEASURED}\nallow contains "x" if true`],
    ["a function of that name", `allow if ${MEASURED}\nallow(x) if ${MEASURED}`],
    ["a no behind an else", `allow if {\n${MEASURED}\n} else := false if true`],
    ["a line that is no Rego", `allow if ${MEASURED}\n"allow"`],
    ["a character that is none", `allow if ${MEASURED}\n§`],
    ["a text that does not end", `allow if ${MEASURED}\nx := "`],
  ];
  it.each(NO)("takes every other rule with it: %s", (_name, rules) => {
    const { left, policies } = imported({ resource: policyOf(rules) });
    expect(policies).toBe(0);
    expect(left.length).toBeGreaterThan(0);
  });

  it("is a default that lets everybody in", () => {
    const resource = `package policy\ndefault allow := true\nallow if ${MEASURED}`;
    expect(imported({ resource }).left.map(({ line }) => line)).toEqual([2]);
    expect(decided({ resource })).toEqual(decided({ resource: ruleOf(MEASURED) }));
  });

  it("is a value that the list has not, and the claims of a service that are not read", () => {
    const resource = ruleOf('input.submods.cpu0["ear.status"] == "affirming"');
    const service = (body: string) => `package policy\nexecutables := 3 if {\ninput.snp\n${body}\n}`;
    const missing = imported({
      resource,
      attestation: service('input.snp.measurement in query_reference_value("none")'),
    });
    expect([missing.policies, missing.left]).toMatchObject([0, [{ file: "service.rego", line: 4 }]]);
    const unread = imported({ resource, attestation: service("input.snp.colour == 1") });
    expect([unread.policies, unread.left]).toMatchObject([0, [{ file: "service.rego", line: 4 }]]);
    const chosen = imported({ resource, attestation: "package policy\nexecutables := [x | x := 1][0]" });
    expect(chosen.policies).toBe(0);
    const noRego = imported({ resource, attestation: '"executables"' });
    expect([noRego.policies, noRego.left.some(({ file }) => file === "service.rego")]).toEqual([0, true]);
  });

  it("is a guest for whom two rules of the service give two values, which is an error in Rego", () => {
    const one = (extra: string) => ({
      resource: ruleOf('input.submods.cpu0["ear.status"] == "affirming"'),
      attestation: `package policy\nexecutables := 3 if input.snp.measurement == "${MEASUREMENTS[0]}"\n${extra}`,
    });
    const both = decided(
      one(
        `executables := 4 if {\ninput.snp.measurement == "${MEASUREMENTS[0]}"\ninput.snp.policy.smt_allowed == true\n}`,
      ),
    );
    const alone = decided(one(""));
    expect(both.every((allowed, at) => !allowed || GUESTS[at]?.facts.get("guest.smt") === false)).toBe(true);
    expect(countOf(both)).toBeGreaterThan(0);
    expect(countOf(both)).toBeLessThan(countOf(alone));
  });

  it("is a warning of the service, wherever it stands", () => {
    const of = (rest: string) =>
      countOf(
        decided({
          resource: ruleOf('input.submods.cpu0["ear.status"] == "affirming"'),
          attestation: `package policy\nexecutables := 3 if input.snp.measurement == "${MEASUREMENTS[0]}"\n${rest}`,
        }),
      );
    expect(of("default hardware := 0")).toBeGreaterThan(0);
    expect(of("default hardware := 97")).toBe(0);
    expect(of("default file_system := 32")).toBe(0);
    expect(of("hardware := 97 if input.snp")).toBe(0);
    expect(of("hardware := 33 if input.snp.colour")).toBe(0);
  });
});

describe("a module that was carried over", () => {
  it("lets in no guest of another door, at another level, or with debugging", () => {
    const program = programOf(imported({ resource: ruleOf(MEASURED) }).text);
    const good = GUESTS.find(({ facts }) => evaluate(program, facts).isAllowed)?.facts ?? new Map();
    for (const [field, value] of [
      ["request.channel", "application"],
      ["request.op", "derive"],
      ["evidence.format", "svsm"],
      ["vmpl", 1],
      ["guest.debug", true],
      ["request.resource", "default/key"],
      ["request.resource", "a/default/key/1"],
    ] as const) {
      expect(evaluate(program, new Map([...good, [field, value]])).isAllowed, field).toBe(false);
    }
    expect(evaluate(program, new Map([...good, ["request.resource", "attest"]])).isAllowed).toBe(true);
  });

  it("lets debugging guests in no more than Trustee's own word for it", () => {
    const resource = ruleOf(MEASURED, `${SNP}.policy_debug_allowed == true`);
    expect(countOf(decided({ resource }))).toBe(0);
  });

  it("takes digests in base64, flags and levels as text, and the processor's older name", () => {
    const base64 = Buffer.from(MEASUREMENTS[0] ?? "", "hex").toString("base64");
    const older = ruleOf(
      `ev := input["submods"]["cpu"]["ear.veraison.annotated-evidence"]["snp"]`,
      `ev["measurement"] == "${base64}"`,
      'ev.policy_debug_allowed == "false"',
      'ev.reported_tcb_snp == "23"',
    );
    const newer = ruleOf(MEASURED, `${SNP}.policy_debug_allowed == false`, `${SNP}.reported_tcb_snp == 23`);
    expect(decided({ resource: older })).toEqual(decided({ resource: newer }));
    expect(countOf(decided({ resource: older }))).toBeGreaterThan(0);
    const mixed = older.replace('["cpu"]', '["cpu0"]').replace("ev[", 'input.submods.cpu["ear.status"]; ev[');
    expect(countOf(decided({ resource: mixed }))).toBe(0);
  });

  it("knows the verdict by its newest name", () => {
    const attestation = `package policy\nexecutables := 3 if input.snp.measurement == "${MEASUREMENTS[0]}"`;
    const newest = ruleOf("input.trust_context.attestation_summary.verification_result == true");
    expect(decided({ resource: newest, attestation })).toEqual(decided({ resource: ruleOf(MEASURED) }));
  });

  it("has no words of the sources in it that are not in quotes", () => {
    const name = 'x" = hex"00"\n} policy all { for resource "**" allow } #';
    const text = importTrustee({
      resource: {
        file: `${name}.rego`,
        text: ruleOf(MEASURED, `${SNP}.measurement in query_reference_value(${JSON.stringify(name)})`),
      },
      attestation: undefined,
      references: new Map([[name, { value: [MEASUREMENTS[0] ?? ""] }]]),
    }).text;
    expect(programOf(text).declarations.map((one) => one.name)).toEqual(["ostiary.default", "trustee-1"]);
  });

  const words = fc.constantFrom(
    ...'allow if { } ( ) [ ] := = == != in not some every else default input data . , ; : x y "a" 1 true | & # \n `'.split(
      " ",
    ),
  );
  test.prop([fc.array(words, { maxLength: 80 })], { numRuns: 200 })(
    "compiles, whatever the source is",
    (soup) => {
      const { text } = imported({ resource: soup.join(" "), attestation: soup.join("") });
      programOf(text);
      expect(formatSource("trustee.writ", text).text).toBe(text);
    },
  );

  it("compiles, however deep the source goes", () => {
    const deep = ["not ".repeat(5000), "[".repeat(5000), "x.".repeat(5000), "every x in y { ".repeat(5000)];
    for (const text of deep) expect(imported({ resource: ruleOf(text) }).policies).toBe(0);
    const fan = Array.from({ length: 30 }, (_, i) => `r${i} if { r${i + 1}; r${i + 1} == true }`).join("\n");
    expect(imported({ resource: policyOf(`${fan}\nallow if { r0; ${MEASURED} }`) }).policies).toBe(0);
    const long = Array.from({ length: 2000 }, () => MEASURED);
    expect(imported({ resource: ruleOf(...long) }).policies).toBe(0);
  });

  const place = fc.tuple(
    fc.constantFrom(...CASES),
    fc.nat(),
    fc.constantFrom("frobnicate(input)", "input.colour == 1", "§"),
  );
  test.prop([place], { numRuns: 20 })(
    "lets in nobody more for a condition that is not understood",
    ([one, at, condition]) => {
      const lines = one.resource.split("\n");
      const opens = lines.flatMap((line, i) => (/(if|\)|allow) \{$/.test(line) ? [i] : []));
      lines.splice((opens[at % Math.max(1, opens.length)] ?? 0) + 1, 0, condition);
      const [before, after] = [decided(one), decided({ ...one, resource: lines.join("\n") })];
      expect(after.filter((allowed, i) => allowed && before[i] !== true)).toEqual([]);
    },
  );
});

describe("a list of reference values", () => {
  const bytes = (value: unknown) => utf8(JSON.stringify(value));
  const LIST = { snp_launch_measurement: [MEASUREMENTS[0]] };
  const read = (value: unknown) => [...parseReferenceValues(bytes(value))];

  it("is read in each form that Trustee has had", () => {
    const plain = read(LIST);
    const kept = { name: "snp_launch_measurement", version: "0.1.0" };
    const payload = Buffer.from(JSON.stringify(LIST)).toString("base64");
    expect(plain).toEqual([["snp_launch_measurement", { value: [MEASUREMENTS[0]] }]]);
    expect(read([{ ...kept, value: [MEASUREMENTS[0]] }])).toEqual(plain);
    expect(
      read({ ...kept, "hash-value": [{ alg: "sha384", value: MEASUREMENTS[0] }], expiration: null }),
    ).toEqual(plain);
    expect(read({ version: "0.1.0", type: "sample", payload })).toEqual(plain);
    expect(read({ ...kept, value: true, expiration: "2027-01-01T00:00:00Z" })).toEqual([
      ["snp_launch_measurement", { value: true, until: "2027-01-01T00:00:00Z" }],
    ]);
  });

  it.each([
    ["a text", "x"],
    ["a payload that is no base64", { payload: "§" }],
    ["a payload that is no JSON", { payload: "eA==" }],
    ["no value", { name: "x" }],
    ["a hash without its value", { name: "x", "hash-value": ["00"] }],
    ["an end that is no moment", { name: "x", value: 1, expiration: "soon" }],
  ])("is refused: %s", (_name, value) => {
    expect(codeOf(() => parseReferenceValues(bytes(value)))).toBe("request/malformed");
  });

  it("ends when it ends", () => {
    const resource = ruleOf(
      `${SNP}.measurement in query_reference_value("m")`,
      `${SNP}.reported_tcb_snp in query_reference_value("s")`,
    );
    const of = (m: string, s: string) => {
      const kept = [
        { name: "m", value: [MEASUREMENTS[0]], expiration: m },
        { name: "s", value: [22, 23, 24], expiration: s },
      ];
      const { text } = importTrustee({
        resource: { file: "policy.rego", text: resource },
        attestation: undefined,
        references: parseReferenceValues(bytes(kept)),
      });
      const program = programOf(text);
      return countOf(GUESTS.map(({ facts }) => evaluate(program, facts).isAllowed));
    };
    const [past, future] = ["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"];
    expect(of(future, future)).toBeGreaterThan(0);
    expect([of(past, future), of(future, past)]).toEqual([0, 0]);
  });

  it("has each digest once, and no value that is none", () => {
    const resource = ruleOf(`${SNP}.measurement in query_reference_value("m")`);
    const references = { m: [MEASUREMENTS[0], MEASUREMENTS[0], "none", 7] };
    expect(imported({ resource, references }).left.length).toBe(2);
    expect(decided({ resource, references })).toEqual(decided({ resource: ruleOf(MEASURED) }));
    expect(countOf(decided({ resource, references: { m: ["none"] } }))).toBe(0);
    expect(countOf(decided({ resource, references: { m: MEASUREMENTS[0] } }))).toBe(0);
  });
});
