/** What arrived, and from what kind of platform? Evidence, parsed and not yet believed. */
import { Fault } from "../base/fault.ts";
import { looksLikeCrl } from "./endorsement/pem.ts";
import { parseCertTable } from "./snp/cert-table.ts";
import { SIGNED_SIZE } from "./snp/layout.ts";
import { parseReport, type Report } from "./snp/report.ts";
import { signatureOf } from "./snp/signature.ts";

/** Evidence as a message carries it (PROTOCOL section 4). Further formats join this union. */
export interface CarriedEvidence {
  readonly format: "raw";
  /** 1184 bytes. */
  readonly report: Uint8Array;
  /** The GHCB certificate table as the host gave it. */
  readonly certTable?: Uint8Array;
  /** Certificates and CRLs in DER, in any order. */
  readonly endorsements?: readonly Uint8Array[];
}

/** A report that the guest asked the firmware for directly. */
export interface RawEvidence {
  readonly kind: "raw";
  readonly report: Report;
  readonly reportBytes: Uint8Array;
  /** 0x000 to 0x29F: what the signature covers, and what identifies the report. */
  readonly signedBytes: Uint8Array;
  /** `r ‖ s`, 96 bytes, big-endian. */
  readonly signature: Uint8Array;
  /** Certificates that came with it, in DER; attacker-controlled. */
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
}

export type Evidence = RawEvidence;

const MAX_CERTIFICATES = 8;
const MAX_CERTIFICATE_BYTES = 8192;

/**
 * Parses evidence. Cheap and pure; proves nothing.
 *
 * @throws {@link Fault} the codes of {@link parseReport} and {@link parseCertTable}.
 */
export function parseEvidence(carried: CarriedEvidence): Evidence {
  const reportBytes = carried.report.slice();
  const report = parseReport(reportBytes);
  const table = carried.certTable === undefined ? undefined : parseCertTable(carried.certTable);
  const beside = (carried.endorsements ?? []).map((certificate) => certificate.slice()); // those of a table are copies already
  const [crls, certificates] = [[...(table?.crls ?? [])], [...(table?.certificates ?? [])]];
  for (const der of beside) (looksLikeCrl(der) ? crls : certificates).push(der);
  if (certificates.length > MAX_CERTIFICATES) {
    throw new Fault(
      "evidence/malformed",
      `expected at most ${MAX_CERTIFICATES} certificates with the evidence`,
    );
  }
  if ([...certificates, ...beside].some(({ length }) => length > MAX_CERTIFICATE_BYTES)) {
    throw new Fault("evidence/malformed", `expected certificates of at most ${MAX_CERTIFICATE_BYTES} bytes`);
  }
  return {
    kind: "raw",
    report,
    reportBytes,
    signedBytes: reportBytes.slice(0, SIGNED_SIZE),
    signature: signatureOf(reportBytes),
    certificates,
    crls,
  };
}
