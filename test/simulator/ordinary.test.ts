/** Is a default guest the ordinary one, so that what a policy's tests say of it holds for the demonstration too? */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { addSeconds } from "../../src/base/time.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { ORDINARY } from "../../src/policy/vocabulary-ordinary.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;

describe.each(["milan", "genoa", "turin"] as const)("a default guest on %s", (product) => {
  it("is the vocabulary's ordinary request, field by field", async () => {
    const root = simulatedRoot(product);
    const notAfter = addSeconds(SIMULATED_NOW, YEAR);
    const chip = createSimulatedChip(root, { leaf: { certificate: { notAfter } } });
    const evidence = parseEvidence({
      format: "raw",
      report: chip.report({ reportData: new Uint8Array(64) }),
      endorsements: [chip.leaf, root.ask, root.ark],
    });
    const obtainedAt = addSeconds(SIMULATED_NOW, -HOUR);
    const crls = [{ der: root.crl({ thisUpdate: obtainedAt }), obtainedAt }];
    const { certificates } = evidence;
    const verified = await verifyEvidence(evidence, { certificates, crls }, simulatedTrust(product));
    const facts = factsOf(verified, {
      now: SIMULATED_NOW,
      resource: "demo/luks/root",
      op: "release",
      channel: "application",
      nonceAgeMs: 1000,
      attempt: 1,
      source: "192.0.2.1",
      region: "test",
      environment: "test",
      isKekSealed: true,
    });
    const ordinary = [...(ORDINARY[product] ?? [])];
    expect(ordinary.length).toBeGreaterThan(40);
    expect(ordinary.map(([name]) => [name, facts.get(name)])).toEqual(ordinary);
  });
});
