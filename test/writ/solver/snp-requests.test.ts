/** Do solver and evaluator say the same of SEV-SNP requests? Random programs over every type of field, requests at their edges. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Facts, FactValue } from "../../../src/writ/facts.ts";
import { brokenAxioms } from "../../../src/writ/solver/axioms.ts";
import { labelledFacts } from "../../../src/writ/solver/settle.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import { snpProgram } from "./snp.ts";

/** Everyday, and in the nightly run. */
const RUNS = process.env["SLOW"] === undefined ? 60 : 4000;
const TIMEOUT_MS = 1_200_000;

const DIGESTS = ["aa", "bb", "cc", "dd"].map((byte) => byte.repeat(48));
const HEAD = `refset m of measurement {
  "one" = hex"${DIGESTS[0]}" vcpus 1 valid 2026-01-01 .. 2026-07-01 version 1.0
  "two" = hex"${DIGESTS[1]}" vcpus 4 state retiring version 1.2
  "gone" = hex"${DIGESTS[2]}" vcpus 2 state revoked
}
floor f {
  milan { bootloader 4, tee 0, snp 23, microcode 219 }
  milan-x { bootloader 4, tee 0, snp 23, microcode 68 }
  genoa { bootloader 9, tee 0, snp 22, microcode 84 }
  siena refuse
}
`;

const ATOMS = [
  "measurement in m",
  "measurement in m where version >= 1.1",
  `measurement == hex"${DIGESTS[3]}"`,
  "tcb.committed at least f",
  "tcb.reported at least f",
  "endorsement.tcb at least { snp 23 }",
  "tcb.current.snp > 22",
  "tcb.launch == { bootloader 4, tee 0, snp 24, microcode 219 }",
  "has tcb.launch.fmc and tcb.launch.fmc >= 1",
  "firmware.provisional",
  "firmware.version in 1.50 .. 1.55",
  "guest.debug",
  "has host.alias_check and host.alias_check",
  "has mitigations.current and mitigations.current contains bits [0, 2]",
  "report.version in [3, 4]",
  "product == milan",
  "has silicon and silicon in [milan, siena]",
  "has cpu.model and cpu.model <= 17",
  "report.chip_masked",
  "has report.chip_id",
  'has endorsement.csp and endorsement.csp == "aws"',
  "endorsement.kind == vlek",
  "endorsement.crl_age <= 24h",
  'request.source within ["192.0.2.0/24", "2001:db8::/32"]',
  'has client.sans and client.sans contains "a"',
  'has client.tenant and client.tenant != "t"',
  "has vm.vcpus and vm.vcpus in 1 .. 2",
  "now < 2026-06-01",
  "now.weekday in [sat, sun]",
  "now.hour in 8 .. 17",
  'approvals from "g" >= 1',
  'broker.region in ["eu", "test"]',
  "evidence.format != raw",
  `has vtpm.pcr[4] and vtpm.pcr[4] == hex"${"11".repeat(32)}"`,
  "vmpl == 0",
] as const;

const atom = fc.constantFrom(...ATOMS).map((one) => `(${one})`);
const condition = fc.oneof(
  atom,
  atom.map((one) => `not ${one}`),
  fc
    .tuple(fc.constantFrom("any", "all", "none"), fc.array(atom, { minLength: 2, maxLength: 3 }))
    .map(([kind, members]) => `${kind} { ${members.join(", ")} }`),
);
const policy = fc
  .tuple(
    fc.constantFrom("a/*", "a/b", "**"),
    fc.constantFrom("", "valid 2026-01-01 .. 2026-06-01"),
    fc.array(
      condition.map((one) => `require ${one}`),
      { maxLength: 2 },
    ),
    fc.array(
      condition.map((one) => `allow when ${one}`),
      { minLength: 1, maxLength: 2 },
    ),
    fc.array(
      condition.map((one) => `deny when ${one}`),
      { maxLength: 1 },
    ),
  )
  .map(([where, valid, ...clauses]) => [`for resource "${where}"`, valid, ...clauses.flat()].join("\n"));
const source = fc
  .array(policy, { minLength: 1, maxLength: 3 })
  .map((all) => HEAD + all.map((body, at) => `policy p${at} {\n${body}\n}\n`).join(""));

const at = (text: string): number => Date.parse(text) / 1000;
const levels = (snp: number, microcode = 219): FactValue => ({ bootloader: 4, tee: 0, snp, microcode });

/** What may be otherwise than ordinary; values at the edges of the atoms above. */
const CHANGES: Readonly<Record<string, readonly (FactValue | undefined)[]>> = {
  measurement: DIGESTS,
  "tcb.committed": [levels(22), levels(23), levels(24), levels(23, 68), levels(23, 67)],
  "tcb.reported": [levels(22), levels(23)],
  "tcb.current": [levels(22), levels(23), levels(25)],
  "tcb.launch": [levels(0), levels(23), levels(24)],
  "firmware.version": [
    [1, 49, 9],
    [1, 50, 0],
    [1, 55, 1],
  ],
  "firmware.provisional": [true, false],
  "guest.debug": [true],
  "host.alias_check": [true, false],
  "mitigations.current": [0n, 1n, 5n, 7n],
  "report.version": ["3", "4"],
  silicon: ["milan", "milan-x", undefined],
  "report.chip_masked": [true],
  "report.chip_id": [undefined],
  "endorsement.kind": ["vlek"],
  "endorsement.csp_id": ["CN=cc-eu-1.amazonaws.com"],
  "endorsement.csp": ["aws", "other"],
  "endorsement.crl_age": [86_400_000, 86_400_001],
  "request.source": ["192.0.2.255", "192.0.3.0", "2001:db8::1", "2001:db9::", "::ffff:192.0.2.7"],
  "client.sans": [[], ["a"], ["b", "a"]],
  "client.tenant": ["t", "u"],
  "approvals:g": [0, 1, 2],
  "broker.region": ["eu", "us"],
  "evidence.format": ["svsm"],
  "vtpm.pcr[4]": ["11".repeat(32), "22".repeat(32)],
  vmpl: [1],
  "request.resource": ["a/b", "a/c", "z"],
  now: ["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-05-30T07:59:59Z", "2026-06-06T12:00:00Z"].map(
    at,
  ),
};

const request = fc
  .tuple(
    fc.constantFrom("milan", "genoa", "turin"),
    fc.array(fc.tuple(fc.constantFrom(...Object.keys(CHANGES)), fc.nat(6)), { maxLength: 12 }),
  )
  .map(([product, changes]) => {
    const facts = new Map(SNP_VOCABULARY.ordinary[product])
      .set("request.resource", "a/b")
      .set("now", at("2026-05-30T12:00:00Z"))
      .set("approvals:g", 0);
    for (const [field, n] of changes) {
      const values = CHANGES[field] ?? [];
      const value = values[n % values.length];
      if (value === undefined) facts.delete(field);
      else facts.set(field, value);
    }
    return mended(facts);
  });

/** What follows from the rest is made to follow; what contradicts an axiom all the same is left out. */
function mended(facts: Map<string, FactValue>): Facts {
  const now = new Date(Number(facts.get("now")) * 1000);
  facts.set("now.weekday", ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][now.getUTCDay()] ?? "");
  facts.set("now.hour", now.getUTCHours());
  facts.set("endorsement.tcb", facts.get("tcb.reported") ?? {});
  const isSame = (a: string, b: string): boolean =>
    JSON.stringify(facts.get(a)) === JSON.stringify(facts.get(b));
  const isEven =
    isSame("tcb.committed", "tcb.current") && isSame("firmware.version", "firmware.committed_version");
  facts.set("firmware.provisional", !isEven);
  return facts;
}

describe("a request that the axioms permit", { timeout: TIMEOUT_MS }, () => {
  test.prop([source, fc.array(request, { minLength: 60, maxLength: 60 })], {
    numRuns: RUNS,
  })("is in the allowed set exactly if the evaluator allows it", (text, requests) => {
    const program = snpProgram([text]);
    const space = openSpace([program], SNP_VOCABULARY);
    const allowed = space.allowed(program);
    for (const facts of requests) {
      const labelled = labelledFacts(facts, SNP_VOCABULARY, program.refsets);
      if (brokenAxioms(labelled, SNP_VOCABULARY, program.refsets).length > 0) continue;
      expect(space.contains(allowed, labelled)).toBe(evaluate(program, labelled).isAllowed);
    }
  });

  test.prop([source, source], { numRuns: RUNS })(
    "shows each difference of two programs, breaks no axiom, and is judged as claimed",
    (older, newer) => {
      const [left, right] = [snpProgram([older]), snpProgram([newer])];
      const space = openSpace([left, right], SNP_VOCABULARY);
      const only = space.without(space.allowed(right), space.allowed(left));
      const witness = space.witness(only);
      expect(witness === undefined).toBe(space.isEmpty(only) === "yes");
      if (witness === undefined) return;
      expect(brokenAxioms(witness.facts, SNP_VOCABULARY, left.refsets).map(({ text }) => text)).toEqual([]);
      expect(space.contains(only, witness.facts)).toBe(true);
      expect([left, right].map((program) => evaluate(program, witness.facts).isAllowed)).toEqual([
        false,
        true,
      ]);
    },
  );
});
