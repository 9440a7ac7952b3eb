/** Does a guest under an SVSM get the SVSM's report over its manifest, and nothing where none stands over it? */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openSvsm } from "../../src/agent/providers/svsm.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { writeCertTable } from "../../src/simulator/cert-table.ts";
import { random } from "../client/sealed-answer.ts";
import { codeOfPromise } from "../support/faults.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { ownChannel } from "./own-channel.ts";
import { type LookAlikePlan, tsmLookAlike } from "./tsm-look-alike.ts";

const DATA = random(64);
const MANIFEST = random(300);

function opened(plan: LookAlikePlan) {
  const tsm = tsmLookAlike({ privlevelFloor: 2, ...plan });
  return { tsm, provider: openSvsm({ ...tsm, random, channel: ownChannel() }) };
}

describe("svsm", () => {
  it("gives the SVSM's own report, at VMPL 0, over binder and manifest", async () => {
    const { tsm, provider } = opened({ manifest: MANIFEST });
    const { report, manifest, endorsements } = await (await provider).attest(DATA);
    const read = parseReport(report);
    const signed = createHash("sha512").update(DATA).update(manifest).digest();
    expect([manifest, read.vmpl, endorsements]).toEqual([MANIFEST, 0, undefined]);
    expect(read.reportData).toEqual(Uint8Array.from(signed));
    expect(tsm.acts.slice(-6)).toEqual([
      "read auxblob",
      "read generation",
      "read manifestblob",
      "read generation",
      "read outblob",
      "read generation",
    ]);
    expect(tsm.left()).toEqual([]);
  });

  it("takes the certificates out of the host's table", async () => {
    const { ask, ark } = simulatedRoot("milan");
    const table = writeCertTable({ ask, ark });
    const { provider } = opened({ manifest: MANIFEST, auxblob: () => table });
    const { endorsements } = await (await provider).attest(DATA);
    expect(endorsements).toEqual([ask, ark]);
  });

  it("asks anew where somebody else wrote between manifest and report", async () => {
    let left = 2;
    const { provider } = opened({
      manifest: MANIFEST,
      onAct: (act, entry) => {
        if (act !== "read outblob" || left === 0) return;
        left -= 1;
        entry.disturb();
      },
    });
    const { report } = await (await provider).attest(DATA);
    const signed = createHash("sha512").update(DATA).update(MANIFEST).digest();
    expect(parseReport(report).reportData).toEqual(Uint8Array.from(signed));
  });

  it("is not opened where none stands over the guest", async () => {
    const { tsm, provider } = opened({});
    expect(await codeOfPromise(provider)).toBe("provider/unavailable");
    expect(tsm.acts).toEqual(["read provider", "read privlevel_floor"]);
  });

  it.each<[string, LookAlikePlan]>([
    ["a manifest of nothing", { manifest: new Uint8Array(0) }],
    ["a report over another manifest", { manifest: MANIFEST, outblob: (report) => report.with(0x50, 0) }],
    ["no module", { provider: undefined }],
  ])("is unavailable with %s", async (_, plan) => {
    const { tsm, provider } = opened(plan);
    expect(await codeOfPromise(provider.then((one) => one.attest(DATA)))).toBe("provider/unavailable");
    expect(tsm.left()).toEqual([]);
  });
});
