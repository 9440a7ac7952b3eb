/** Does an SVSM's report count only together with what the SVSM says of its services? */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { servicesOf, VTPM_SERVICE } from "../../src/attestation/svsm/manifest.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { endorsementsOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest, svsmReport } from "../../src/simulator/svsm.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const UEFI = "a4453a59-9e1b-4787-a033-1986d6adbe55";
const SERVICES = [
  { guid: VTPM_SERVICE, manifest: utf8("the endorsement key of a vTPM") },
  { guid: UEFI, manifest: utf8("variables") },
];
const MANIFEST = svsmManifest(SERVICES);
const HEADER = 24;

function changed(at: number, value: number): Uint8Array {
  const bytes = MANIFEST.slice();
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
}

/** As many as that, each with a byte. */
function services(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    guid: UEFI.replace(/^a4/, i.toString(16).padStart(2, "0")),
    manifest: Uint8Array.of(i),
  }));
}

describe("an SVSM's manifest", () => {
  it("is a table of its services", () => {
    expect(servicesOf(MANIFEST)).toEqual(SERVICES);
    expect(servicesOf(svsmManifest([]))).toEqual([]);
    expect(servicesOf(svsmManifest(services(64)))).toHaveLength(64);
  });

  it("of a single service has no table, and is taken as it is", () => {
    expect(servicesOf(utf8("the endorsement key of a vTPM"))).toEqual([]);
  });

  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["no bytes", new Uint8Array(0)],
    ["more than 16 KiB", new Uint8Array(16 * 1024 + 1)],
    ["a length that is not its own", changed(16, MANIFEST.length - 1)],
    ["a byte after it", concatBytes(MANIFEST, Uint8Array.of(0))],
    ["more services than fit", changed(20, 0xffff_ffff)],
    ["sixty-five services", svsmManifest(services(65))],
    ["a service that begins among the entries", changed(HEADER + 16, HEADER)],
    ["a service that ends beyond it", changed(HEADER + 24 + 20, 1000)],
    ["a service that ends beyond all numbers", changed(HEADER + 24 + 20, 0xffff_ffff)],
    ["one service twice", svsmManifest([...SERVICES, { guid: UEFI, manifest: utf8("others") }])],
  ];
  it.each(rows)("is refused with %s", (_name, manifest) => {
    expect(codeOf(() => servicesOf(manifest))).toBe("evidence/malformed");
  });

  it("is refused where one byte belongs to two services", () => {
    const size = SERVICES[0]?.manifest.length ?? 0;
    expect(codeOf(() => servicesOf(changed(HEADER + 20, size + 1)))).toBe("evidence/malformed");
    expect(codeOf(() => servicesOf(changed(HEADER + 20, size - 1)))).toBeUndefined();
  });

  it("ends in a fault or in services, whatever the bytes are", () => {
    const cut = fc
      .tuple(fc.nat({ max: MANIFEST.length }), fc.uint8Array({ maxLength: 60 }))
      .map(([at, tail]) => concatBytes(MANIFEST.slice(0, at), tail));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), cut), (bytes) => {
        expect(codeOf(() => servicesOf(bytes)) ?? "read").toMatch(/^(evidence\/malformed|read)$/);
      }),
      { numRuns: 200 },
    );
  });
});

describe("an SVSM's evidence", () => {
  const root = simulatedRoot("milan");
  const chip = createSimulatedChip(root);
  const binder = new Uint8Array(64).fill(0xb5);

  async function verified(vmpl: number) {
    const report = svsmReport(chip, { binder, manifest: MANIFEST }, { vmpl });
    const endorsements = endorsementsOf(root, chip, SIMULATED_NOW);
    const evidence = parseEvidence({ format: "svsm", report, manifest: MANIFEST, endorsements });
    const crls = evidence.crls.map((der) => ({ der }));
    return verifyEvidence(evidence, { certificates: evidence.certificates, crls }, simulatedTrust("milan"));
  }

  it("is genuine at VMPL 0, and holds no register of a TPM", async () => {
    const { evidence, vtpm } = await verified(0);
    expect({ kind: evidence.kind, vtpm }).toEqual({ kind: "svsm", vtpm: undefined });
  });

  it.each([1, 2, 3])("is refused at VMPL %i, where a guest may have asked", async (vmpl) => {
    expect(await codeOfPromise(verified(vmpl))).toBe("evidence/wrong-vmpl");
  });
});
