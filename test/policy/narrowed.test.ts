/** Is what nobody used cut out, and nothing that anybody could gain by? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { type Bundle, loadBundle, packBundle } from "../../src/policy/bundle.ts";
import { narrowedBundle, unusedOf } from "../../src/policy/narrowed.ts";
import { openUsage } from "../../src/policy/usage.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { evaluate } from "../../src/writ/evaluation/evaluator.ts";
import type { Facts, FactValue } from "../../src/writ/facts.ts";

const { digest } = nodePrimitives;
const NOW = 1_790_000_000;
const hex = (byte: string): string => byte.repeat(48);

const REFS = `writ 1
module acme.refs version 1.0.0

refset images of measurement {
  "old" = hex"${hex("01")}"
  "new" = hex"${hex("02")}"
  "recalled" = hex"${hex("03")}" state revoked
  "next" = hex"${hex("04")}" valid 2027-01-01T00:00Z ..
}
`;

const MAIN = `writ 1
import "refs.writ" { images }

# Disks of the databases.
policy disks {
  for resource "prod/a/**", "prod/b/**"
  require measurement in images
  allow "boot" when vmpl == 0
  allow "service" when vmpl == 1
}

# Nobody knows what this was for.
policy legacy {
  for resource "old/**"
  allow "anything" when vmpl == 3
}

guard no-debug {
  for resource "**"
  require not guest.debug
}
`;

function bundleOf(files: Readonly<Record<string, string>>): Bundle {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  return loadBundle(packBundle(sources, undefined, digest), digest);
}

function asked(more: Readonly<Record<string, FactValue>> = {}): Facts {
  const ordinary = SNP_VOCABULARY.ordinary["milan"] ?? expect.fail();
  const own = { now: NOW, "request.resource": "prod/a/db", measurement: hex("02"), vmpl: 0, ...more };
  return new Map([...ordinary, ...Object.entries(own)]);
}

/** What is left, where these came. */
function left(bundle: Bundle, came: readonly Facts[]) {
  const usage = openUsage(bundle.program);
  for (const facts of came) {
    const decision = evaluate(bundle.program, facts);
    expect(decision).toMatchObject({ isAllowed: true, sentence: undefined });
    usage.note(decision, facts);
  }
  return narrowedBundle(bundle, unusedOf(bundle, usage, instant(NOW)), digest);
}

describe("a narrower policy", () => {
  it("is without policies, allows, paths and values that nobody used, and with all that refuses", () => {
    const bundle = bundleOf({ "refs.writ": REFS, "main.writ": MAIN });
    const narrowed = left(bundle, [asked()]);
    expect(narrowed?.made.map(({ kind, of, what }) => [kind, of, what])).toEqual([
      ["pattern", "main.writ/disks", "prod/b/**"],
      ["allow", "main.writ/disks", "service"],
      ["policy", "main.writ/legacy", ""],
      ["entry", "acme.refs/images", "old"],
    ]);
    expect(narrowed).toMatchObject({ kept: [], diff: { verdict: "narrows" } });
    expect(narrowed?.files.get("main.writ")).toBe(`writ 1
import "refs.writ" { images }

# Disks of the databases.
policy disks {
  for resource "prod/a/**"
  require measurement in images
  allow "boot" when vmpl == 0
}

guard no-debug {
  for resource "**"
  require not guest.debug
}
`);
    const refs = String(narrowed?.files.get("refs.writ"));
    expect(refs).not.toContain('"old"');
    for (const label of ["new", "recalled", "next"]) expect(refs).toContain(`"${label}"`);
    const { program } = loadBundle(narrowed?.tar ?? utf8(""), digest);
    expect(evaluate(program, asked()).isAllowed).toBe(true);
    expect(evaluate(program, asked({ "request.resource": "prod/b/db" })).isAllowed).toBe(false);
  });

  it("keeps a value by which a guard refuses, since without it somebody would be let in", () => {
    const text = MAIN.replace("require not guest.debug", "require not (measurement in images and vmpl == 1)");
    const bundle = bundleOf({
      "refs.writ": REFS,
      "main.writ": text.replace("  require measurement in images\n", ""),
    });
    const narrowed = left(bundle, [asked(), asked({ vmpl: 1, measurement: hex("09") })]);
    expect(narrowed?.kept).toMatchObject([
      { cut: { kind: "entry", what: "old" }, why: "without it somebody might have more" },
    ]);
    expect(narrowed?.made.map(({ what, of }) => what || of)).toEqual(["prod/b/**", "main.writ/legacy"]);
  });

  it("keeps a stricter policy that nobody needed, where its obligations bind those who were let in", () => {
    const bundle = bundleOf({
      "main.writ": `writ 1
policy wide {
  for resource "prod/**"
  allow "all" when vmpl == 0
  on release { token_ttl 1h }
}
policy tight {
  for resource "prod/a/**"
  allow "few" when vmpl == 0 and guest.smt
  on release { token_ttl 1m }
}
`,
    });
    const narrowed = left(bundle, [asked({ "guest.smt": false })]);
    expect(narrowed).toBeUndefined();
  });

  it("is none where everything was used", () => {
    const bundle = bundleOf({ "refs.writ": REFS, "main.writ": MAIN });
    const came = [
      asked(),
      asked({ measurement: hex("01"), vmpl: 1, "request.resource": "prod/b/x" }),
      asked({ vmpl: 3, "request.resource": "old/x" }),
    ];
    expect(left(bundle, came)).toBeUndefined();
  });

  const requests = fc.record({
    measurement: fc.constantFrom(hex("01"), hex("02"), hex("03"), hex("09")),
    vmpl: fc.constantFrom(0, 1, 2, 3),
    "request.resource": fc.constantFrom("prod/a/x", "prod/b/x", "old/x", "other/x"),
  });

  test.prop([fc.array(requests, { minLength: 1, maxLength: 12 }), fc.array(requests)])(
    "serves all who came, and nobody whom the policy before it refuses",
    (came, others) => {
      const bundle = bundleOf({ "refs.writ": REFS, "main.writ": MAIN });
      const allowed = came.map(asked).filter((facts) => evaluate(bundle.program, facts).isAllowed);
      const narrowed = left(bundle, allowed);
      if (narrowed === undefined) return;
      const { program } = loadBundle(narrowed.tar, digest);
      for (const facts of allowed) expect(evaluate(program, facts).isAllowed).toBe(true);
      for (const facts of others.map(asked)) {
        if (evaluate(program, facts).isAllowed) expect(evaluate(bundle.program, facts).isAllowed).toBe(true);
      }
    },
  );
});
