/** Does the solver understand the SEV-SNP vocabulary: axioms, floors by silicon, labels, calendars, addresses? */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import { brokenAxioms } from "../../../src/writ/solver/axioms.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import { itWithVectors, sharedDesign } from "../../support/shared-vectors.ts";
import { filesBelow, snpProgram } from "./snp.ts";

describe("the examples", () => {
  itWithVectors("each allow something, and the request that shows it breaks no axiom", () => {
    const folder = join(sharedDesign ?? "", "writ/examples");
    const names = readdirSync(folder).filter(
      (name) => name.endsWith(".writ") && !name.endsWith(".test.writ"),
    );
    expect(names).toHaveLength(9);
    for (const name of names) {
      const program = snpProgram(filesBelow(folder, [name]), folder);
      const space = openSpace([program], SNP_VOCABULARY);
      const allowed = space.allowed(program);
      const witness = space.witness(allowed);
      const grants = program.declarations.some(({ kind }) => kind === "policy");
      expect([name, space.isEmpty(allowed)]).toEqual([name, grants ? "no" : "yes"]);
      if (witness === undefined) continue;
      expect(brokenAxioms(witness.facts, SNP_VOCABULARY, program.refsets)).toEqual([]);
      expect([name, evaluate(program, witness.facts).isAllowed]).toEqual([name, true]);
      expect(space.contains(allowed, witness.facts)).toBe(true);
    }
  });
});

const ANY = 'policy p { for resource "a" allow }';

const LEVELS = "{ bootloader 4, tee 0, snp 24, microcode 219 }";

/** What follows under the axioms, and what does not. */
const IMPLIED: readonly (readonly [name: string, requires: string, follows: string, isImplied: boolean])[] = [
  ["v2 has no silicon", "report.version == 2", "not has silicon", true],
  ["v3 may have none", "report.version == 3", "has silicon", false],
  ["v5 has mitigations", "report.version == 5", "has mitigations.launch", true],
  ["v4 has none", "report.version == 4", "not has mitigations.launch", true],
  ["silicon implies product", "has silicon and silicon == siena", "product == genoa", true],
  [
    "silicon implies the family, product unseen",
    "has silicon and silicon == siena",
    "has cpu.family and cpu.family == 25",
    true,
  ],
  ["fmc exists on turin", "has tcb.launch.fmc", "product == turin", true],
  ["and only there", "product == milan", "not has tcb.launch.fmc", true],
  ["masked chip", "report.chip_masked", "not has report.chip_id", true],
  ["csp needs a VLEK", "has endorsement.csp", "endorsement.kind == vlek", true],
  ["csp_id comes with a VLEK", "endorsement.kind == vlek", "has endorsement.csp_id", true],
  ["a VLEK may be of an unknown provider", "endorsement.kind == vlek", "has endorsement.csp", false],
  ["reported is at most current", "tcb.reported.snp >= 20", "tcb.current.snp >= 20", true],
  ["current says nothing of reported", "tcb.current.snp >= 20", "tcb.reported.snp >= 20", false],
  ["committed is at most current", "tcb.committed.snp >= 20", "tcb.current.snp >= 15", true],
  ["nothing is said of launch", "tcb.launch.snp >= 20", "tcb.current.snp >= 20", false],
  [
    "not provisional: equal",
    "all { not firmware.provisional, tcb.current.snp >= 20 }",
    "tcb.committed.snp >= 20",
    true,
  ],
  [
    "provisional: committed may lag",
    "all { firmware.provisional, tcb.current.snp >= 20 }",
    "tcb.committed.snp >= 20",
    false,
  ],
  [
    "equal versions too",
    "all { not firmware.provisional, firmware.version >= 1.55 }",
    "firmware.committed_version >= 1.55",
    true,
  ],
  [
    "provisional: something differs",
    `all { product == milan, firmware.provisional, tcb.current == ${LEVELS}, firmware.version == 1.55, firmware.committed_version == 1.55 }`,
    `not (tcb.committed == ${LEVELS})`,
    true,
  ],
  [
    "provisional: anything may differ",
    `all { firmware.provisional, tcb.current.snp == 24, firmware.version == 1.55, firmware.committed_version == 1.55 }`,
    "not (tcb.committed.snp == 24)",
    false,
  ],
  ["the certificate's TCB is the reported one", "endorsement.tcb.snp >= 20", "tcb.reported.snp >= 20", true],
  ["a guest vTPM is not on raw evidence", "has vtpm.pcr[4]", "evidence.format in [azure-hcl, svsm]", true],
  ["a register that can be set back is never there", "has vtpm.pcr[16]", "vmpl in 4 .. 4", true],
  ["other registers are", "has vtpm.pcr[15]", "vmpl in 4 .. 4", false],
  ["a host vTPM only there", "has host_vtpm.secure_boot", "evidence.format == raw", true],
  ["a day of the week", "now in 2026-11-21 .. 2026-11-23", "now.weekday in [sat, sun]", true],
  ["but not of a longer time", "now in 2026-11-21 .. 2026-11-24", "now.weekday in [sat, sun]", false],
  ["hours of a short time", "now in 2026-11-21T08:00Z .. 2026-11-21T10:30Z", "now.hour in 8 .. 10", true],
  ["the last half hour counts", "now in 2026-11-21T08:00Z .. 2026-11-21T10:30Z", "now.hour in 8 .. 9", false],
  ["a label follows the measurement", "measurement in m", "has vm.vcpus and vm.vcpus <= 4", true],
  ["not every label", "measurement in m", "has vm.vcpus and vm.vcpus <= 2", false],
  ["no label without an entry", "has vm.vcpus", "measurement in m", true],
  ["networks nest", 'request.source within ["10.1.0.0/16"]', 'request.source within ["10.0.0.0/8"]', true],
  [
    "and are not equal",
    'request.source within ["10.0.0.0/8"]',
    'request.source within ["10.1.0.0/16"]',
    false,
  ],
  [
    "an IPv4 address is in no IPv6 network",
    'request.source within ["0.0.0.0/0"]',
    'not request.source within ["::/0"]',
    true,
  ],
  ["all addresses", 'request.source within ["0.0.0.0/0", "::/0"]', "vmpl >= 0", true],
  ["every address is in one of them", "vmpl >= 0", 'request.source within ["0.0.0.0/0", "::/0"]', true],
  [
    "bits",
    "has mitigations.launch and mitigations.launch contains bits [1, 3]",
    "has mitigations.launch and mitigations.launch contains bit 3",
    true,
  ],
  [
    "but not the other way",
    "has mitigations.launch and mitigations.launch contains bit 3",
    "has mitigations.launch and mitigations.launch contains bits [1, 3]",
    false,
  ],
  ["names", 'has client.sans and client.sans contains "a"', "has client.sans", true],
  ["versions", "firmware.version > 1.55.9", "firmware.version >= 1.55", true],
  ["approvals are counted from 0", 'approvals from "g" < 1', 'approvals from "g" == 0', true],
  [
    "a floor by silicon",
    "all { tcb.launch at least f, has silicon and silicon == siena }",
    "tcb.launch.microcode >= 27",
    true,
  ],
  ["a refused row", "tcb.launch at least f", "product != turin", true],
  [
    "a row by product where the silicon has none",
    "all { tcb.launch at least f, has silicon and silicon == genoa }",
    "tcb.launch.microcode >= 84",
    true,
  ],
  ["a product without a row", "tcb.launch at least f", "product == genoa", true],
  ["not at least: also where there is no row", "not (tcb.launch at least f)", "product != milan", false],
  ["enums are closed", "request.op != release", "request.op in [unwrap, derive, write]", true],
];

const HEAD = `refset m of measurement {
  "two" = hex"${"aa".repeat(48)}" vcpus 2
  "four" = hex"${"bb".repeat(48)}" vcpus 4
}
floor f {
  genoa { bootloader 0, tee 0, snp 23, microcode 84 }
  siena { bootloader 0, tee 0, snp 23, microcode 27 }
  turin refuse
}
`;

describe("implication under the axioms", () => {
  for (const [name, requires, follows, isImplied] of IMPLIED) {
    it(`${name}: ${requires} ${isImplied ? "implies" : "does not imply"} ${follows}`, () => {
      const left = snpProgram([`${HEAD}policy p { for resource "a" require ${requires} allow }`]);
      const right = snpProgram([`${HEAD}policy p { for resource "a" require ${follows} allow }`]);
      const space = openSpace([left, right], SNP_VOCABULARY);
      const [from, to] = [space.allowed(left), space.allowed(right)];
      expect(space.implies(from, to)).toBe(isImplied ? "yes" : "no");
      const witness = space.witness(space.without(from, to));
      expect(witness === undefined).toBe(isImplied);
      if (witness === undefined) return;
      expect(brokenAxioms(witness.facts, SNP_VOCABULARY, left.refsets)).toEqual([]);
      expect(evaluate(left, witness.facts).isAllowed).toBe(true);
      expect(evaluate(right, witness.facts).isAllowed).toBe(false);
    });
  }

  it("nobody's approval is 0 approvals, for the evaluator and for the solver", () => {
    const program = snpProgram([
      'policy p { for resource "a" allow deny when approvals from "g" >= 1 require approvals from "h" < 1 }',
    ]);
    const space = openSpace([program], SNP_VOCABULARY);
    const facts = new Map(SNP_VOCABULARY.ordinary["milan"]).set("request.resource", "a").set("now", 0);
    expect(facts.has("approvals:g")).toBe(false);
    expect(evaluate(program, facts).isAllowed).toBe(true);
    expect(space.contains(space.allowed(program), facts)).toBe(true);
  });

  it("everything follows from nothing else", () => {
    const program = snpProgram([ANY]);
    const space = openSpace([program], SNP_VOCABULARY);
    expect(space.isSame(space.allowed(program), space.everything)).toBe("no");
    expect(space.isEmpty(space.nothing)).toBe("yes");
  });
});
