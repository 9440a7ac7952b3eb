/** What does the linter say, and of what does it stay silent? Each code by a policy that earns it, and by one that nearly does. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Diagnostic } from "../../src/writ/diagnostics/diagnostic.ts";
import { applied } from "../../src/writ/lint/apply.ts";
import { type LintOptions, lintSources, solverErrors } from "../../src/writ/lint/lint.ts";

const NOW = Date.UTC(2026, 9, 1) / 1000;
const REFS = `refset images of measurement {
  owner "images@example.org"
  "a 1 / 2 vcpu" = hex"${"a1".repeat(48)}"
}
floor fw {
  owner "firmware@example.org"
  milan { bootloader 4, tee 0, snp 24, microcode 219 }
  milan-x { bootloader 4, tee 0, snp 24, microcode 219 }
  genoa refuse
  turin refuse
}
`;
const IDENTITY = `require measurement in images else "not an approved image"`;
const FIRMWARE = `require tcb.committed at least fw else "old firmware"`;
const STABLE = `require not firmware.provisional else "it can be rolled back"`;
const SECRECY = `require none { guest.debug, guest.migrate_ma } else "the host could read it"`;
const FRESH = `require endorsement.crl_age <= 24h else "an old list"`;
const BOUND = `require request.channel in [application, tls-exporter] else "not bound"`;
const GOOD = [IDENTITY, FIRMWARE, STABLE, SECRECY, FRESH, BOUND];
const ALLOW = `allow "boot" when request.op == release`;

/** A policy that deserves no word, less some lines and with others. */
function policy(
  lines: readonly string[],
  { name = "p", scope = '"prod/disk"', allow = ALLOW, ttl = "token_ttl 1m" } = {},
): string {
  const body = [`for resource ${scope}`, ...lines, allow, `on release {\n${ttl}\n}`];
  return `policy ${name} {\n${body.join("\n")}\n}\n`;
}

function without(...lines: readonly string[]): readonly string[] {
  return GOOD.filter((line) => !lines.includes(line));
}

type Given = Partial<Omit<LintOptions, "vocabulary">>;

function linted(text: string, given: Given = {}): readonly Diagnostic[] {
  const source = `writ 1\n${text}`;
  const compilation = compileSources([{ path: "p.writ", text: source }], {
    vocabulary: SNP_VOCABULARY,
    digest: nodePrimitives.digest,
  });
  expect(compilation.program, compilation.diagnostics.map(({ message }) => message).join("; ")).toBeDefined();
  return lintSources(compilation, { vocabulary: SNP_VOCABULARY, now: NOW, ...given });
}

function codesOf(text: string, given: Given = {}): readonly string[] {
  return [...new Set(linted(text, given).map(({ code }) => code))].sort();
}

const GUARD = (line: string, scope = '"prod/**"'): string => `guard g { for resource ${scope}\n${line}\n}\n`;
const AZURE = `platform azure`;
const GCP = `platform gcp`;
const SPIFFE = `require has client.spiffe and client.spiffe == "spiffe://a.example/n" else "not enrolled"`;
const HOST_VTPM = `require has host_vtpm.pcr[11] and host_vtpm.pcr[11] == hex"${"0b".repeat(32)}" else "another system"`;

/** Code, what earns it, and the nearest that does not; every other code stays away from both. */
const ROWS: readonly (readonly [code: string, earns: string, spared: string, given?: Given])[] = [
  [
    "W0602",
    policy([...GOOD, 'require vmpl <= 1 else "x"', 'require vmpl <= 2 else "y"']),
    policy([...GOOD, 'require vmpl <= 2 else "y"']),
  ],
  [
    "W0602",
    policy([...GOOD, 'deny when vmpl == 1 and vmpl == 2 because "no"']),
    policy([...GOOD, 'deny when vmpl == 1 and broker.sealed because "no"']),
  ],
  [
    "W0602",
    policy(GOOD, { allow: `${ALLOW}\nallow "never" when request.channel == kbs` }),
    policy(GOOD, { allow: `${ALLOW}\nallow "derive" when request.op == derive` }),
  ],
  [
    "W0701",
    policy([...GOOD, `deny when request.op == derive because "no"`], {
      allow: `${ALLOW}\nallow "derive" when request.op == derive`,
    }),
    policy([...GOOD, `deny when request.op == derive because "no"`], { allow: ALLOW }),
  ],
  [
    "W0701",
    `${GUARD('require broker.sealed else "not sealed"\ndeny when broker.sealed because "sealed"')}${policy(GOOD)}`,
    `${GUARD('require broker.sealed else "not sealed"')}${policy(GOOD)}`,
  ],
  [
    "W0702",
    policy([...GOOD, `require request.channel in [tls-exporter, application] else "again"`]),
    policy([...GOOD, `require request.channel in [tls-exporter, ra-tls] else "again"`]),
  ],
  [
    "W0703",
    policy(GOOD, {
      allow: 'allow "x" when request.op == release and any { vmpl == 0, request.channel == kbs }',
    }),
    policy(GOOD, { allow: 'allow "x" when request.op == release and any { vmpl == 0, broker.sealed }' }),
  ],
  [
    "W0704",
    policy(GOOD) + policy(GOOD, { name: "q", scope: '"prod/*"', ttl: "token_ttl 2m" }),
    policy(GOOD) + policy(GOOD, { name: "q", scope: '"other/*"', ttl: "token_ttl 2m" }),
  ],
  ["W0710", policy(without(IDENTITY)), policy([...without(IDENTITY), GOOD[0] ?? ""])],
  ["W0711", policy(without(SECRECY)), `${GUARD(SECRECY)}${policy(without(SECRECY))}`],
  [
    "W0711",
    `${GUARD(SECRECY, '"test/**"')}${policy(without(SECRECY))}`,
    `${GUARD(SECRECY, '"prod/disk"')}${policy(without(SECRECY))}`,
  ],
  [
    "W0713",
    policy(GOOD).replace("fw else", "narrow else") + NARROW(),
    policy([...GOOD, `require product in [milan, genoa] else "not here"`]).replace("fw else", "narrow else") +
      NARROW(),
  ],
  ["W0714", policy(without(FIRMWARE)), `${GUARD(FIRMWARE)}${policy(without(FIRMWARE))}`],
  ["W0716", policy(without(STABLE)), `${GUARD(STABLE)}${policy(without(STABLE))}`],
  [
    "W0717",
    policy([...GOOD, `require report.chip_id != hex"${"00".repeat(64)}" else "masked"`]).replace(
      "require report.chip_id",
      "require has report.chip_id and report.chip_id",
    ),
    policy([
      ...GOOD,
      `deny when has report.chip_id and report.chip_id == hex"${"07".repeat(64)}" because "retired"`,
    ]),
  ],
  ["W0718", policy(without(BOUND)), `${GUARD(BOUND)}${policy(without(BOUND))}`],
  ["W0719", policy(without(FRESH)), `${GUARD(FRESH)}${policy(without(FRESH))}`],
  ["W0720", windows("2026-09-01 .. 2026-10-10"), windows("2026-09-01 .. 2026-10-16")],
  ["W0720", windows("2026-08-01 .. 2026-09-20"), windows("2026-08-01 .. ")],
  [
    "W0721",
    `refset lone of measurement {\n"x" = hex"${"0c".repeat(48)}"\n}\n`,
    `refset lone of measurement {\nowner "a@b.example"\n"x" = hex"${"0c".repeat(48)}"\n}\n`,
  ],
  ["W0722", retiring("2026-09-01 .. 2026-12-01"), retiring("2026-09-01 .. 2026-10-30")],
  [
    "W0723",
    `guard g { for resource "prod/**"\nvalid 2026-01-01 .. 2027-01-01\nrequire broker.sealed else "x"\n}\n`,
    `guard g { for resource "prod/**"\nvalid 2026-01-01 ..\nrequire broker.sealed else "x"\n}\n`,
  ],
  [
    "W0724",
    `module m version 1.0.0 { owner "a@b.example" widening major }\n`,
    `module m version 1.0.0 { owner "a@b.example" widening review }\n`,
  ],
  [
    "W0726",
    policy(
      [...GOOD, GCP].map((line) => line.replace("{ guest.debug, guest.migrate_ma }", "{ guest.debug }")),
    ),
    policy(
      [...GOOD, GCP, SPIFFE, HOST_VTPM].map((line) =>
        line.replace("{ guest.debug, guest.migrate_ma }", "{ guest.debug }"),
      ),
    ),
  ],
  [
    "W0701",
    policy([...GOOD, GCP, SPIFFE, HOST_VTPM]),
    policy(
      [...GOOD, GCP, SPIFFE, HOST_VTPM].map((line) =>
        line.replace("{ guest.debug, guest.migrate_ma }", "{ guest.debug }"),
      ),
    ),
  ],
  [
    "W0729",
    policy([
      ...GOOD,
      AZURE,
      pcr(),
      'require id_block.guest_svn >= 7 and product == milan else "an old paravisor"',
    ]),
    policy([
      ...GOOD,
      AZURE,
      pcr(),
      idKey(),
      'require id_block.guest_svn >= 7 and product == milan else "an old paravisor"',
    ]),
  ],
  [
    "W0729",
    policy([...GOOD, AZURE, pcr(), idKey(), 'require id_block.guest_svn >= 7 else "an old paravisor"']),
    policy([
      ...GOOD,
      AZURE,
      pcr(),
      idKey(),
      'require product == milan else "elsewhere"',
      'require id_block.guest_svn >= 7 else "an old paravisor"',
    ]),
  ],
  [
    "W0730",
    policy([...GOOD, "require broker.sealed"]),
    policy([...GOOD, 'require broker.sealed else "not sealed"']),
  ],
  ["W0731", policy(GOOD), policy(GOOD, { scope: '"prod/*"' }), { resources: ["prod/disk2", "test/disk"] }],
  ["W0740", policy(GOOD, { ttl: "audit full" }), policy(GOOD, { ttl: "token_ttl 5s" })],
];

function NARROW(): string {
  return `floor narrow {
  owner "firmware@example.org"
  milan { bootloader 4, tee 0, snp 24, microcode 219 }
  milan-x { bootloader 4, tee 0, snp 24, microcode 219 }
  genoa refuse
}
`;
}

function windows(window: string): string {
  return `refset ending of measurement {\nowner "a@b.example"\n"x" = hex"${"0c".repeat(48)}" valid ${window}\n}\n`;
}

function retiring(window: string): string {
  const [old, young] = ["0c", "0d"].map((byte) => `hex"${byte.repeat(48)}"`);
  return `refset moving of measurement {\nowner "a@b.example"\n"x" = ${old} valid ${window} state retiring\n"y" = ${young} valid 2026-10-01 .. state active\n}\n`;
}

function pcr(): string {
  return `require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${"0b".repeat(32)}" else "another system"`;
}

function idKey(): string {
  return `require has id_block.id_key and id_block.id_key == hex"${"0e".repeat(48)}" else "another paravisor"`;
}

describe("a policy that says all it should", () => {
  it("gets no word", () => {
    expect(linted(REFS + policy(GOOD)).map(({ message }) => message)).toEqual([]);
  });
});

describe("each lint", () => {
  it.each(ROWS.map(([code, earns, spared, given = {}]) => ({ code, earns, spared, given })))(
    "$code is said of what earns it, and of nothing near it",
    ({ code, earns, spared, given }) => {
      expect(codesOf(REFS + earns, given)).toEqual([code]);
      expect(codesOf(REFS + spared, given)).toEqual([]);
    },
  );

  it("W0712 is said of a floor that the host may roll back under, and not where that is refused", () => {
    const reported = 'require tcb.reported at least fw else "old"';
    expect(codesOf(REFS + policy([...without(FIRMWARE, STABLE), reported]))).toEqual(["W0712", "W0716"]);
    expect(codesOf(REFS + policy([...without(FIRMWARE), reported]))).toEqual([]);
  });

  it("E0601 and E0502 are errors, and check says them too", () => {
    const never = REFS + policy([...GOOD, 'require product == turin else "not here"']);
    const wraps =
      REFS +
      policy(GOOD, { ttl: "token_ttl 1m\nwrap hpke-x25519" }) +
      policy(GOOD, { name: "q", ttl: "token_ttl 1m\nwrap hpke-xwing" });
    expect(linted(never).map(({ code, severity }) => [code, severity])).toEqual([["E0601", "error"]]);
    expect(codesOf(wraps)).toEqual(["E0502", "W0704"]);
    for (const [text, code] of [
      [never, "E0601"],
      [wraps, "E0502"],
    ] as const) {
      const source = { path: "p.writ", text: `writ 1\n${text}` };
      const compilation = compileSources([source], {
        vocabulary: SNP_VOCABULARY,
        digest: nodePrimitives.digest,
      });
      expect(solverErrors(compilation, SNP_VOCABULARY).map((one) => one.code)).toEqual([code]);
    }
  });

  it("W0728 is said of Turin hosts that may show ciphertext, where products are chosen, and of chips that a VLEK masks", () => {
    const turin = [...without(FIRMWARE), 'require product == turin else "x"', "platform bare-metal"];
    const floor = `require tcb.committed at least new else "old"`;
    const row = `floor new {\nowner "a@b.example"\nmilan refuse\ngenoa refuse\nturin { fmc 1, bootloader 1, tee 1, snp 3, microcode 75 }\nturin-dense { fmc 1, bootloader 1, tee 1, snp 3, microcode 75 }\n}\n`;
    expect(codesOf(REFS + row + policy([...turin, floor]))).toEqual(["W0728"]);
    const hidden = 'require host.ciphertext_hiding else "y"';
    expect(codesOf(REFS + row + policy([...turin, floor, hidden]))).toEqual([]);
    const aws = [...GOOD, "platform aws", SPIFFE, HOST_VTPM];
    const chip = `require has report.chip_id and report.chip_id == hex"${"07".repeat(64)}" else "x"`;
    expect(codesOf(REFS + policy([...aws, chip]))).toContain("W0728");
    expect(codesOf(REFS + policy(aws))).toEqual([]);
  });

  it("W0733 is said beside W0710 where a guest's own word counts for any image, be it in a guard", () => {
    const own = 'require has posture.failures and posture.failures == 0 else "it fails"';
    expect(codesOf(REFS + policy([...without(IDENTITY), own]))).toEqual(["W0710", "W0733"]);
    expect(codesOf(REFS + GUARD(own) + policy(without(IDENTITY)))).toEqual(["W0710", "W0733"]);
    const deny = 'deny when has posture.failures and posture.failures > 0 because "it fails"';
    expect(codesOf(REFS + policy([...without(IDENTITY), deny]))).toEqual(["W0710", "W0733"]);
    expect(codesOf(REFS + policy([...GOOD, own]))).toEqual([]);
    expect(codesOf(REFS + GUARD(own, '"test/**"') + policy(without(IDENTITY)))).toEqual(["W0710"]);
  });

  it("W0705 is said where the solver gives up, and nothing is claimed then", () => {
    const found = linted(REFS + policy(without(IDENTITY, SECRECY)), { budget: { maxQuestions: 0 } });
    expect(found.map(({ code }) => code)).toEqual(["W0705"]);
  });

  it("W0720 counts days, and says what has passed", () => {
    expect(linted(windows("2026-08-01 .. 2026-09-20"))[0]?.message).toContain("has expired");
    expect(linted(windows("2026-09-01 .. 2026-10-02"))[0]?.primary.text).toContain("in 1 day");
  });
});

describe("what is said twice", () => {
  it("is a note where the platform says it, or a guard", () => {
    const platform = REFS + policy([...GOOD, "platform bare-metal", 'require vmpl == 0 else "elsewhere"']);
    const turinFree = platform.replace("allow", 'require product != turin else "x"\nallow');
    const guard = `${REFS}${GUARD(SECRECY)}${policy(GOOD)}`;
    for (const text of [turinFree, guard]) {
      const notes = linted(text).filter(({ severity }) => severity === "note");
      expect(notes.map(({ code }) => code)).toEqual(["N0702"]);
    }
  });
});

describe("a silencer", () => {
  const silenced = (comment: string): readonly string[] =>
    codesOf(`${REFS}${comment}\n${policy(without(FRESH))}`);

  it("excuses the item below it", () => {
    expect(silenced("# writ-allow W0719: the list is always fresh here until 2027-01-01")).toEqual([]);
  });

  it("excuses its own line", () => {
    const text = policy(GOOD).replace(
      "policy p {",
      "policy p { # writ-allow W0740: the default will do until 2027-01-01",
    );
    expect(codesOf(REFS + text.replace("token_ttl 1m", "audit full"))).toEqual([]);
  });

  it.each([
    ["another code", "# writ-allow W0718: x until 2027-01-01", ["W0719", "W0750"]],
    ["one that has expired", "# writ-allow W0719: x until 2026-09-30", ["W0719", "W0750"]],
    ["one too far ahead", "# writ-allow W0719: x until 2027-10-15", ["W0719", "W0750"]],
    ["one without a reason", "# writ-allow W0719: until 2027-01-01", ["W0719", "W0750"]],
    ["one without a date", "# writ-allow W0719: x", ["W0719", "W0750"]],
    ["one for an error", "# writ-allow E0601: x until 2027-01-01", ["W0719", "W0750"]],
    ["one for another silencer", "# writ-allow W0750: x until 2027-01-01", ["W0719", "W0750"]],
  ])("does not excuse by %s", (_what, comment, codes) => {
    expect(silenced(comment)).toEqual(codes);
  });

  it("is nothing to an error", () => {
    const never = policy([...GOOD, 'require product == turin else "not here"']);
    expect(codesOf(`${REFS}# writ-allow E0601: x until 2027-01-01\n${never}`)).toEqual(["E0601", "W0750"]);
  });
});

describe("the edits", () => {
  it("of a fix change no decision: they take away what is always true, and silencers of nothing", () => {
    const text = `writ 1\n${REFS}# writ-allow W0711: x until 2027-01-01\n${policy(GOOD).replace(
      "request.op == release",
      "has measurement and request.op == release",
    )}`;
    const compilation = compileSources([{ path: "p.writ", text }], {
      vocabulary: SNP_VOCABULARY,
      digest: nodePrimitives.digest,
    });
    const diagnostics = lintSources(compilation, { vocabulary: SNP_VOCABULARY, now: NOW });
    expect(diagnostics.map(({ code }) => code)).toEqual(["W0750", "W0706"]);
    const mended = applied(text, diagnostics);
    expect(mended).toContain("when request.op == release");
    expect(mended).not.toContain("writ-allow");
  });
});
