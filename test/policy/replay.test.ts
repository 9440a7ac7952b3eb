/** Does a decision that is judged again by the bundle that took it come out as it was, and by another one as that one says? */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { parseStrictJson } from "../../src/base/strict-json.ts";
import { instant } from "../../src/base/time.ts";
import { type Appraisal, type AppraisalContext, appraise, outcomeOver } from "../../src/policy/appraise.ts";
import { type Bundle, loadBundle, packBundle } from "../../src/policy/bundle.ts";
import { factsJson } from "../../src/policy/claims.ts";
import { replayItem } from "../../src/policy/replay.ts";
import { EMPTY_TALLY, joinTallies, MAX_GROUPS, tallyOf } from "../../src/policy/replay-tally.ts";
import { type ToldItem, toldItems } from "../../src/policy/told-decision.ts";
import { termsJson } from "../../src/policy/told-terms.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { boundOf, CHIPS, CONTEXT, MILAN_V3 } from "./report-bytes.ts";

const { digest } = nodePrimitives;
const policies = join(import.meta.dirname, "../../policies");

function bundleOf(...texts: readonly string[]): Bundle {
  const sources = texts.map((text, i) => ({ path: `p${i}.writ`, text }));
  return loadBundle(packBundle(sources, undefined, digest), digest);
}

const own = (rules: string): Bundle => bundleOf(`writ 1\nmodule t version 1.0.0\npolicy p {\n${rules}\n}\n`);

/** Times, weekdays, hours, windows, terms: whatever a clock decides. */
const TIMED = own(`for resource "**"
  valid 2026-01-01 .. 2030-01-01
  require has report.chip_id
  require now.weekday in [mon, tue, wed, thu] else "not on this day"
  require now.hour in 6 .. 21
  require endorsement.crl_age <= 12h
  require request.nonce_age <= 30s
  allow "day" when request.attempt <= 3
  allow "night" when now in 2027-01-01 .. 2027-02-01
  on release { token_ttl 2m max_releases 3 per report.chip_id within 24h wrap hpke-x25519 key_version >= 2 }`);

const library = (): Bundle => {
  const files = readdirSync(policies, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".writ"),
  );
  const sources = files.map((path) => ({ path, text: readFileSync(join(policies, path), "utf8") }));
  return loadBundle(packBundle(sources, undefined, digest), digest);
};
const LIBRARY = library();
const BUNDLES = [TIMED, LIBRARY];

/** As the broker keeps it, and reads it again. */
function told(resource: string, { code, facts, terms }: Appraisal): ToldItem {
  const kept = canonicalJson([
    {
      resource,
      code: code ?? null,
      ...(facts === undefined ? {} : { facts: factsJson(facts) }),
      ...(terms === undefined ? {} : { terms: termsJson(terms) }),
    },
  ]);
  const limits = { maxBytes: 1 << 20, maxDepth: 64, code: "store/unavailable" } as const;
  const [item] = toldItems(parseStrictJson(utf8(kept), limits)) ?? [];
  if (item === undefined) throw new Error("the broker's own trace was not read");
  return item;
}

const anyContext: fc.Arbitrary<AppraisalContext> = fc.record({
  now: fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }).map(instant),
  resource: fc.constantFrom(
    "demo/db1/luks",
    "prod/payments/luks/root",
    "prod/web/session/a",
    "attest",
    "token/x",
  ),
  op: fc.constantFrom("release", "unwrap", "derive", "write"),
  channel: fc.constantFrom("application", "ra-tls", "tls-exporter", "kbs"),
  nonceAgeMs: fc.integer({ min: 0, max: 90_000 }),
  attempt: fc.integer({ min: 1, max: 6 }),
  source: fc.constantFrom("192.0.2.1", "2001:db8::1", "unknown", ""),
  region: fc.constantFrom("", "eu-1", "true"),
  environment: fc.constantFrom("", "prod", "1"),
  isKekSealed: fc.boolean(),
  suite: fc.constantFrom(0, 1, 2, 3),
  keyVersion: fc.option(
    fc.record({
      wanted: fc.integer({ min: 1, max: 4 }),
      current: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
});

describe("a decision that is judged again", () => {
  test.prop([fc.constantFrom(...CHIPS), anyContext, fc.constantFrom(...BUNDLES, undefined)])(
    "by the bundle that took it comes out as it was, whatever the time is now",
    (chip, context, bundle) => {
      const then = appraise(boundOf(chip), bundle, context);
      const item = told(context.resource, then);
      if (item.seen === undefined) throw new Error("nothing was kept");
      expect(outcomeOver(item.seen, bundle)).toEqual(then);
      if (bundle === undefined) return;
      const sides = { newer: bundle, older: undefined };
      expect(replayItem(item, bundle.digest, sides)).toEqual({ kind: "alike" });
      expect(replayItem(item, bundle.digest, { newer: bundle, older: bundle })).toEqual({ kind: "alike" });
    },
  );

  test.prop([fc.constantFrom(...CHIPS), anyContext])(
    "by another comes out as that one says of the same facts",
    (chip, context) => {
      const [before, after] = [
        appraise(boundOf(chip), TIMED, context),
        appraise(boundOf(chip), LIBRARY, context),
      ];
      const [older, newer] = [TIMED, LIBRARY];
      const found = replayItem(told(context.resource, before), older.digest, { older, newer });
      const direction = found.kind === "otherwise" ? found.difference.direction : found.kind;
      const expected =
        before.isAllowed === after.isAllowed ? /alike|changed/ : after.isAllowed ? /gained/ : /lost/;
      expect(direction).toMatch(expected);
    },
  );
});

const OPEN = own('for resource "**"\n  require vmpl == 0\n  allow "any"');
const SHUT = own('for resource "**"\n  require vmpl == 3 else "only the outermost"\n  allow "any"');
const LONG = own('for resource "**"\n  require vmpl == 0\n  allow "any"\n  on release { token_ttl 5m }');

function itemUnder(bundle: Bundle): ToldItem {
  return told(CONTEXT.resource, appraise(boundOf(MILAN_V3), bundle, CONTEXT));
}

describe("a difference", () => {
  it("of a key that is lost names the clause that refuses, and who gave it", () => {
    expect(replayItem(itemUnder(OPEN), OPEN.digest, { older: OPEN, newer: SHUT })).toMatchObject({
      difference: {
        direction: "lost",
        resource: CONTEXT.resource,
        clause: "require vmpl == 3 (p0.writ:5)",
        reason: 'allowed by t/p allow "any"',
      },
    });
  });

  it("of a key that is gained names the allow, and what refused", () => {
    expect(replayItem(itemUnder(SHUT), SHUT.digest, { older: SHUT, newer: OPEN })).toMatchObject({
      difference: { direction: "gained", clause: 't/p allow "any"', reason: "require vmpl == 3 (p0.writ:5)" },
    });
  });

  it("of obligations names what becomes of each", () => {
    expect(replayItem(itemUnder(OPEN), OPEN.digest, { older: OPEN, newer: LONG })).toMatchObject({
      difference: {
        direction: "changed",
        clause: "token_ttl",
        reason: "`token_ttl 1m` becomes `token_ttl 5m`",
      },
    });
  });

  it("is against what is live, not against what was decided before that", () => {
    const item = itemUnder(SHUT);
    expect(replayItem(item, SHUT.digest, { older: OPEN, newer: OPEN })).toEqual({ kind: "alike" });
    expect(replayItem(item, SHUT.digest, { older: undefined, newer: OPEN })).toMatchObject({
      difference: { direction: "gained" },
    });
  });
});

describe("facts that its own bundle judges otherwise", () => {
  it("are named, and count as no difference", () => {
    const item = { ...itemUnder(OPEN), code: "denied" };
    expect(replayItem(item, OPEN.digest, { older: OPEN, newer: SHUT })).toEqual({ kind: "unreproduced" });
    expect(replayItem(item, OPEN.digest, { older: undefined, newer: OPEN })).toEqual({
      kind: "unreproduced",
    });
  });

  it("are not judged where too little was kept", () => {
    const item = { ...itemUnder(OPEN), seen: undefined };
    expect(replayItem(item, OPEN.digest, { older: OPEN, newer: SHUT })).toEqual({ kind: "unseen" });
  });
});

describe("a trace that no broker writes", () => {
  const good = { resource: CONTEXT.resource, code: null };
  it.each([
    ["no list", {}],
    ["an item that is none", ["x"]],
    ["no resource", [{ code: null }]],
    ["a code that is none", [{ ...good, code: 1 }]],
  ])("is not read: %s", (_, items) => {
    expect(toldItems(items)).toBeUndefined();
  });

  it.each([
    ["of another resource", { facts: { "request.resource": "other" }, terms: { suite: 1 } }],
    ["without terms", { facts: { "request.resource": CONTEXT.resource } }],
    [
      "with a suite that there is not",
      { facts: { "request.resource": CONTEXT.resource }, terms: { suite: 9 } },
    ],
    [
      "with a current version of nothing",
      { facts: { "request.resource": CONTEXT.resource }, terms: { suite: 1, current: 2 } },
    ],
  ])("shows nothing to judge: facts %s", (_, more) => {
    expect(toldItems([{ ...good, ...more }])).toEqual([
      { resource: CONTEXT.resource, code: undefined, seen: undefined },
    ]);
  });
});

describe("a tally", () => {
  const difference = (resource: string) =>
    ({
      kind: "otherwise",
      difference: { direction: "gained", resource, measurement: "02", clause: "t/p", reason: "no" },
    }) as const;
  const some = [
    { id: "A", items: [difference("x"), { kind: "alike" }] },
    { id: "B", items: undefined },
    { id: "C", items: [difference("x"), { kind: "unseen" }] },
    { id: "D", items: [{ kind: "unreproduced" }] },
  ] as const;

  it("counts each kind, keeps the first example of a group and names what is suspect", () => {
    expect(tallyOf(some)).toMatchObject({
      decisions: 4,
      tampered: 1,
      items: 5,
      alike: 1,
      gained: 2,
      unseen: 1,
      unreproduced: 1,
      groups: [{ resource: "x", count: 2, example: "A" }],
      suspect: ["B", "D"],
    });
  });

  test.prop([fc.integer({ min: 0, max: some.length })])(
    "of a whole is the one of its parts, wherever it is cut",
    (at) => {
      expect(joinTallies(tallyOf(some.slice(0, at)), tallyOf(some.slice(at)))).toEqual(tallyOf(some));
      expect(joinTallies(EMPTY_TALLY, tallyOf(some))).toEqual(tallyOf(some));
    },
  );

  it("stays as small however many groups there are, and counts the rest", () => {
    const many = Array.from({ length: MAX_GROUPS + 5 }, (_, i) => ({
      id: "A",
      items: [difference(`r${i}`)],
    }));
    const tally = tallyOf(many);
    expect([tally.groups.length, tally.more, tally.gained]).toEqual([MAX_GROUPS, 5, MAX_GROUPS + 5]);
    expect(joinTallies(tally, tally)).toMatchObject({ more: 10 });
  });
});
