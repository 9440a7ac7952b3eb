/** Do `test` and `assert` blocks say yes and no where they should? Over the SEV-SNP vocabulary (WRIT section 13). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Facts } from "../../src/writ/facts.ts";
import { formatSource } from "../../src/writ/formatting/format.ts";
import { coverageOf } from "../../src/writ/testing/coverage.ts";
import { prove } from "../../src/writ/testing/prove.ts";
import { lcovOf, renderCoverage, renderProof, renderRun } from "../../src/writ/testing/render.ts";
import { runTests } from "../../src/writ/testing/run.ts";
import { suggestTests } from "../../src/writ/testing/suggest.ts";
import { sharedDesign } from "../support/shared-vectors.ts";
import { digest } from "./toy.ts";

function compiled(text: string, files: Readonly<Record<string, string>> = {}) {
  const sources = Object.entries({ "a.writ": text, ...files }).map(([path, one]) => ({ path, text: one }));
  return compileSources(sources, { vocabulary: SNP_VOCABULARY, digest });
}

function sound(text: string) {
  const { program, tests, assertions, diagnostics, sources } = compiled(text);
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return { program, tests, assertions, sources };
}

const NO_REPORT = { vocabulary: SNP_VOCABULARY, report: () => undefined };

function ran(text: string, report: (path: string) => Facts | undefined = () => undefined) {
  const { program, tests } = sound(text);
  return runTests(program, tests, { vocabulary: SNP_VOCABULARY, report });
}

/** What became of the only test, or the last. */
function outcomeOf(text: string, report?: (path: string) => Facts | undefined) {
  const run = ran(text, report).at(-1);
  if (run === undefined) throw new Error("no test");
  const { outcome } = run;
  if (outcome.kind === "passed") return "passed";
  return outcome.kind === "failed" ? outcome.complaint : `${outcome.mistake.code} ${outcome.mistake.message}`;
}

const POLICY = `writ 1
module m version 1.0
refset s of measurement { "a" = hex"${"aa".repeat(48)}" vcpus 4 "old" = hex"${"bb".repeat(48)}" state revoked }
floor f { milan { bootloader 4, tee 0, snp 24, microcode 219 } genoa refuse }
policy p {
  for resource "x/*"
  require measurement in s else "not that image"
  require tcb.reported at least f else "old firmware"
  deny "debug" when guest.debug because "debug is on"
  allow "go" when request.op == release
  allow when request.op == write
  on release { token_ttl 2m max_releases 3 per report.id within 1h rate 2 per 1m notify "n" wrap hpke-xwing key_version >= 2 reattest every 1h audit summary }
}
policy q { for resource "y/*" allow "other" }
`;

const given = (settings: string, expectation: string, of = "p") =>
  `${POLICY}test "t" of ${of} { given ordinary milan { request.resource = "x/1", now = 2026-01-01, measurement = s["a"]${settings === "" ? "" : `, ${settings}`} } expect ${expectation} }`;

describe("a test", () => {
  it.each([
    ["a release", "", "allow"],
    ["a release by its label", "", 'allow by "go"'],
    [
      "every obligation",
      "",
      'allow with token_ttl 2m with max_releases 3 per report.id within 1h with rate 2 per 1m with notify "n" with wrap hpke-xwing with key_version >= 2 with reattest every 1h with audit summary',
    ],
    ["a refusal", "guest.debug = true", "deny"],
    ["the sentence of a deny", "guest.debug = true", 'deny because "debug is on"'],
    ["the sentence of a require", `measurement = hex"${"cc".repeat(48)}"`, 'deny because "not that image"'],
    ["one component", "tcb.committed.snp = 23", 'deny because "old firmware"'],
    ["a code", "request.op = derive", "deny because no-allow"],
    ["a revoked entry", 'measurement = s["old"]', 'deny because revoked s["old"]'],
    ["another scope", 'request.resource = "y/1"', "deny because no-policy"],
    ["a resource of the policy beside it", 'request.resource = "y/1"', 'allow by "other"', "p, q"],
  ] as const)("passes that expects %s", (_name, settings, expectation, of?: string) => {
    expect(outcomeOf(given(settings, expectation, of))).toBe("passed");
  });

  it.each([
    ["a release where it is refused", "guest.debug = true", "allow", /refused: denied/],
    ["a refusal where it is released", "", "deny", /released by "go" of p/],
    ["another label", "", 'allow by "stop"', /by "stop", and it is by "go"/],
    ["another lifetime", "", "allow with token_ttl 1m", /expected token_ttl 1m/],
    ["another count", "", "allow with max_releases 4 per report.id within 1h", /max_releases 4/],
    ["another wrap", "", "allow with wrap hpke-x25519", /wrap hpke-x25519/],
    ["another sentence", "guest.debug = true", 'deny because "no"', /because "debug is on" \(denied\)/],
    ["another code", "guest.debug = true", "deny because no-allow", /`no-allow`, and it is `denied`/],
    ["another entry", 'measurement = s["old"]', 'deny because revoked s["a"]', /entry "a" of s/],
  ])("fails that expects %s, and says what came", (_name, settings, expectation, complaint) => {
    const text = given(settings, expectation);
    expect(outcomeOf(text)).toMatch(complaint);
    const [run] = ran(text);
    expect(run === undefined ? "" : renderRun(run)).toMatch(/^FAILED {2}"t" {3}a\.writ:/);
  });

  it("runs what it names alone: another policy's deny does not reach it", () => {
    const text = given("", "allow").replace(
      "policy q {",
      'guard g { for resource "**" deny when vmpl == 0 }\npolicy q {',
    );
    expect(outcomeOf(text)).toBe("passed");
    expect(outcomeOf(text.replace("of p {", "of p, g {"))).toMatch(/refused: guard-failed|refused: denied/);
  });
});

/** What a test sees: each row names a field and the value that makes a policy release. */
const derived = (settings: string, condition: string, product = "milan") =>
  `writ 1\npolicy p { for resource "x"\nallow when ${condition} }\ntest "t" of p { given ordinary ${product} { request.resource = "x", now = 2026-10-03T07:30Z${settings} } expect allow }`;

describe("what follows from what a test sets", () => {
  const OLD = "{ bootloader 3, tee 0, snp 8, microcode 115 }";
  it.each([
    ["tcb.current from tcb.committed", `, tcb.committed = ${OLD}`, `tcb.current == ${OLD}`],
    ["tcb.reported from tcb.committed", `, tcb.committed = ${OLD}`, `tcb.reported == ${OLD}`],
    ["endorsement.tcb from tcb.reported", `, tcb.reported = ${OLD}`, `endorsement.tcb == ${OLD}`],
    ["tcb.launch from nothing", `, tcb.committed = ${OLD}`, "tcb.launch.snp == 24"],
    [
      "firmware.provisional from the TCBs",
      `, tcb.committed = ${OLD}, tcb.current.snp = 24, tcb.reported = ${OLD}`,
      "firmware.provisional",
    ],
    ["firmware.provisional from the versions", ", firmware.version = 1.56", "firmware.provisional"],
    [
      "no cpu in a v2 report",
      ", report.version = 2",
      "not has cpu.family and not has silicon and not has host.alias_check",
    ],
    [
      "what a v5 report has",
      ", report.version = 5",
      "has host.tio and not host.tio and has host.iommu_write_safe and not host.iommu_write_safe and has mitigations.launch",
    ],
    ["no chip id under a mask", ", report.chip_masked = true", "not has report.chip_id"],
    ["weekday and hour from now", "", "now.weekday == sat and now.hour == 7"],
    [
      "a setting over what would follow",
      `, tcb.committed = ${OLD}, tcb.current.snp = 24`,
      "tcb.current.snp == 24",
    ],
  ])("%s", (_name, settings, condition) => {
    expect(outcomeOf(derived(settings, condition))).toBe("passed");
    expect(outcomeOf(derived(settings, `none { ${condition} }`))).toMatch(/refused/);
  });

  it("goes without v5 fields on a Turin host that reports v3", () => {
    expect(
      outcomeOf(derived(", report.version = 3", "not has host.tio and not has mitigations.launch", "turin")),
    ).toBe("passed");
  });

  it("labels the request with the vCPUs of its reference value", () => {
    const text = given("", "allow").replace(
      'allow "go" when request.op == release',
      'allow "go" when has vm.vcpus and vm.vcpus == 4',
    );
    expect(outcomeOf(text)).toBe("passed");
  });

  it("starts from the platform that the policies name", () => {
    const text = (platform: string, condition: string) =>
      derived("", condition).replace('for resource "x"', `for resource "x"\nplatform ${platform}`);
    expect(outcomeOf(text("aws", 'has endorsement.csp and endorsement.csp == "aws"'))).toBe("passed");
    expect(outcomeOf(text("azure", "evidence.format == azure-hcl"))).toBe("passed");
    expect(outcomeOf(text("gcp", "guest.migrate_ma"))).toBe("passed");
  });

  it("takes over what another test sets, not what followed there", () => {
    const like = `${derived("", "tcb.current.snp == 9")}\ntest "u" of p { given like "t" { tcb.committed.snp = 9 } expect allow }`;
    expect(outcomeOf(like)).toBe("passed");
  });

  it("starts from a report where it names one", () => {
    const facts = new Map([...(SNP_VOCABULARY.ordinary["genoa"] ?? [])]);
    const text = `writ 1\npolicy p { for resource "x"\nallow when product == genoa }\ntest "t" of p { given report "r.bin" { request.resource = "x", now = 2026-01-01 } expect allow }`;
    expect(outcomeOf(text, (path) => (path === "r.bin" ? facts : undefined))).toBe("passed");
    expect(outcomeOf(text)).toMatch(/^E0902 there is no report/);
  });
});

describe("a request that cannot be", () => {
  const ENDORSED = `uefi.endorsed_by = google, uefi.svn = 1, uefi.digest = hex"${"07".repeat(48)}"`;
  const BROKEN = [
    ["a v2 report with a cpu", "report.version = 2, cpu.family = 25"],
    ["v5 fields in a v3 report", "host.tio = false"],
    ["a v5 report without them", "report.version = 5, host.tio = absent"],
    ["milan silicon of another product", "product = genoa"],
    ["genoa silicon of another product", "silicon = genoa"],
    ["turin silicon of another product", "silicon = turin"],
    ["another cpu family than milan's", "cpu.family = 26"],
    ["another cpu model than milan's", "cpu.model = 17"],
    ["another cpu family than genoa's", "product = genoa, silicon = absent, cpu.family = 26"],
    ["another cpu model than genoa's", "product = genoa, silicon = absent"],
    ["another cpu family than turin's", "product = turin, silicon = absent"],
    ["another cpu model than turin's", "product = turin, silicon = absent, cpu.family = 26, cpu.model = 18"],
    ["components of another product", "tcb.committed = { fmc 1, bootloader 1, tee 1, snp 3, microcode 75 }"],
    ["an endorsement of another TCB", "endorsement.tcb = { bootloader 9, tee 9, snp 9, microcode 9 }"],
    ["reported above current", "tcb.current.snp = 20"],
    ["committed above current", "tcb.current.snp = 20, tcb.reported.snp = 20"],
    ["firmware that is not provisional and differs", "firmware.version = 1.99, firmware.provisional = false"],
    ["a chip id under a mask", `report.chip_masked = true, report.chip_id = hex"${"03".repeat(64)}"`],
    ["no chip id without a mask", "report.chip_id = absent"],
    ["a provider under a VCEK", 'endorsement.csp = "aws"'],
    ["no provider's id under a VLEK", "endorsement.kind = vlek"],
    ["a PCR that says nothing", `evidence.format = azure-hcl, vtpm.pcr[16] = hex"${"00".repeat(32)}"`],
    [
      "a PCR that an SVSM's guest sets back",
      `evidence.format = svsm, vtpm.pcr[17] = hex"${"00".repeat(32)}"`,
    ],
    ["a guest's vTPM with raw evidence", "vtpm.secure_boot = true"],
    ["a host's vTPM with a guest's", "evidence.format = azure-hcl, host_vtpm.secure_boot = true"],
    ["a firmware's word with a paravisor's evidence", `evidence.format = azure-hcl, ${ENDORSED}`],
    ["a firmware's word that is not whole", "uefi.endorsed_by = google"],
    ["a firmware's version by nobody's word", "uefi.svn = 1"],
    ["a posture that is not whole", "posture.age = 0s"],
    ["a kernel by nobody's word", "posture.kernel = 6.12"],
    ["other vCPUs than the reference value's", "vm.vcpus = 8"],
    ["another weekday", "now.weekday = sun"],
  ] as const;

  it.each(BROKEN)("is E0901: %s", (_name, settings) => {
    expect(outcomeOf(given(settings, "allow"))).toMatch(/^E0901 no request is like this/);
  });

  it("is told of every axiom of the vocabulary, each by its own sentence", () => {
    const told = BROKEN.map(([, settings]) => outcomeOf(given(settings, "allow")));
    expect(told).toEqual(SNP_VOCABULARY.axioms.map(({ text }) => `E0901 no request is like this: ${text}`));
  });

  it("is E0901 without a resource or a time", () => {
    const text = (settings: string) =>
      `${POLICY}test "t" of p { given ordinary milan { ${settings} } expect deny }`;
    expect(outcomeOf(text("now = 2026-01-01"))).toMatch(/^E0901 .*request\.resource/);
    expect(outcomeOf(text('request.resource = "x/1"'))).toMatch(/^E0901 .*`now`/);
  });
});

describe("a broken test", () => {
  const test = (of: string, body: string) => `${POLICY}test "t" of ${of} { ${body} }`;
  it.each([
    ["E0902", "an unknown policy", test("z", "given ordinary milan expect deny")],
    ["E0902", "an unknown entry", test("p", 'given { measurement = s["zz"] } expect deny')],
    ["E0304", "an unknown product", test("p", "given ordinary rome expect deny")],
    ["E0304", "an unknown code", test("p", "given expect deny because nonsense")],
    ["E0309", "an unknown set", test("p", 'given { measurement = t["a"] } expect deny')],
    ["E0311", "a set of another field", test("p", 'given { host_data = s["a"] } expect deny')],
    ["E0301", "an unknown field", test("p", "given { nonsense = 1 } expect deny")],
    ["E0302", "a flag that is no truth", test("p", "given { guest.debug = 1 } expect deny")],
    ["E0302", "a list for a digest", test("p", 'given { measurement = [hex"00"] } expect deny')],
    ["E0206", "an address that is none", test("p", 'given { request.source = "x" } expect deny')],
    ["E0313", "half a vector", test("p", "given { tcb.committed = { snp 1 } } expect deny")],
    ["E0901", "the absence of what is always there", test("p", "given { measurement = absent } expect deny")],
    ["E0405", "a title twice", `${test("p", "given expect deny")}\ntest "t" of p { given expect deny }`],
    ["E0301", "an assertion about an unknown field", `${POLICY}assert never { nonsense } allows "**"`],
    ["E0902", "an assertion about an unknown policy", `${POLICY}assert z satisfiable`],
  ])("is %s for %s", (code, _name, text) => {
    const errors = compiled(text).diagnostics.filter(({ severity }) => severity === "error");
    expect(errors.map((one) => one.code)).toEqual([code]);
  });

  it("is told at run time where it is like itself or like nothing", () => {
    const loop = `${test("p", 'given like "u" expect deny')}\ntest "u" of p { given like "t" expect deny }`;
    expect(outcomeOf(loop)).toMatch(/^E0902 "u" is like itself/);
    expect(outcomeOf(test("p", 'given like "none" expect deny'))).toMatch(/^E0902 this file has no test/);
    const chain = Array.from(
      { length: 150 },
      (_, i) => `test "t${i}" of p { given like "t${i + 1}" expect deny }`,
    );
    expect(outcomeOf(`${POLICY}${chain.reverse().join("\n")}`)).toMatch(/^E0902 more than 100/);
  });
});

describe("an assertion", () => {
  const proofsOf = (text: string, limits = {}) => {
    const { program, assertions } = sound(text);
    return { program, proofs: prove(program, assertions, SNP_VOCABULARY, limits) };
  };
  const kinds = (claims: string) => proofsOf(`${POLICY}${claims}`).proofs.map(({ kind }) => kind);

  it("is proved over all requests, or refuted by one that the evaluator confirms", () => {
    expect(kinds('assert never { guest.debug } allows "x/*"\nassert p satisfiable')).toEqual([
      "proved",
      "proved",
    ]);
    const { program, proofs } = proofsOf(`${POLICY}assert never { guest.debug } allows "**"`);
    const [proof] = proofs;
    if (proof?.kind !== "refuted") throw new Error("policy q lets debug guests in");
    expect(proof.by?.decision.isAllowed).toBe(true);
    expect(proof.by?.facts.get("guest.debug")).toBe(true);
    expect(renderProof(proof, program, SNP_VOCABULARY)).toContain("REFUTED");
  });

  it("is about every policy, also one that the file does not import", () => {
    expect(kinds('assert never { request.op == release } allows "y/*"')).toEqual(["refuted"]);
  });

  it("counts unknown as the condition: what cannot be excluded must not be allowed", () => {
    expect(kinds('assert never { host.tio } allows "x/*"')).toEqual(["refuted"]);
    const guarded = POLICY.replace("policy p {", "policy p {\nrequire has host.tio and not host.tio");
    const { proofs } = proofsOf(`${guarded}assert never { host.tio } allows "x/*"`);
    expect(proofs.map(({ kind }) => kind)).toEqual(["proved"]);
  });

  it("compares policies and finds the one that can release nothing", () => {
    const more = `${POLICY}policy r { for resource "y/*"\nrequire vmpl == 0\nallow }\npolicy never { for resource "z"\nrequire vmpl == 0\nrequire vmpl == 1\nallow }\n`;
    const { program, proofs } = proofsOf(
      `${more}assert r implies q\nassert q implies r\nassert q equivalent q\nassert q equivalent r\nassert never satisfiable`,
    );
    expect(proofs.map(({ kind }) => kind)).toEqual(["proved", "refuted", "proved", "refuted", "refuted"]);
    expect(proofs.map((proof) => renderProof(proof, program, SNP_VOCABULARY) === "")).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it("that is not decided within the budget is not proved", () => {
    const many = Array.from(
      { length: 12 },
      (_, i) => `all { vmpl == ${i}, id_block.guest_svn == ${11 - i} }`,
    ).join(", ");
    const text = `writ 1\npolicy p { for resource "x"\nallow when any { ${many} } }\nassert never { guest.debug } allows "x"`;
    const { program, proofs } = proofsOf(text, { maxNodes: 2, maxSteps: 1 });
    expect(proofs.map(({ kind }) => kind)).toEqual(["not-decided"]);
    expect(proofs.map((proof) => renderProof(proof, program, SNP_VOCABULARY)).join("")).toContain(
      "NOT DECIDED",
    );
  });
});

describe("coverage", () => {
  const covered = (text: string) => {
    const { program, tests, sources } = sound(text);
    return coverageOf(program, runTests(program, tests, NO_REPORT), sources);
  };

  it("counts each clause both ways, each entry and each row", () => {
    const { rows, ways, seen } = covered(given("", "allow"));
    expect(rows.map(({ kind, text, missing }) => [kind, text.slice(0, 24), missing.join()])).toEqual([
      ["require", "require measurement in s", "false"],
      ["require", "require tcb.reported at ", "false"],
      ["allow", 'allow "go" when request.', "does not fire"],
      ["allow", "allow when request.op ==", "fires"],
      ["deny", 'deny "debug" when guest.', "fires"],
      ["entry", '"a"', ""],
      ["entry", '"old"', "used"],
      ["row", "milan", ""],
      ["row", "genoa", "seen"],
    ]);
    expect({ ways, seen }).toEqual({ ways: 14, seen: 7 });
  });

  it("is whole when the tests show everything, and says so", () => {
    const one = (title: string, settings: string, expectation: string, product = "milan") =>
      `test "${title}" of p { given ordinary ${product} { request.resource = "x/1", now = 2026-01-01, measurement = s["a"]${settings} } expect ${expectation} }`;
    const coverage = covered(
      [
        POLICY,
        one("1", "", "allow"),
        one("2", ", request.op = write, guest.debug = true", "deny"),
        one("3", ', measurement = s["old"], tcb.committed.snp = 1', "deny"),
        one("4", "", "deny", "genoa"),
      ].join("\n"),
    );
    expect(renderCoverage(coverage)).toBe("coverage 100 % (14 of 14)\n");
  });

  it("is written for lcov with a branch for each way", () => {
    const text = lcovOf(covered(given("", "allow")));
    expect(text).toContain("SF:a.writ\n");
    expect(text).toContain("DA:7,1\nBRDA:7,0,0,1\nBRDA:7,0,1,0\n");
    expect(text.match(/end_of_record/g)).toHaveLength(1);
  });
});

describe("suggested tests", () => {
  /** The tests of a text with those that are suggested beside them. */
  const completed = (
    text: string,
    files: readonly { readonly path: string; readonly text: string }[] = [],
  ) => {
    const compile = (main: string) => {
      const made = compileSources([{ path: "a.writ", text: main }], {
        vocabulary: SNP_VOCABULARY,
        digest,
        files: (path) => utf8(files.find((one) => one.path === path)?.text ?? ""),
      });
      const { program, tests, sources, diagnostics } = made;
      if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
      const runs = runTests(program, tests, NO_REPORT);
      return { program, runs, sources, coverage: coverageOf(program, runs, sources) };
    };
    const { program, sources, coverage } = compile(text);
    const found = suggestTests(program, coverage, {
      vocabulary: SNP_VOCABULARY,
      sources,
      sets: program.refsets,
    });
    const added = found.suggested.map((one) => one.text).join("\n");
    return { found, added, after: compile(`${text}\n${added}`) };
  };

  it("close every gap that a request can close, pass, and are in the one form", () => {
    const { found, added, after } = completed(given("", "allow"));
    expect(found.open).toEqual([]);
    expect(after.runs.map(renderRun).join("")).toBe("");
    expect(renderCoverage(after.coverage)).toBe("coverage 100 % (14 of 14)\n");
    expect(formatSource("a.writ", `writ 1\n${added}`).text).toBe(`writ 1\n${added}`);
  });

  it("expect a refusal by the words of its clause, or by its code where the clause has none", () => {
    const plain = given("", "allow").replace(
      "require measurement in s",
      "require host.smt\nrequire measurement in s",
    );
    const worded = plain.replace("require host.smt", 'require host.smt else "threads are off"');
    expect(completed(plain).added).toMatch(
      /host\.smt = false,[^}]*\}\s*expect deny because require-failed\n/,
    );
    expect(completed(worded).added).toContain('expect deny because "threads are off"');
  });

  it("leave open what no request shows: that is for a lint to say", () => {
    const text = given("", "allow").replace(
      "require measurement in s",
      "require vmpl <= 255\nrequire measurement in s",
    );
    const { found } = completed(text);
    expect(found.open.map(({ row, way }) => [row.text, way])).toEqual([["require vmpl <= 255", "false"]]);
  });

  it.skipIf(sharedDesign === undefined)("complete every tested example (of ../shared/design)", () => {
    for (const name of TESTED) {
      const files = readdirSync(join(folder ?? "", "refs")).map((one) => `refs/${one}`);
      const beside = [...files, ...readdirSync(folder ?? "").filter((one) => one.endsWith(".writ"))];
      const read = (path: string) => readFileSync(join(folder ?? "", path), "utf8");
      const { found, after } = completed(
        read(name),
        beside.map((path) => ({ path, text: read(path) })),
      );
      expect(found.open, name).toEqual([]);
      expect(after.runs.map(renderRun).join(""), name).toBe("");
      expect(after.coverage.seen, name).toBe(after.coverage.ways);
    }
  });
});

const folder = sharedDesign === undefined ? undefined : join(sharedDesign, "writ/examples");
const TESTED = folder === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith(".test.writ"));

describe.skipIf(folder === undefined)("the examples (of ../shared/design)", () => {
  it.each(TESTED)("%s passes, and every assertion of it is proved", (name) => {
    const read = (path: string) => readFileSync(join(folder ?? "", path));
    const { program, tests, assertions, diagnostics } = compileSources([{ path: name, text: read(name) }], {
      vocabulary: SNP_VOCABULARY,
      digest,
      files: read,
    });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    if (program === undefined) throw new Error("unreachable");
    expect(tests.length).toBeGreaterThan(3);
    expect(runTests(program, tests, NO_REPORT).map(renderRun).join("")).toBe("");
    expect(prove(program, assertions, SNP_VOCABULARY).map(({ kind }) => kind)).toEqual(
      assertions.map(() => "proved"),
    );
  });
});
