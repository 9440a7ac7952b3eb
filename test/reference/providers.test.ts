/** Do Google's endorsements and lists of Azure's keys become sets that know the guests of these clouds, and no others? */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyLaunchEndorsement } from "../../src/attestation/gcp/endorsement.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { parseAzureList } from "../../src/reference/from-azure.ts";
import { carryGoogle } from "../../src/reference/from-google.ts";
import { referenceModule } from "../../src/reference/to-writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import { evaluate } from "../../src/writ/evaluation/evaluator.ts";
import { amdTrust } from "../attestation/real-case.ts";
import { CONTEXT } from "../policy/report-bytes.ts";
import { AZURE_SAMPLES } from "../support/azure-vectors.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { endorsementOf, FOUR_VMSAS, simulatedProviders, UEFI_DIGEST } from "../support/provider.ts";
import { itWithVectors } from "../support/shared-vectors.ts";

const NOW = instant(1_793_606_400); // 2026-11-02T08:00:00Z
const WORDS = { module: "azure.keys", version: "1.0.0", set: "azure_keys", owner: "team@example.org" };
const ORIGIN = { source: "list", about: [], from: instant(1_793_404_800), to: instant(1_800_000_000) };
/** Digests that public samples show: the newer one, and the one before. */
const NEWER =
  "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177";
const OLDER =
  "0356215882a825279a85b300b0b742931d113bf7e32dde2e50ffde7ec743ca491ecdd7f336dc28a6e0b2bb57af7a44a3";
const keyOf = (digest: string, label = digest.slice(0, 4)) => ({ digest, label });

function listOf(list: unknown): Uint8Array {
  return utf8(JSON.stringify(list));
}

/** What a policy that uses the list says of a real VM of Azure's. */
async function verdict(name: string, list: unknown): Promise<boolean> {
  const sample = AZURE_SAMPLES[name]?.();
  if (sample === undefined) throw new Error(`no sample ${name}`);
  const evidence = parseEvidence({ ...sample, format: "azure-hcl" });
  const endorsements = { certificates: sample.certificates, crls: [] };
  const verified = await verifyEvidence(evidence, endorsements, amdTrust("2025-06-01T00:00:00Z"));
  const facts = factsOf(verified, { ...CONTEXT, now: NOW, resource: "prod/a" });
  const policy = `writ 1
module p version 1.0.0 { owner "t" }
import "keys.writ" { azure_keys_required }
policy disks { for resource "prod/**" use azure_keys_required() allow }`;
  const keys = referenceModule(parseAzureList(listOf(list)).carried, WORDS, ORIGIN);
  const { program, diagnostics } = compileSources([{ path: "p.writ", text: policy }], {
    vocabulary: SNP_VOCABULARY,
    digest: nodePrimitives.digest,
    files: () => utf8(keys),
  });
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join());
  return evaluate(program, facts).isAllowed;
}

describe("a list of Azure's keys", () => {
  const svns = { milan: 10, genoa: 65_547 };
  const rows: readonly [string, string, unknown, boolean][] = [
    [
      "knows a Milan VM of Azure's",
      "evidence-v1.json",
      { version: 1, keys: [keyOf(NEWER)], minimumSvn: svns },
      true,
    ],
    [
      "knows a Genoa VM of Azure's",
      "evidence-genoa.json",
      { version: 1, keys: [keyOf(NEWER)], minimumSvn: svns },
      true,
    ],
    [
      "refuses one whose paravisor is too old for its product",
      "evidence-genoa.json",
      { version: 1, keys: [keyOf(NEWER)], minimumSvn: { milan: 10, genoa: 65_548 } },
      false,
    ],
    [
      "counts the versions of one product for no other",
      "evidence-genoa.json",
      { version: 1, keys: [keyOf(NEWER)], minimumSvn: { milan: 0 } },
      false,
    ],
    [
      "refuses one of another key",
      "evidence-genoa.json",
      { version: 1, keys: [keyOf(OLDER)], minimumSvn: svns },
      false,
    ],
  ];
  for (const [title, name, list, isAllowed] of rows) {
    itWithVectors(title, async () => {
      expect(await verdict(name, list)).toBe(isAllowed);
    });
  }

  it("may be digests alone, and then says that no version is too old", () => {
    const { carried, issuer } = parseAzureList(listOf([NEWER, OLDER]));
    expect(carried.sets[0]?.entries.map(({ value }) => value)).toEqual([NEWER, OLDER]);
    expect([carried.conditions, issuer]).toEqual([[], undefined]);
    expect(carried.notes).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ["no list", 1],
    ["no keys", { version: 1, keys: [], minimumSvn: {} }],
    ["another version", { version: 2, keys: [keyOf(NEWER)], minimumSvn: {} }],
    ["a digest of another length", { version: 1, keys: [keyOf(NEWER.slice(2))], minimumSvn: {} }],
    ["a digest in capitals", [NEWER.toUpperCase()]],
    ["a digest twice", [NEWER, NEWER]],
    ["a label twice", { version: 1, keys: [keyOf(NEWER, "a"), keyOf(OLDER, "a")], minimumSvn: {} }],
    ["a negative version", { version: 1, keys: [keyOf(NEWER)], minimumSvn: { milan: -1 } }],
    ["a version of 33 bits", { version: 1, keys: [keyOf(NEWER)], minimumSvn: { milan: 2 ** 32 } }],
    ["a product that nobody knows", { version: 1, keys: [keyOf(NEWER)], minimumSvn: { venice: 1 } }],
    ["a member that nobody knows", { version: 1, keys: [keyOf(NEWER)], minimumSvn: {}, revoked: [] }],
  ])("is refused with %s", (_name, list) => {
    expect(codeOf(() => parseAzureList(listOf(list)))).toBe("reference/malformed");
  });

  it("is refused with a member twice", () => {
    expect(codeOf(() => parseAzureList(utf8('{"version":1,"version":1}')))).toBe("reference/malformed");
  });
});

describe("an endorsement of Google's", () => {
  const { firmware } = simulatedProviders();
  const options = { authorities: firmware, now: NOW, primitives: nodePrimitives };

  it("gives a measurement for each number of processors, and that of its SVSM", async () => {
    const svsmMeasurement = new Uint8Array(48).fill(0x55);
    const carried = carryGoogle(await verifyLaunchEndorsement(endorsementOf({ svsmMeasurement }), options));
    const name = `google ${hexOf(UEFI_DIGEST.slice(0, 6))} svn 3`;
    expect(carried.sets).toEqual([
      {
        field: "measurement",
        suffix: "",
        entries: [
          { label: `${name} / 1 vcpu`, value: "11".repeat(48), vcpus: 1 },
          { label: `${name} / 4 vcpu`, value: hexOf(FOUR_VMSAS), vcpus: 4 },
          { label: `${name} / 224 vcpu`, value: "e0".repeat(48), vcpus: 224 },
          { label: `${name} / svsm`, value: "55".repeat(48) },
        ],
      },
    ]);
    expect(carried.notes.join("\n")).toMatch(/svn 3[\s\S]*0x70000/);
  });

  it("gives nothing where it names no measurement", async () => {
    const said = carryGoogle(
      await verifyLaunchEndorsement(endorsementOf({ measurements: {}, policy: 0n }), options),
    );
    expect([said.sets, said.notes.length]).toEqual([[], 1]);
  });

  it.each([
    [
      "under another root",
      { ...options, authorities: simulatedProviders().hostVtpm },
      endorsementOf(),
      "endorsement/provider-untrusted",
    ],
    [
      "after its certificate ran out",
      { ...options, now: instant(2_500_000_000) },
      endorsementOf(),
      "endorsement/provider-expired",
    ],
    ["with a bit changed", options, changed(endorsementOf()), "endorsement/firmware-bad-signature"],
    ["that is none", options, utf8("no endorsement"), "endorsement/firmware-malformed"],
  ])("is refused %s", async (_name, trust, bytes, code) => {
    expect(await codeOfPromise(verifyLaunchEndorsement(bytes, trust))).toBe(code);
  });
});

/** One bit of a measurement: fields and certificate stay what they were. */
function changed(bytes: Uint8Array): Uint8Array {
  const at = bytes.findIndex((byte, i) => byte === 0x44 && bytes[i + 20] === 0x44 && bytes[i + 40] === 0x44);
  return bytes.with(at, 0x45);
}
