/** Reports by hand: every field set to something that can be told apart, one change at a time. No signature holds here. */
import { type Evidence, parseEvidence } from "../../src/attestation/evidence.ts";
import type { ProductLine, SiliconLine } from "../../src/attestation/snp/product.ts";
import type { Verification } from "../../src/attestation/verify.ts";
import { instant } from "../../src/base/time.ts";
import type { BoundEvidence } from "../../src/channel/bind.ts";
import type { AppraisalContext } from "../../src/policy/appraise.ts";

export interface Chip {
  readonly version: 2 | 3 | 4 | 5;
  readonly product: ProductLine;
  readonly silicon: SiliconLine | undefined;
  readonly cpuid: readonly [family: number, model: number, stepping: number];
}

export const MILAN_V2: Chip = { version: 2, product: "milan", silicon: undefined, cpuid: [0, 0, 0] };
export const MILAN_V3: Chip = { version: 3, product: "milan", silicon: "milan", cpuid: [0x19, 1, 1] };
export const GENOA_V4: Chip = { version: 4, product: "genoa", silicon: "genoa", cpuid: [0x19, 0x11, 1] };
export const SIENA_V5: Chip = { version: 5, product: "genoa", silicon: "siena", cpuid: [0x19, 0xa0, 2] };
export const TURIN_V5: Chip = { version: 5, product: "turin", silicon: "turin", cpuid: [0x1a, 2, 1] };
export const CHIPS = [MILAN_V2, MILAN_V3, GENOA_V4, TURIN_V5] as const;

const TCB_BYTES = {
  milan: [4, 0, 0, 0, 0, 0, 24, 219],
  genoa: [10, 0, 0, 0, 0, 0, 23, 84],
  turin: [1, 1, 1, 3, 0, 0, 0, 75],
} as const;

/** A report whose every field is set: ID block, author key, chip identifier and, where there is one, CPUID. */
export function reportBytes(
  chip: Chip,
  changes: Readonly<Record<number, readonly number[]>> = {},
): Uint8Array {
  const bytes = new Uint8Array(1184);
  const tcb = TCB_BYTES[chip.product];
  bytes.set([chip.version], 0x000);
  bytes.set([7], 0x004);
  bytes.set([0x1f, 0, 3], 0x008);
  bytes.fill(0xa1, 0x010, 0x020);
  bytes.fill(0xa2, 0x020, 0x030);
  bytes.set([1], 0x034);
  bytes.set([5], 0x040);
  bytes.set([1], 0x048);
  for (const at of [0x038, 0x180, 0x1e0, 0x1f0]) bytes.set(tcb, at);
  bytes.fill(0x02, 0x090, 0x0c0);
  bytes.fill(0xa3, 0x0c0, 0x0e0);
  bytes.fill(0xa4, 0x0e0, 0x110);
  bytes.fill(0xa5, 0x110, 0x140);
  bytes.fill(0x01, 0x140, 0x160);
  bytes.fill(0xff, 0x160, 0x180);
  bytes.set(chip.cpuid, 0x188);
  bytes.fill(0x03, 0x1a0, chip.product === "turin" ? 0x1a8 : 0x1e0);
  bytes.set([40, 55, 1], 0x1e8);
  bytes.set([40, 55, 1], 0x1ec);
  bytes.set([1], 0x2a0);
  bytes.set([1], 0x2e8);
  for (const [at, values] of Object.entries(changes)) bytes.set(values, Number(at));
  return bytes;
}

/** Evidence of such a report. */
export function evidenceOf(chip: Chip, changes: Readonly<Record<number, readonly number[]>> = {}): Evidence {
  return parseEvidence({ format: "raw", report: reportBytes(chip, changes) });
}

/** What a verifier would say of it: made by hand, so that one answer can be changed at a time. */
export function verificationOf(
  chip: Chip,
  changes: Readonly<Record<number, readonly number[]>> = {},
  answers: Partial<Verification> = {},
): Verification {
  const evidence = evidenceOf(chip, changes);
  return {
    evidence,
    product: chip.product,
    ...(chip.silicon === undefined ? {} : { silicon: chip.silicon }),
    endorsement: {
      kind: evidence.report.signingKey,
      tcb: evidence.report.reportedTcb,
      productName: "Milan-B0",
      notBefore: NOW,
      notAfter: instant(NOW + 86_400),
      spki: new Uint8Array(1),
    },
    revocation: {
      number: 6n,
      thisUpdate: instant(NOW - 7200),
      nextUpdate: instant(NOW + 7200),
      obtainedAt: instant(NOW - 3600),
    },
    isSimulated: true,
    ...answers,
  };
}

/** The mark is put on by hand: policy looks at what evidence says, and the doors that make the mark have tests of their own. */
export function boundOf(
  chip: Chip,
  changes: Readonly<Record<number, readonly number[]>> = {},
  answers: Partial<Verification> = {},
): BoundEvidence {
  return verificationOf(chip, changes, answers) as BoundEvidence;
}

/** 2026-09-10T12:00:00Z, a Thursday. */
export const NOW = instant(1_789_041_600);

export const CONTEXT: AppraisalContext = {
  now: NOW,
  resource: "demo/disk",
  op: "release",
  channel: "application",
  nonceAgeMs: 3000,
  attempt: 1,
  source: "192.0.2.1",
  region: "eu-north",
  environment: "test",
  isKekSealed: false,
  suite: 1,
  keyVersion: { wanted: 1, current: 1 },
};
