/** Is what is proposed the least that would release, does it release, and is nothing proposed that nobody can do? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts, FactValue } from "../../../src/writ/facts.ts";
import { nearestChange } from "../../../src/writ/solver/nearest-change.ts";
import { nearestJson, nearestText } from "../../../src/writ/solver/nearest-text.ts";
import { snpProgram } from "./snp.ts";

const NOW = Date.parse("2026-10-01T12:00:00Z") / 1000;

function request(changes: Readonly<Record<string, FactValue | undefined>> = {}): Facts {
  const facts = new Map(SNP_VOCABULARY.ordinary["milan"])
    .set("request.resource", "a/b")
    .set("now", NOW)
    .set("now.weekday", "thu")
    .set("now.hour", 12);
  for (const [field, value] of Object.entries(changes)) {
    if (value === undefined) facts.delete(field);
    else facts.set(field, value);
  }
  return facts;
}

const SET = `refset m of measurement { "good 1.0.0" = hex"${"ab".repeat(48)}" }\n`;
const TCB = { bootloader: 4, tee: 0, snp: 22, microcode: 219 };
const LOW = { "tcb.current": TCB, "tcb.committed": TCB, "tcb.reported": TCB, "endorsement.tcb": TCB };

function textFor(body: string, facts: Facts): string {
  const program = snpProgram([`${SET}policy p { for resource "a/*" ${body} }`]);
  expect(evaluate(program, facts).isAllowed).toBe(false);
  return nearestText(nearestChange(program, facts, SNP_VOCABULARY), program.refsets);
}

describe("nearest change", () => {
  const rows: readonly (readonly [body: string, facts: Facts, text: string])[] = [
    [
      "require tcb.committed at least { snp 23 } allow",
      request(LOW),
      "nearest change: tcb.committed.snp 22 -> 23 (host firmware update) would release the key\n",
    ],
    [
      "require endorsement.crl_age <= 24h allow",
      request({ "endorsement.crl_age": 108_000_000 }),
      "nearest change: endorsement.crl_age 30h -> 24h (a fresh CRL) would release the key\n",
    ],
    [
      "require measurement in m allow",
      request(),
      'nearest change: measurement 02020202… -> abababab… ("good 1.0.0") (another image) would release the key\n',
    ],
    [
      `require measurement != hex"${"02".repeat(48)}" allow`,
      request(),
      "nearest change: measurement 02020202… -> (any other value) (another image) would release the key\n",
    ],
    [
      "require has id_block.author_key allow",
      request(),
      "nearest change: id_block.author_key absent -> (any other value) (another ID block) would release the key\n",
    ],
    [
      "deny when guest.smt require host.tsme allow",
      request(),
      "nearest change: guest.smt true -> false (guest launched with another policy), host.tsme false -> true (host configuration) would release the key\n",
    ],
    [
      "require any { all { vmpl == 1, guest.debug }, host.tsme } allow",
      request(),
      "nearest change: host.tsme false -> true (host configuration) would release the key\n",
    ],
    [
      "require any { host.tsme, request.op == derive } allow",
      request(),
      "nearest change: request.op release -> derive (another request) would release the key\n",
    ],
    ["require vmpl == 0 require vmpl == 1 allow", request(), "nearest change: none\n"],
    ["allow", request({ "request.resource": "b" }), "nearest change: none\n"],
    [
      "valid 2026-11-01 .. 2026-12-01 allow",
      request(),
      "nearest change: none\nlater: the same request is released from 2026-11-01T00:00Z\n",
    ],
    ["valid 2026-01-01 .. 2026-02-01 allow", request(), "nearest change: none\n"],
    [
      "require now.hour in 14 .. 15 allow",
      request(),
      "nearest change: none\nlater: the same request is released from 2026-10-01T14:00Z\n",
    ],
    [
      'require approvals from "ops" >= 2 allow',
      request(),
      'nearest change: none\nwith people: approvals from "ops" 0 -> 2 would release the key\n',
    ],
    [
      'require any { approvals from "ops" >= 2, vmpl == 1 } allow',
      request(),
      'nearest change: vmpl 0 -> 1 (report asked for at another VMPL) would release the key\nwith people: approvals from "ops" 0 -> 2 would release the key\n',
    ],
    [
      'require has client.sans and client.sans contains "db-1" allow',
      request({ "client.sans": ["db-2"] }),
      'nearest change: client.sans "db-1" false -> true (another client certificate) would release the key\n',
    ],
    [
      "require has mitigations.launch and mitigations.launch contains bit 3 allow",
      request({
        "report.version": "5",
        "host.iommu_write_safe": true,
        "host.tio": false,
        "mitigations.launch": 1n,
        "mitigations.current": 1n,
      }),
      "nearest change: mitigations.launch bit 3 false -> true (host firmware update) would release the key\n",
    ],
  ];
  for (const [body, facts, text] of rows)
    it(body.slice(0, 90), () => expect(textFor(body, facts)).toBe(text));

  it("is given as JSON too, and shows no value that nobody wrote", () => {
    const program = snpProgram([
      `${SET}policy p { for resource "a/*" require has id_block.author_key allow }`,
    ]);
    expect(nearestJson(nearestChange(program, request(), SNP_VOCABULARY), [])).toEqual({
      changes: [
        { field: "id_block.author_key", from: "absent", to: "(any other value)", how: "another ID block" },
      ],
      later: null,
      approvals: null,
    });
  });

  it("proposes nothing when the budget is too small to know", () => {
    const program = snpProgram([
      'policy p { for resource "a/*" require vmpl == 1 require guest.debug allow }',
    ]);
    const none = { changes: undefined, later: undefined, approvals: undefined };
    for (const maxSteps of [2, 10_000]) {
      expect(nearestChange(program, request(), SNP_VOCABULARY, { maxNodes: 2, maxSteps })).toEqual(none);
    }
  });

  const flags = ["smt", "cxl", "debug", "migrate_ma", "single_socket"].map((name) => `guest.${name}`);
  const literal = fc
    .tuple(fc.constantFrom(...flags), fc.boolean())
    .map(([flag, is]) => (is ? flag : `not ${flag}`));
  const clause = fc.array(literal, { minLength: 1, maxLength: 3 }).map((all) => `any { ${all.join(", ")} }`);

  test.prop(
    [
      fc.array(clause, { minLength: 1, maxLength: 5 }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    ],
    {
      numRuns: 60,
    },
  )("changes as few fields as any request that is released", (clauses, values) => {
    const program = snpProgram([
      `policy p { for resource "a/*" ${clauses.map((one) => `require ${one}`).join(" ")} allow }`,
    ]);
    const facts = request(Object.fromEntries(flags.map((flag, at) => [flag, values[at]])));
    const distances = Array.from({ length: 32 }, (_, mask) => {
      const other = new Map(facts);
      for (const [at, flag] of flags.entries()) other.set(flag, ((mask >> at) & 1) === 1);
      const changed = flags.filter((flag) => other.get(flag) !== facts.get(flag)).length;
      return evaluate(program, other).isAllowed ? changed : Infinity;
    });
    const { changes } = nearestChange(program, facts, SNP_VOCABULARY);
    expect(changes?.length ?? Infinity).toBe(Math.min(...distances));
  });
});
