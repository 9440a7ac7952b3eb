/** Is a quote, or an SVSM's report, for this exchange and for no other? The binders of PROTOCOL section 10. */
import { describe, expect, it } from "vitest";
import { type CarriedEvidence, type EvidenceFormat, parseEvidence } from "../../src/attestation/evidence.ts";
import { VTPM_SERVICE } from "../../src/attestation/svsm/manifest.ts";
import type { VerifiedEvidence } from "../../src/attestation/verify.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { bindToTranscript, refuseForeign } from "../../src/channel/bind.ts";
import { encodeTranscript, type Transcript, transcriptOf } from "../../src/channel/transcript.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest, svsmReport } from "../../src/simulator/svsm.ts";
import { codeOf } from "../support/faults.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { azureEvidence } from "../support/simulated-azure.ts";
import { fieldsFor } from "./exchange-fields.ts";

const CHIP = createSimulatedChip(simulatedRoot("milan"));
const FIELDS = fieldsFor(1, 3);
const MANIFEST = svsmManifest([{ guid: VTPM_SERVICE, manifest: new Uint8Array(50).fill(7) }]);
const { digest } = nodePrimitives;

const QUOTED = transcriptOf(FIELDS, nodePrimitives, "azure-hcl");
const SERVED = transcriptOf(FIELDS, nodePrimitives, "svsm");
const DIRECT = transcriptOf(FIELDS, nodePrimitives, "raw");

const azure = (binder: Uint8Array, vmpl = 0) =>
  azureEvidence(binder, CHIP, { paravisor: { report: { vmpl } } });

function svsm(binder: Uint8Array, { manifest = MANIFEST, vmpl = 0 } = {}): CarriedEvidence {
  return { format: "svsm", report: svsmReport(CHIP, { binder, manifest: MANIFEST }, { vmpl }), manifest };
}

/** The filter and the binding answer alike. */
function verdict(carried: CarriedEvidence, transcript: Transcript): string | undefined {
  const evidence = parseEvidence(carried);
  const filtered = codeOf(() => refuseForeign(evidence, transcript, nodePrimitives));
  const verified = { evidence, product: "milan", isSimulated: true } as unknown as VerifiedEvidence;
  expect(codeOf(() => bindToTranscript(verified, transcript, nodePrimitives))).toBe(filtered);
  return filtered;
}

describe("a quote of a paravisor's vTPM", () => {
  it("over this exchange is bound to it", () => {
    expect(QUOTED.binder).toHaveLength(32);
    expect(verdict(azure(QUOTED.binder), QUOTED)).toBeUndefined();
  });

  it("is refused with a difference in any of the 32 bytes", () => {
    for (let at = 0; at < 32; at += 1) {
      const nonce = QUOTED.binder.map((byte, i) => (i === at ? byte ^ 0x80 : byte));
      expect(verdict(azure(nonce), QUOTED), `byte ${at}`).toBe("channel/not-bound");
    }
  });

  const others: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", new Uint8Array(0)],
    ["the first 31 bytes", QUOTED.binder.slice(0, 31)],
    ["the binder and a zero", concatBytes(QUOTED.binder, Uint8Array.of(0))],
    ["the binder of a report", DIRECT.binder.slice(0, 32)],
    ["the transcript of a report under SHA-256", digest("sha256", DIRECT.bytes)],
    ["the transcript of an SVSM under SHA-256", digest("sha256", SERVED.bytes)],
    ["a hash without a label", digest("sha256", encodeTranscript(FIELDS, ""))],
    [
      "another audience",
      transcriptOf({ ...FIELDS, audience: "https://other.example" }, nodePrimitives, "azure-hcl").binder,
    ],
    [
      "another wrap key",
      transcriptOf({ ...FIELDS, wrapPub: new Uint8Array(32).fill(9) }, nodePrimitives, "azure-hcl").binder,
    ],
  ];
  it.each(others)("is refused over %s", (_name, nonce) => {
    expect(verdict(azure(nonce), QUOTED)).toBe("channel/not-bound");
  });

  it("is refused beside a report of another VMPL", () => {
    expect(verdict(azure(QUOTED.binder, 2), QUOTED)).toBe("channel/not-bound");
  });
});

describe("an SVSM's report", () => {
  it("over this exchange and the manifest beside it is bound to it", () => {
    expect(verdict(svsm(SERVED.binder), SERVED)).toBeUndefined();
    const expected = digest("sha512", concatBytes(digest("sha512", SERVED.bytes), MANIFEST));
    const evidence = parseEvidence(svsm(SERVED.binder));
    expect(evidence.report.reportData).toEqual(expected);
  });

  it("is refused with a difference in any of the 64 bytes, or in the manifest", () => {
    for (let at = 0; at < 64; at += 1) {
      const binder = SERVED.binder.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(verdict(svsm(binder), SERVED), `byte ${at}`).toBe("channel/not-bound");
    }
    const manifest = svsmManifest([{ guid: VTPM_SERVICE, manifest: new Uint8Array(50).fill(8) }]);
    expect(verdict(svsm(SERVED.binder, { manifest }), SERVED)).toBe("channel/not-bound");
    expect(verdict(svsm(SERVED.binder, { manifest: MANIFEST.slice(0, 10) }), SERVED)).toBe(
      "channel/not-bound",
    );
  });

  it("is refused where REPORT_DATA is the binder itself", () => {
    const report = CHIP.report({ reportData: SERVED.binder });
    expect(verdict({ format: "svsm", report, manifest: MANIFEST }, SERVED)).toBe("channel/not-bound");
  });

  it("is refused at the level of a guest", () => {
    expect(verdict(svsm(SERVED.binder, { vmpl: 2 }), SERVED)).toBe("channel/not-bound");
  });
});

describe("evidence of one format", () => {
  const transcripts: Readonly<Record<EvidenceFormat, Transcript>> = {
    raw: DIRECT,
    "azure-hcl": QUOTED,
    svsm: SERVED,
  };
  const made: Readonly<Record<EvidenceFormat, (binder: Uint8Array) => CarriedEvidence>> = {
    raw: (binder) => ({
      format: "raw",
      report: CHIP.report({ reportData: concatBytes(binder, new Uint8Array(64)).slice(0, 64) }),
    }),
    "azure-hcl": azure,
    svsm: (binder) => svsm(binder),
  };

  it("is never bound to the transcript of another, whatever it is over", () => {
    for (const [format, make] of Object.entries(made)) {
      for (const [other, transcript] of Object.entries(transcripts)) {
        const expected = format === other ? undefined : "channel/not-bound";
        expect(verdict(make(transcript.binder), transcript), `${format} as ${other}`).toBe(expected);
      }
    }
  });
});
