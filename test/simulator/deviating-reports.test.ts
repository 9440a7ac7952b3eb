/** What can be wrong with a report? One change from a good base each, and the code that it gets. */
import { describe, expect, it } from "vitest";
import { REPORT_FIELDS } from "../../src/attestation/snp/layout.ts";
import { type Deviation, type Row, verdictOf } from "./deviation.ts";

const field = (name: keyof typeof REPORT_FIELDS, ...bytes: readonly number[]): Deviation => ({
  report: { fields: { [name]: Uint8Array.from(bytes) } },
});
const before = (at: number, value: number): Deviation => ({
  report: { patchBefore: (report) => void report.fill(value, at, at + 1) },
});
const after = (at: number, value: number): Deviation => ({
  report: { patchAfter: (report) => void report.fill(value, at, at + 1) },
});
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const N = fromHex(
  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
);
const scalar = (at: number, value: Uint8Array): Deviation => ({
  report: { patchAfter: (report) => void report.set(Uint8Array.from(value).reverse(), at) },
});
const R = REPORT_FIELDS.signatureR.at;
const S = REPORT_FIELDS.signatureS.at;
const ZERO_SCALAR = new Uint8Array(48);
/** ECDSA takes both; AMD's firmware emits either. */
function negateS(report: Uint8Array): void {
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  const negated = number(N) - number(report.slice(S, S + 48).reverse());
  report.set(fromHex(negated.toString(16).padStart(96, "0")).reverse(), S);
}

const ORDINARY = { bootloader: 4, tee: 0, snp: 24, microcode: 219 };
const TURIN = { fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 };

const TCB: readonly Row[] = [
  [
    "a leaf one bootloader older",
    { leaf: { tcb: { ...ORDINARY, bootloader: 3 } } },
    "endorsement/tcb-mismatch",
  ],
  ["a leaf one tee newer", { leaf: { tcb: { ...ORDINARY, tee: 1 } } }, "endorsement/tcb-mismatch"],
  ["a leaf one snp newer", { leaf: { tcb: { ...ORDINARY, snp: 25 } } }, "endorsement/tcb-mismatch"],
  [
    "a leaf one microcode older",
    { leaf: { tcb: { ...ORDINARY, microcode: 218 } } },
    "endorsement/tcb-mismatch",
  ],
  [
    "a Turin leaf with another fmc",
    { product: "turin", leaf: { tcb: { ...TURIN, fmc: 2 } } },
    "endorsement/tcb-mismatch",
  ],
  ["reported below committed", { report: { committedTcb: { ...ORDINARY, snp: 25 } } }, "verified"],
  ["provisional firmware", { report: { currentTcb: { ...ORDINARY, snp: 25 } } }, "verified"],
  ["launched above current", { report: { launchTcb: { ...ORDINARY, snp: 25 } } }, "verified"],
  [
    "committed above current by snp",
    { report: { currentTcb: { ...ORDINARY, snp: 23, microcode: 250 } } },
    "evidence/tcb-order",
  ],
  [
    "committed above current by microcode",
    { report: { currentTcb: { ...ORDINARY, snp: 30, microcode: 218 } } },
    "evidence/tcb-order",
  ],
  [
    "committed above current by bootloader, hidden by microcode",
    { report: { currentTcb: { ...ORDINARY, bootloader: 3, microcode: 255 } } },
    "evidence/tcb-order",
  ],
  [
    "Turin's committed above current by fmc",
    { product: "turin", report: { currentTcb: { ...TURIN, fmc: 0, microcode: 255 } } },
    "evidence/tcb-order",
  ],
  [
    "a reserved byte of a TCB",
    { report: { fields: { currentTcb: Uint8Array.of(4, 0, 1, 0, 0, 0, 24, 219) } } },
    "evidence/reserved-bits",
  ],
  ["a v2 report", { report: { version: 2 } }, "verified"],
  [
    "a v2 report under Turin",
    {
      product: "turin",
      report: { version: 2, reportedTcb: ORDINARY, fields: { platformInfo: new Uint8Array(8) } },
    },
    "evidence/reserved-bits",
  ],
  ["a masked CHIP_ID", { report: { fields: { chipId: new Uint8Array(64) } } }, "verified"],
];

const REPORT_BYTES: readonly Row[] = [
  ["version 0", field("version", 0, 0, 0, 0), "evidence/unknown-version"],
  ["version 1", field("version", 1, 0, 0, 0), "evidence/unknown-version"],
  ["version 6", field("version", 6, 0, 0, 0), "evidence/unknown-version"],
  ["version 4294967295", field("version", 255, 255, 255, 255), "evidence/unknown-version"],
  [
    "version 2 with a CPUID",
    { report: { version: 2, fields: { cpuFamily: Uint8Array.of(25) } } },
    "evidence/reserved-bits",
  ],
  ["version 3 with a mitigation", field("launchMitigations", 1), "evidence/reserved-bits"],
  [
    "version 4 with a mitigation",
    { report: { version: 4, fields: { currentMitigations: Uint8Array.of(1) } } },
    "evidence/reserved-bits",
  ],
  [
    "version 5 with mitigations",
    { report: { version: 5, fields: { launchMitigations: new Uint8Array(8).fill(255) } } },
    "verified",
  ],
  ["a byte after SIGNER_INFO", before(0x04c, 1), "evidence/reserved-bits"],
  ["the last signed byte", before(0x29f, 1), "evidence/reserved-bits"],
  ["SIGNER_INFO bit 5", { report: { signerInfo: 0x20 } }, "evidence/reserved-bits"],
  [
    "MASK_CHIP_KEY",
    { report: { signerInfo: 2, patchAfter: (report) => void report.fill(0, R) } },
    "evidence/unsigned",
  ],
  [
    "a signature of zeros",
    { report: { patchAfter: (report) => void report.fill(0, R) } },
    "evidence/unsigned",
  ],
  ["SIGNING_KEY 2", { report: { signerInfo: 2 << 2 } }, "evidence/unsigned"],
  ["SIGNING_KEY 7", { report: { signerInfo: 7 << 2 } }, "evidence/unsigned"],
  ["algorithm 2", field("signatureAlgo", 2, 0, 0, 0), "evidence/unknown-algorithm"],
  ["the host's own request", { report: { vmpl: 0xffffffff } }, "evidence/host-requested"],
  ["VMPL 4", { report: { vmpl: 4 } }, "evidence/malformed"],
  ["VMPL 3", { report: { vmpl: 3 } }, "verified"],
  ["family 25, model 0x20", field("cpuModel", 0x20), "evidence/unknown-product"],
  [
    "Venice",
    { report: { fields: { cpuFamily: Uint8Array.of(26), cpuModel: Uint8Array.of(0x50) } } },
    "evidence/unknown-product",
  ],
  [
    "another line's CPUID",
    { report: { fields: { cpuModel: Uint8Array.of(0x11) } } },
    "endorsement/product-mismatch",
  ],
  ["unknown policy bits", { report: { policy: 0xffff_ffff_ffff_ffffn } }, "verified"],
  ["unknown platform bits", { report: { platformInfo: 0xffff_ffff_ffff_ffffn } }, "verified"],
  ["a byte in R's extension", after(R + 48, 1), "evidence/reserved-bits"],
  ["a byte in S's extension", after(S + 71, 1), "evidence/reserved-bits"],
  ["the first byte of the tail", after(0x330, 1), "evidence/reserved-bits"],
  ["the last byte of the tail", after(0x49f, 1), "evidence/reserved-bits"],
  ["r = 0", scalar(R, ZERO_SCALAR), "evidence/bad-signature"],
  ["s = 0", scalar(S, ZERO_SCALAR), "evidence/bad-signature"],
  ["r = n", scalar(R, N), "evidence/bad-signature"],
  ["s = n", scalar(S, N), "evidence/bad-signature"],
  ["s above n", scalar(S, new Uint8Array(48).fill(255)), "evidence/bad-signature"],
  ["n - s in the place of s", { report: { patchAfter: negateS } }, "verified"],
  ["another measurement after signing", after(REPORT_FIELDS.measurement.at, 9), "evidence/bad-signature"],
];

describe.each([
  ["TCB", TCB],
  ["report bytes", REPORT_BYTES],
])("a deviation in %s", (_part, rows) => {
  it.each(rows)("%s", async (_name, deviation, verdict) => {
    expect(await verdictOf(deviation)).toBe(verdict);
  });
});
