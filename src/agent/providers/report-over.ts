/** Is what an interface gave a report over the bytes that it was asked for? */
import { REPORT_FIELDS, REPORT_SIZE } from "../../attestation/snp/layout.ts";
import { equalBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";

const REPORT_DATA_SIZE = 64;

/** @throws {@link Fault} `internal/invariant`. */
export function refuseOtherSize(reportData: Uint8Array): void {
  if (reportData.length === REPORT_DATA_SIZE) return;
  throw new Fault("internal/invariant", `REPORT_DATA has ${REPORT_DATA_SIZE} bytes`);
}

/** @throws {@link Fault} `provider/unavailable`. */
export function reportOver(reportData: Uint8Array, report: Uint8Array): Uint8Array {
  if (report.length !== REPORT_SIZE) {
    throw unavailable(`expected a report of ${REPORT_SIZE} bytes, received ${report.length}`);
  }
  const { at } = REPORT_FIELDS.reportData;
  if (equalBytes(report.slice(at, at + REPORT_DATA_SIZE), reportData)) return report;
  throw unavailable("expected a report over the bytes that were asked for, received another");
}

function unavailable(sentence: string): Fault {
  return new Fault("provider/unavailable", sentence);
}
