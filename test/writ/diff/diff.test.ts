/** Does a comparison say what a change does, and show requests that the evaluator judges as it says? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { renderDiagnostic } from "../../../src/writ/diagnostics/render.ts";
import { moduleChanges } from "../../../src/writ/diff/attribution.ts";
import { diffPrograms } from "../../../src/writ/diff/diff.ts";
import { exampleIn } from "../../../src/writ/diff/example.ts";
import { expiriesOf } from "../../../src/writ/diff/expiry.ts";
import { wideningErrors } from "../../../src/writ/diff/gate.ts";
import { diffJson, expiriesJson } from "../../../src/writ/diff/json.ts";
import { renderDiff, renderExpiries } from "../../../src/writ/diff/render.ts";
import { moduleChange } from "../../../src/writ/diff/versions.ts";
import { openSpace } from "../../../src/writ/solver/space.ts";
import { itWithVectors, sharedDesign } from "../../support/shared-vectors.ts";
import { snpProgram } from "../solver/snp.ts";
import { digest } from "../toy.ts";

const EXAMPLES = join(sharedDesign ?? "", "writ/examples");

function policy(body: string, name = "p"): string {
  return `policy ${name} {\n  for resource "a/*"\n  ${body}\n}\n`;
}

function compare(older: string, newer: string, options = {}) {
  return diffPrograms({ older: snpProgram([older]), newer: snpProgram([newer]) }, SNP_VOCABULARY, options);
}

const NAMES = { older: "old", newer: "new" };

function textOf(older: string, newer: string): string {
  return renderDiff(compare(older, newer), { names: NAMES, changes: [], isFull: true });
}

function sideOf(path: string, text: string) {
  const files = new Map([[path, text]]);
  const beside = (name: string) => Uint8Array.from(readFileSync(join(EXAMPLES, name)));
  const compilation = compileSources([{ path, text }], { vocabulary: SNP_VOCABULARY, digest, files: beside });
  const { program } = compilation;
  if (program === undefined) throw new Error("it does not compile");
  return { compilation, files, program };
}

describe("golden texts", () => {
  itWithVectors("are those of WRIT section 14, to the byte", () => {
    const design = readFileSync(join(sharedDesign ?? "", "writ/WRIT.md"), "utf8");
    const section = design.slice(design.indexOf("## 14. Diff"));
    const [, expected = ""] = /```text\n\$ [^\n]*\n([\s\S]*?)```/.exec(section) ?? [];
    const live = readFileSync(join(EXAMPLES, "3-blue-green.writ"), "utf8");
    const changed = live
      .replace("version 5.0.0 {", "version 5.1.0 {")
      .replace("none { guest.debug, ", "none { ");
    const pair = { older: sideOf("3-blue-green.writ", live), newer: sideOf("3-blue-green.writ", changed) };
    const diff = diffPrograms({ older: pair.older.program, newer: pair.newer.program }, SNP_VOCABULARY);
    const changes = moduleChanges(pair, diff, { vocabulary: SNP_VOCABULARY, digest });
    const names = { older: "5.0.0", newer: "5.1.0" };
    expect(renderDiff(diff, { names, changes, isFull: false })).toBe(expected);
    expect(expected).toContain("WIDENS.");
  });

  itWithVectors("are that of E0801, to the byte", () => {
    const messages = readFileSync(join(sharedDesign ?? "", "writ/MESSAGES.md"), "utf8");
    const section = messages.slice(messages.indexOf("## 20. E0801"));
    const [, body = ""] = /```writ\n([\s\S]*?)```/.exec(section) ?? [];
    const [, expected = ""] = /```text\n([\s\S]*?)```/.exec(section) ?? [];
    const head = "writ 1\nmodule acme.demo version 3.3.0 { widening review }\n\n";
    const lines = body.trimEnd().replaceAll(/^/gm, "  ");
    const newer = `${head}policy luks-root {\n  for resource "prod/luks/*"\n${lines}\n}\n`;
    const older = newer.replace("3.3.0", "3.2.0").replace("vmpl <= 1", "vmpl == 0");
    const pair = { older: sideOf("disk.writ", older), newer: sideOf("disk.writ", newer) };
    const diff = diffPrograms({ older: pair.older.program, newer: pair.newer.program }, SNP_VOCABULARY);
    const changes = moduleChanges(pair, diff, { vocabulary: SNP_VOCABULARY, digest });
    const errors = wideningErrors(pair, diff, changes);
    expect(errors.map((one) => renderDiagnostic(one, newer))).toEqual([expected]);
  });
});

describe("verdicts", () => {
  const rows: readonly (readonly [name: string, older: string, newer: string, verdict: string])[] = [
    ["the same", "allow", "allow", "equivalent"],
    ["other words", "require vmpl < 1 allow", "require vmpl == 0 allow", "equivalent"],
    [
      "another order",
      "require vmpl == 0 deny when guest.debug allow",
      "deny when guest.debug require vmpl == 0 allow",
      "equivalent",
    ],
    ["a require more", "allow", "require vmpl == 0 allow", "narrows"],
    ["a deny more", "allow", "deny when guest.debug allow", "narrows"],
    ["a require less", "require vmpl == 0 allow", "allow", "widens"],
    ["another value", "require vmpl == 0 allow", "require vmpl == 1 allow", "both"],
    [
      "a raised floor",
      "require tcb.committed at least { snp 20 } allow",
      "require tcb.committed at least { snp 21 } allow",
      "narrows",
    ],
    [
      "a shorter window",
      "valid 2026-01-01 .. 2027-01-01 allow",
      "valid 2026-01-01 .. 2026-07-01 allow",
      "narrows",
    ],
    [
      "what a floor says already",
      "require tcb.committed.snp >= 20 allow",
      "require tcb.committed.snp >= 20 require tcb.current.snp >= 20 allow",
      "equivalent",
    ],
  ];
  for (const [name, older, newer, verdict] of rows) {
    it(`${name}: ${verdict}`, () => {
      const diff = compare(policy(older), policy(newer));
      expect(diff.verdict).toBe(verdict);
      expect(diff.isWidening).toBe(verdict === "widens" || verdict === "both");
      expect(diff.disagreements).toBe(0);
      for (const { direction, decisions } of diff.examples) {
        expect(decisions.older.isAllowed).toBe(direction === "refused");
        expect(decisions.newer.isAllowed).toBe(direction === "allowed");
      }
      expect(diff.examples.length > 0).toBe(verdict !== "equivalent");
    });
  }

  it("is 'not decided' when the budget is too small, and then it counts as widening", () => {
    const diff = compare(
      policy("require vmpl == 0 require guest.smt allow"),
      policy("require vmpl == 0 allow"),
      {
        maxNodes: 2,
        maxSteps: 3,
      },
    );
    expect([diff.verdict, diff.isWidening, diff.examples]).toEqual(["not-decided", true, []]);
    const text = renderDiff(diff, { names: NAMES, changes: [], isFull: false });
    expect(text).toBe(
      "NOT DECIDED.  whether new implies old is not decided; whether old implies new is not decided.\n",
    );
  });

  it("looks at one moment, if it is given", () => {
    const [older, newer] = [policy("valid 2026-01-01 .. 2026-06-01 allow"), policy("allow")];
    expect(compare(older, newer).verdict).toBe("widens");
    expect(compare(older, newer, { at: Date.parse("2026-03-01T00:00:00Z") / 1000 }).verdict).toBe(
      "equivalent",
    );
    expect(compare(older, newer, { at: Date.parse("2026-06-01T00:00:00Z") / 1000 }).verdict).toBe("widens");
  });

  it("sees an entry that changes its label's number: what was refused is now allowed", () => {
    const set = (vcpus: number) =>
      `refset m of measurement { "x" = hex"${"ab".repeat(48)}" vcpus ${vcpus} }\n`;
    const body = policy("require measurement in m require has vm.vcpus and vm.vcpus <= 2 allow");
    expect(compare(set(4) + body, set(2) + body).verdict).toBe("widens");
    expect(compare(set(2) + body, set(4) + body).verdict).toBe("narrows");
  });

  it("sees a revocation", () => {
    const set = (state: string) => `refset m of measurement { "x" = hex"${"ab".repeat(48)}" ${state} }\n`;
    const diff = compare(set("") + policy("allow"), set("state revoked") + policy("allow"));
    expect(diff.verdict).toBe("narrows");
    expect(diff.examples[0]?.refusal?.text).toBe('"x" of m is revoked');
  });
});

describe("examples", () => {
  it("name what is unusual in the order of the vocabulary, whatever the order in the source", () => {
    const older = policy("require not host.smt allow");
    const newer = policy("allow when all { vmpl == 2, guest.debug, id_block.guest_svn == 7, host.smt }");
    for (const wider of [`${newer}`, newer.replace("vmpl == 2, guest.debug", "guest.debug, vmpl == 2")]) {
      const [example] = compare(older, wider).examples.filter(({ direction }) => direction === "allowed");
      expect(example?.unusual).toEqual([
        { field: "vmpl", value: "2" },
        { field: "id_block.guest_svn", value: "7" },
        { field: "guest.debug", value: "true" },
        { field: "host.smt", value: "true" },
      ]);
    }
  });

  it("name the field that was refused where nothing about the request is unusual", () => {
    const [example] = compare(policy("require host.smt allow"), policy("allow")).examples;
    expect(example?.unusual).toEqual([{ field: "host.smt", value: "false" }]);
    const [usual] = compare(policy("require not host.smt allow"), policy("allow")).examples;
    expect(usual?.unusual).toEqual([{ field: "host.smt", value: "true" }]);
    const [both] = compare(
      policy("require not guest.debug require not host.smt allow"),
      policy("allow when guest.debug"),
    ).examples;
    expect(both?.unusual).toEqual([{ field: "guest.debug", value: "true" }]);
  });

  it("show each clause that was changed, at most ten in a direction", () => {
    const fields = ["smt", "cxl", "single_socket", "aes256_xts"];
    const older = policy(`${fields.map((name) => `deny when guest.${name}`).join("\n  ")} allow`);
    const { examples } = compare(older, policy("allow"));
    const seen = examples.flatMap(({ refusal }) => refusal?.fields ?? []);
    expect(new Set(seen)).toEqual(new Set(fields.map((name) => `guest.${name}`)));
    const narrowed = compare(policy("allow"), older).examples.flatMap(({ refusal }) => refusal?.fields ?? []);
    expect(new Set(narrowed)).toEqual(new Set(seen));
    const many = Array.from({ length: 20 }, (_, at) => `require request.attempt != ${at + 2}`).join("\n  ");
    expect(compare(policy(`${many} allow`), policy("allow")).examples).toHaveLength(10);
  });

  it("never show what nobody wrote", () => {
    const older = policy(`require measurement == hex"${"ab".repeat(48)}" allow`);
    const newer = policy(`require measurement != hex"${"ab".repeat(48)}" allow`);
    const text = textOf(older, newer);
    expect(text).toContain("measurement (any other value)");
    expect(text).toContain("abababab…");
    expect(text).not.toMatch(/0202|eeee/);
    const json = JSON.stringify(diffJson(compare(older, newer), []));
    expect(json).not.toMatch(/0202|eeee/);
    const region = textOf(policy("allow"), policy('require broker.region == "eu" allow'));
    expect(region).toContain("broker.region (any other value)");
  });

  it("say (any) where any value would do, and why the other side refuses", () => {
    expect(textOf(policy("allow"), policy("deny when host.unknown_bits allow"))).toMatch(/^EQUIVALENT/);
    const text = textOf(policy("require guest.smt allow"), policy("allow"));
    expect(text).toContain("resource a/(any)   request.op (any)   measurement (any)");
    expect(text).toContain("guest.smt false             <- refused by old: require guest.smt (f0.writ:4)");
  });
});

describe("a disagreement of solver and evaluator", () => {
  it("is told as an internal error at the request that shows it", () => {
    const sides = {
      older: snpProgram([policy("allow")]),
      newer: snpProgram([policy("require vmpl <= 3 allow")]),
    };
    const space = openSpace([sides.older, sides.newer], SNP_VOCABULARY);
    const showing = { space, sides, vocabulary: SNP_VOCABULARY };
    const region = space.allowed(sides.newer); // not what `allowed` claims: the old side allows it too
    const example = exampleIn(showing, { direction: "allowed", region });
    expect(example?.isConfirmed).toBe(false);
    const diff = {
      ...compare(policy("allow"), policy("allow")),
      examples: example === undefined ? [] : [example],
    };
    expect(renderDiff(diff, { names: NAMES, changes: [], isFull: false })).toContain("INTERNAL ERROR");
  });
});

describe("obligations", () => {
  const rows: readonly (readonly [older: string, newer: string, isLoosened: boolean])[] = [
    ["token_ttl 1m", "token_ttl 5m", true],
    ["token_ttl 5m", "token_ttl 1m", false],
    ["", "token_ttl 5m", true],
    ["token_ttl 5m", "", false],
    ["", "token_ttl 30s", false],
    ["rate 5 per 1m", "rate 10 per 1m", true],
    ["rate 5 per 1m", "", true],
    ["rate 5 per 1m", "rate 4 per 1m", false],
    ["rate 5 per 1m", "rate 5 per 30s", true],
    ["rate 5 per 1m", "rate 5 per 2m", false],
    ["rate 5 per 1m", "max_releases 5 per report.id within 1m", true],
    ["max_releases 5 per report.id within 1m", "rate 5 per 1m", true],
    ["wrap hpke-x25519", "token_ttl 30s", true],
    ["max_releases 1 per report.id", "max_releases 2 per report.id", true],
    ["max_releases 1 per report.id", "max_releases 1 per report.id within 1h", true],
    ["max_releases 1 per report.id", "max_releases 1 per measurement", true],
    ["max_releases 2 per report.id within 1h", "max_releases 1 per report.id within 2h", false],
    ["wrap hpke-x25519", "wrap hpke-xwing", true],
    ["wrap hpke-x25519", "", true],
    ["", "wrap hpke-x25519", false],
    ['notify "a" "b"', 'notify "a"', true],
    ['notify "a"', 'notify "a" "b"', false],
    ["", "audit summary", true],
    ["audit summary", "", false],
    ["", "key_version any", true],
    ["key_version >= 3", "key_version >= 2", true],
    ["key_version >= 2", "key_version any", true],
    ["key_version any", "key_version >= 2", false],
    ["key_version any", "key_version any", false],
    ["key_version current", "key_version >= 2", true],
    ["key_version >= 2", "key_version >= 3", false],
    ["reattest every 1h", "reattest every 2h", true],
    ["reattest every 1h", "", true],
    ["approvals_expire 5m", "approvals_expire 10m", true],
    ["", "approvals_expire 10m", false],
  ];
  const release = (obligation: string) => policy(`allow on release { notify "x" ${obligation} }`);
  for (const [older, newer, isLoosened] of rows) {
    it(`${older || "nothing"} to ${newer || "nothing"} is ${isLoosened ? "" : "not "}looser`, () => {
      const diff = compare(release(older), release(newer));
      expect(diff.verdict).toBe("equivalent");
      expect(diff.loosened.length > 0).toBe(isLoosened);
      expect(diff.isWidening).toBe(isLoosened);
    });
  }

  it("are compared request by request: a stricter policy that still grants keeps the promise", () => {
    const strict = policy("allow on release { token_ttl 1m }", "strict");
    const loose = policy("allow on release { token_ttl 5m }", "loose");
    const narrow = policy("require vmpl == 0 allow on release { token_ttl 1m }", "strict");
    expect(compare(strict, strict + loose).isWidening).toBe(false);
    const { loosened, verdict } = compare(strict + loose, narrow + loose);
    expect(verdict).toBe("equivalent");
    expect(loosened.map(({ was }) => was)).toEqual(["token_ttl 1m"]);
    expect(loosened[0]?.decisions?.newer.obligations.tokenTtlMs).toBe(300_000);
    expect(textOf(strict + loose, narrow + loose)).toContain(
      "obligation loosened: `token_ttl 1m` is not kept on a/(any): now `token_ttl 5m`",
    );
  });
});

describe("what changes when windows close", () => {
  const at = (text: string): number => Date.parse(text) / 1000;
  const text = `refset m of measurement {
  "old" = hex"${"aa".repeat(48)}" valid 2026-01-01 .. 2026-10-15T12:00Z
  "new" = hex"${"bb".repeat(48)}" valid 2026-10-01 ..
  "gone" = hex"${"cc".repeat(48)}" valid 2026-01-01 .. 2026-10-16 state revoked
}
policy p { for resource "a/*" require measurement in m allow }
guard g { for resource "a/*" valid 2026-01-01 .. 2026-12-01 deny when guest.debug }
policy q { for resource "a/*" valid 2026-01-01 .. 2026-11-01 require measurement in m allow }
`;

  it("is told by moment: an entry narrows, a guard widens, a policy that another repeats changes nothing", () => {
    const { shown, more } = expiriesOf(snpProgram([text]), SNP_VOCABULARY);
    expect(shown.map(({ at: moment, ends, diff }) => [moment, ends, diff.verdict])).toEqual([
      [at("2026-10-15T12:00:00Z"), ['"old" of m'], "narrows"],
      [at("2026-11-01T00:00:00Z"), ["policy q"], "equivalent"],
      [at("2026-12-01T00:00:00Z"), ["guard g"], "widens"],
    ]);
    expect(more).toBe(0);
    expect(shown.map(({ diff }) => diff.disagreements)).toEqual([0, 0, 0]);
  });

  it("leaves out what has closed by then, and looks at nothing before", () => {
    const { shown } = expiriesOf(snpProgram([text]), SNP_VOCABULARY, { at: at("2026-11-01T00:00:00Z") });
    expect(shown.map(({ ends }) => ends)).toEqual([["guard g"]]);
    expect(renderExpiries(expiriesOf(snpProgram([policy("allow")]), SNP_VOCABULARY))).toBe(
      "no window closes\n",
    );
  });

  it("is shown by a request", () => {
    const said = renderExpiries(expiriesOf(snpProgram([text]), SNP_VOCABULARY));
    expect(said).toContain('2026-10-15T12:00Z  "old" of m ends: NARROWS\nnewly refused, for example:\n');
    expect(said).toContain(
      "guest.debug true            <- refused by the policy before: deny when guest.debug",
    );
    expect(JSON.stringify(expiriesJson(expiriesOf(snpProgram([text]), SNP_VOCABULARY)))).toContain(
      '"at":"2026-10-15T12:00Z","ends":["\\"old\\" of m"],"verdict":"narrows"',
    );
  });

  it("shows the twenty next moments and counts the others", () => {
    const day = (n: number): string => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
    const entries = Array.from(
      { length: 30 },
      (_, n) => `"e${n}" = hex"${String(n).padStart(96, "0")}" valid ${day(n)} .. ${day(n + 1)}`,
    );
    const { shown, more } = expiriesOf(
      snpProgram([
        `refset m of measurement { ${entries.join("\n")} }\n${policy("require measurement in m allow")}`,
      ]),
      SNP_VOCABULARY,
    );
    expect([shown.length, more]).toEqual([20, 10]);
  });
});

describe("version numbers", () => {
  const module = (version: string | undefined, widening: "review" | "major" = "review") => ({
    name: "m",
    ...(version === undefined ? {} : { version }),
    widening,
    revocable: [],
  });
  type Row = readonly [
    from: string,
    to: string,
    verdict: "equivalent" | "narrows" | "widens" | "both",
    widening: "review" | "major",
    objects: boolean,
    needsApproval: boolean,
  ];
  const rows: readonly Row[] = [
    ["1.0.0", "1.0.1", "equivalent", "review", false, false],
    ["1.0.0", "1.0.1", "narrows", "review", true, false],
    ["1.0.0", "1.0.1", "widens", "review", true, true],
    ["1.0.0", "1.1.0", "narrows", "review", false, false],
    ["1.0.0", "1.1.0", "both", "review", true, true],
    ["1.0.0", "2.0.0", "widens", "review", false, true],
    ["1.0.0", "2.0.0", "widens", "major", false, false],
    ["1.0.0", "1.9.0", "widens", "major", true, true],
    ["1.0.0", "1.0.0", "equivalent", "review", false, false],
    ["1.0.0", "1.0.0", "narrows", "review", true, false],
    ["2.0.0", "1.9.9", "narrows", "review", true, false],
    ["1.9.9", "1.10.0", "narrows", "review", false, false],
  ];
  for (const [from, to, verdict, widening, objects, needsApproval] of rows) {
    it(`${from} to ${to} that ${verdict}, widening ${widening}`, () => {
      const isWidening = verdict === "widens" || verdict === "both";
      const change = moduleChange(module(from, widening), module(to, widening), { verdict, isWidening });
      expect([change.objection !== undefined, change.needsApproval]).toEqual([objects, needsApproval]);
    });
  }

  it("a first version widens from nothing allowed", () => {
    const change = moduleChange(undefined, module("1.0.0"), { verdict: "widens", isWidening: true });
    expect([change.step, change.needsApproval]).toEqual(["first", true]);
  });

  it("easing `widening` needs an approval itself, whatever else changes", () => {
    const change = moduleChange(module("1.0.0"), module("2.0.0", "major"), {
      verdict: "narrows",
      isWidening: false,
    });
    expect(change.needsApproval).toBe(true);
  });

  it("belong to the module that changed access, not to the one beside it", () => {
    const one = (version: string, body: string) =>
      `writ 1\nmodule one version ${version}\npolicy a { for resource "a/*" ${body} }\n`;
    const two = (version: string, body: string) =>
      `writ 1\nmodule two version ${version}\npolicy b { for resource "b/*" ${body} }\n`;
    const side = (first: string, second: string) => {
      const files = new Map([
        ["one.writ", first],
        ["two.writ", second],
      ]);
      const sources = [...files].map(([path, text]) => ({ path, text }));
      const compilation = compileSources(sources, { vocabulary: SNP_VOCABULARY, digest });
      if (compilation.program === undefined) throw new Error("it does not compile");
      return { compilation, files, program: compilation.program };
    };
    const pair = {
      older: side(one("1.0.0", "require vmpl == 0 allow"), two("1.0.0", "allow")),
      newer: side(one("1.0.1", "allow"), two("1.1.0", "require vmpl == 0 allow")),
    };
    const diff = diffPrograms({ older: pair.older.program, newer: pair.newer.program }, SNP_VOCABULARY);
    const changes = moduleChanges(pair, diff, { vocabulary: SNP_VOCABULARY, digest });
    expect(diff.verdict).toBe("both");
    expect(changes.map(({ module: name, verdict, needsApproval }) => [name, verdict, needsApproval])).toEqual(
      [
        ["one", "widens", true],
        ["two", "narrows", false],
      ],
    );
  });
});
