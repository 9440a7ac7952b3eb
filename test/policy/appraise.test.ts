import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Verification } from "../../src/attestation/verify.ts";
import { canonicalJson, type JsonValue } from "../../src/base/canonical-json.ts";
import { instant } from "../../src/base/time.ts";
import { type AppraisalContext, appraise } from "../../src/policy/appraise.ts";
import { type Bundle, loadBundle, packBundle } from "../../src/policy/bundle.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { SourceFile } from "../../src/writ/sources.ts";
import {
  boundOf,
  CHIPS,
  type Chip,
  CONTEXT,
  GENOA_V4,
  MILAN_V2,
  MILAN_V3,
  NOW,
  SIENA_V5,
  TURIN_V5,
} from "./report-bytes.ts";

type Changes = Readonly<Record<number, readonly number[]>>;

const policies = join(import.meta.dirname, "../../policies");
const sourceOf = (path: string): SourceFile => ({ path, text: readFileSync(join(policies, path), "utf8") });
const demo = bundleOf([sourceOf("demo.writ"), sourceOf("refs/demo.writ")]);

function bundleOf(sources: readonly SourceFile[]): Bundle {
  return loadBundle(packBundle(sources, undefined, nodePrimitives.digest), nodePrimitives.digest);
}

function bundleOfText(text: string): Bundle {
  return bundleOf([{ path: "p.writ", text: `writ 1\nmodule t version 1.0.0\n${text}` }]);
}

interface Variation {
  readonly chip?: Chip;
  readonly changes?: Changes;
  readonly answers?: Partial<Verification>;
  readonly context?: Partial<AppraisalContext>;
}

function appraisalOf(
  { chip = MILAN_V3, changes = {}, answers = {}, context = {} }: Variation,
  bundle = demo,
) {
  return appraise(boundOf(chip, changes, answers), bundle, { ...CONTEXT, ...context });
}

/** Every clause that stands against the request, as `declaration: text`. */
function failing(trace: JsonValue): readonly string[] {
  const { declarations } = JSON.parse(canonicalJson(trace)) as {
    declarations: readonly {
      name: string;
      clauses: readonly { clause: { kind: string; text: string }; verdict: string }[];
    }[];
  };
  return declarations.flatMap(({ name, clauses }) =>
    clauses
      .filter(({ clause, verdict }) => (clause.kind === "deny" ? verdict !== "x" : verdict !== "ok"))
      .map(({ clause }) => `${name}: ${clause.text}`),
  );
}

describe("the demo's policy", () => {
  it("gives the demo's guest its key, with what it costs", () => {
    const appraisal = appraisalOf({});
    expect(appraisal).toMatchObject({ tier: "affirming", isAllowed: true, code: undefined });
    expect(appraisal.allowedBy).toEqual([
      { module: "demo.disks", policy: "demo-disks", label: "unlock at boot" },
    ]);
    expect(appraisal.obligations).toMatchObject({ wrap: "hpke-x25519", audit: "full" });
  });

  it.each(CHIPS)("serves a v$version guest on $product", (chip) => {
    expect(appraisalOf({ chip }).isAllowed).toBe(true);
  });

  it("gives attestation results to the same guest", () => {
    expect(appraisalOf({ context: { resource: "attest", keyVersion: undefined } }).isAllowed).toBe(true);
  });

  const rows: readonly (readonly [string, Variation, string, RegExp])[] = [
    [
      "another measurement",
      { changes: { 144: [0xee] } },
      "require-failed",
      /^demo-disks: require measurement in/,
    ],
    ["a debug guest", { changes: { 10: [0x0b] } }, "require-failed", /^demo-disks: .*guest\.debug/],
    ["a guest that may migrate", { changes: { 10: [0x07] } }, "require-failed", /guest\.migrate_ma/],
    // Older than the current one, so it is provisional by definition: no floor of its own is needed.
    ["an older committed TCB", { changes: { 486: [23] } }, "require-failed", /firmware\.provisional/],
    ["an older reported TCB", { changes: { 390: [23] } }, "require-failed", /tcb\.reported at least/],
    ["an older launch TCB", { changes: { 502: [23] } }, "require-failed", /tcb\.launch at least/],
    ["provisional firmware", { changes: { 63: [220] } }, "require-failed", /firmware\.provisional/],
    ["VMPL 1", { changes: { 48: [1] } }, "require-failed", /vmpl == 0/],
    ["a VLEK", { changes: { 72: [5] } }, "require-failed", /endorsement\.kind == vcek/],
    ["a masked chip", { changes: { 416: Array(64).fill(0) } }, "require-failed", /has report\.chip_id/],
    ["an old CRL", { context: { now: instant(NOW + 90_000) } }, "require-failed", /endorsement\.crl_age/],
    ["a stale nonce", { context: { nonceAgeMs: 60_001 } }, "require-failed", /request\.nonce_age/],
    ["the KBS exchange", { context: { channel: "kbs" } }, "require-failed", /request\.channel/],
    ["another operation", { context: { op: "derive" } }, "no-allow", /^demo-disks: allow/],
    [
      "a reserved policy bit",
      { changes: { 15: [0x80] } },
      "denied",
      /^ostiary\.default: deny .*guest\.unknown_bits/,
    ],
    [
      "a reserved platform bit",
      { changes: { 65: [0x01] } },
      "denied",
      /^ostiary\.default: deny .*host\.unknown_bits/,
    ],
    [
      "Siena below its own floor",
      { chip: SIENA_V5, changes: { 391: [24] } },
      "require-failed",
      /tcb\.reported/,
    ],
  ];
  for (const [deviation, variation, code, clause] of rows) {
    it(`refuses ${deviation}, and the trace says which clause`, () => {
      const appraisal = appraisalOf(variation);
      expect(appraisal).toMatchObject({ tier: "contraindicated", isAllowed: false, code, allowedBy: [] });
      expect(failing(appraisal.trace).filter((text) => clause.test(text))).not.toEqual([]);
    });
  }

  it("holds Siena to Siena's microcode and not to Genoa's", () => {
    const tcb = [10, 0, 0, 0, 0, 0, 23, 27];
    const changes = { 56: tcb, 384: tcb, 480: tcb, 496: tcb };
    expect(appraisalOf({ chip: SIENA_V5, changes }).isAllowed).toBe(true);
    expect(appraisalOf({ chip: GENOA_V4, changes }).isAllowed).toBe(false);
  });

  it("lets a stepping that nobody lists pass no floor of a silicon line", () => {
    const bundle = bundleOfText(`floor f { milan-x { microcode 1 } }
policy p { for resource "**" require tcb.committed at least f allow }`);
    expect(appraisalOf({ chip: { ...MILAN_V3, silicon: undefined } }, bundle).isAllowed).toBe(false);
  });

  for (const resource of [
    "prod/disk",
    "demo",
    "demo/",
    "demo//disk",
    "demo/../disk",
    "demo/a b",
    "",
    "Demo/disk",
  ]) {
    it(`refuses ${JSON.stringify(resource)}, which no policy is about`, () => {
      expect(appraisalOf({ context: { resource } })).toMatchObject({ isAllowed: false, code: "no-policy" });
    });
  }
});

describe("no default is permissive", () => {
  it("no bundle, no release", () => {
    const appraisal = appraise(boundOf(MILAN_V3), undefined, CONTEXT);
    expect(appraisal).toMatchObject({ tier: "contraindicated", isAllowed: false, code: "no-policy" });
  });

  it("a bundle of guards only, no release", () => {
    const bundle = bundleOfText('guard g { for resource "**" require vmpl == 0 else "no" }');
    expect(appraisalOf({}, bundle)).toMatchObject({ isAllowed: false, code: "no-policy" });
  });

  it("no revocation data, no release, whatever the policy says", () => {
    const bundle = bundleOfText('policy p { for resource "**" allow }');
    const { revocation: _, ...rest } = boundOf(MILAN_V3);
    const appraisal = appraise(rest as ReturnType<typeof boundOf>, bundle, CONTEXT);
    expect(appraisal).toMatchObject({ isAllowed: false, code: "evidence" });
    expect(failing(appraisal.trace)).toEqual(["ostiary.evidence: require has endorsement.crl_age"]);
  });

  it("unknown bits pass no policy, however permissive", () => {
    const bundle = bundleOfText('policy p { for resource "**" allow }');
    expect(appraisalOf({}, bundle).isAllowed).toBe(true);
    expect(appraisalOf({ changes: { 15: [0x80] } }, bundle).isAllowed).toBe(false);
    expect(appraisalOf({ chip: MILAN_V2, changes: { 64: [0x20] } }, bundle).isAllowed).toBe(false);
    expect(appraisalOf({ chip: TURIN_V5, changes: { 64: [0x40] } }, bundle).isAllowed).toBe(true);
  });
});

describe("an allow whose terms are not met is refused, and says so", () => {
  const rows: readonly (readonly [string, Partial<AppraisalContext>, string])[] = [
    ["another suite", { suite: 2 }, "ostiary.obligations: wrap hpke-x25519"],
    ["no suite", { suite: 0 }, "ostiary.obligations: wrap hpke-x25519"],
    ["an older key", { keyVersion: { wanted: 1, current: 2 } }, "ostiary.obligations: key_version current"],
  ];
  for (const [deviation, context, clause] of rows) {
    it(deviation, () => {
      const appraisal = appraisalOf({ context });
      expect(appraisal).toMatchObject({
        tier: "contraindicated",
        isAllowed: false,
        code: "denied",
        allowedBy: [],
      });
      expect(appraisal.obligations.maxReleases).toEqual([]);
      expect(failing(appraisal.trace)).toEqual([clause]);
    });
  }

  it("two policies that grant and name different suites", () => {
    const granting = (name: string, wrap: string) =>
      `policy ${name} { for resource "**" allow on release { wrap ${wrap} } }`;
    const bundle = bundleOfText(`${granting("a", "hpke-x25519")}\n${granting("b", "hpke-xwing")}`);
    for (const suite of [1, 2] as const) {
      expect(appraisalOf({ context: { suite } }, bundle)).toMatchObject({ isAllowed: false, code: "denied" });
    }
  });

  it("but a request that policy refuses keeps the policy's own reason", () => {
    expect(appraisalOf({ changes: { 144: [0xee] }, context: { suite: 2 } }).code).toBe("require-failed");
  });
});

describe("reference values", () => {
  const refs = (state: string) => `refset images of measurement { owner "o@example"
  "one" = hex"${"02".repeat(48)}" vcpus 4 state ${state}
}
policy p { for resource "**" require measurement in images else "unknown image" allow }`;

  it("that retire carry the allow with a warning", () => {
    expect(appraisalOf({}, bundleOfText(refs("active"))).tier).toBe("affirming");
    expect(appraisalOf({}, bundleOfText(refs("retiring")))).toMatchObject({
      tier: "warning",
      isAllowed: true,
    });
  });

  it("that are revoked deny", () => {
    expect(appraisalOf({}, bundleOfText(refs("revoked")))).toMatchObject({
      isAllowed: false,
      code: "revoked",
    });
  });

  it("give the number of vCPUs to the policy", () => {
    const counted = (n: number) =>
      bundleOfText(
        `${refs("active").replace(" allow", " require has vm.vcpus and vm.vcpus == N allow")}`.replace(
          "N",
          String(n),
        ),
      );
    expect(appraisalOf({}, counted(4)).isAllowed).toBe(true);
    expect(appraisalOf({}, counted(8)).isAllowed).toBe(false);
  });

  it("publish the author's sentence, and nothing where there is none", () => {
    expect(appraisalOf({ changes: { 144: [0xee] } }, bundleOfText(refs("active"))).sentence).toBe(
      "unknown image",
    );
    const silent = bundleOfText('policy p { for resource "**" require vmpl == 3 allow }');
    expect(appraisalOf({}, silent).sentence).toBeUndefined();
  });
});

describe("appraise is total", () => {
  const word = fc.string({ maxLength: 20 });
  const context: fc.Arbitrary<AppraisalContext> = fc.record({
    now: fc.integer({ min: 0, max: 253_402_300_799 }).map(instant),
    resource: word,
    op: fc.constantFrom("release", "unwrap", "derive", "write"),
    channel: fc.constantFrom("application", "ra-tls", "tls-exporter", "kbs"),
    nonceAgeMs: fc.nat(),
    attempt: fc.nat(),
    source: word,
    region: word,
    environment: word,
    isKekSealed: fc.boolean(),
    suite: fc.constantFrom(0, 1, 2, 3),
    keyVersion: fc.option(fc.record({ wanted: fc.nat(), current: fc.nat() }), { nil: undefined }),
  });

  test.prop([fc.constantFrom(...CHIPS), context])(
    "whatever the exchange says, it answers with a trace that is JSON",
    (chip, any) => {
      const appraisal = appraise(boundOf(chip), demo, any);
      expect(appraisal.isAllowed).toBe(appraisal.code === undefined);
      expect(appraisal.isAllowed).toBe(appraisal.tier !== "contraindicated");
      expect(JSON.parse(JSON.stringify(appraisal.trace))).toEqual(appraisal.trace);
    },
  );

  it("what cannot happen is a refusal, not an exception", () => {
    const broken = { ...demo, program: undefined } as unknown as Bundle;
    expect(appraise(boundOf(MILAN_V3), broken, CONTEXT)).toMatchObject({
      tier: "contraindicated",
      isAllowed: false,
      code: "internal",
    });
    const empty = {} as unknown as ReturnType<typeof boundOf>;
    expect(appraise(empty, demo, CONTEXT)).toMatchObject({ isAllowed: false, code: "internal" });
  });
});
