/** What arrived, and from what kind of platform? Evidence, parsed and not yet believed. */
import { Fault } from "../base/fault.ts";
import { parseRuntimeClaims, type RuntimeClaims } from "./azure/claims.ts";
import { parseHclBlob } from "./azure/hcl.ts";
import { looksLikeCrl } from "./endorsement/pem.ts";
import { type HostVtpm, parseHostVtpm } from "./host-vtpm.ts";
import { type CertTable, parseCertTable } from "./snp/cert-table.ts";
import { SIGNED_SIZE } from "./snp/layout.ts";
import { parseReport, type Report } from "./snp/report.ts";
import { signatureOf } from "./snp/signature.ts";
import { type SvsmService, servicesOf } from "./svsm/manifest.ts";
import { type CarriedSvsmVtpm, parseSvsmVtpm, type SvsmVtpm } from "./svsm/vtpm.ts";
import { type EventLog, parseEventLog } from "./tpm/event-log.ts";
import { parseQuote, type Quote } from "./tpm/quote.ts";

/** Evidence as a message carries it (PROTOCOL section 4): one shape for each way in which hardware signs a binder. */
export type CarriedEvidence = CarriedRaw | CarriedAzureHcl | CarriedSvsm;

/** The name of a format: `evidence.format` of a policy, and which label the transcript has. */
export type EvidenceFormat = CarriedEvidence["format"];

/** A report that the guest asked the firmware for; REPORT_DATA is the binder. */
export interface CarriedRaw {
  readonly format: "raw";
  /** 1184 bytes. */
  readonly report: Uint8Array;
  /** The GHCB certificate table as the host gave it. */
  readonly certTable?: Uint8Array;
  /** Certificates and CRLs in DER, in any order. */
  readonly endorsements?: readonly Uint8Array[];
  readonly hostVtpm?: CarriedHostVtpm;
}

/** A quote of the vTPM that a cloud's hypervisor runs beside the guest: the provider's word, not AMD's. */
export interface CarriedHostVtpm {
  /** TPMS_ATTEST. */
  readonly quote: Uint8Array;
  /** By the attestation key, without a TPMT_SIGNATURE around it. */
  readonly signature: Uint8Array;
  /** PCR 0 to 23 of the SHA-256 bank, 32 bytes each. */
  readonly pcrs: readonly Uint8Array[];
  /** Of the attestation key, DER. */
  readonly akCertificate: Uint8Array;
}

/** A quote of the vTPM in Azure's paravisor, and the paravisor's report over that vTPM's key; the quote's qualifying data is the binder. */
export interface CarriedAzureHcl {
  readonly format: "azure-hcl";
  /** What NV index 0x01400001 holds. */
  readonly hcl: Uint8Array;
  /** TPMS_ATTEST, without a size before it. */
  readonly quote: Uint8Array;
  /** RSASSA-PKCS1-v1_5 with SHA-256, 256 bytes, without a TPMT_SIGNATURE around it. */
  readonly signature: Uint8Array;
  /** PCR 0 to 23 of the SHA-256 bank, 32 bytes each. */
  readonly pcrs: readonly Uint8Array[];
  /** The crypto-agile event log, `binary_bios_measurements`. */
  readonly eventLog?: Uint8Array;
  readonly endorsements?: readonly Uint8Array[];
}

/** A report that an SVSM asked for in the guest's place; REPORT_DATA is SHA-512 of the binder and the manifest. */
export interface CarriedSvsm {
  readonly format: "svsm";
  /** 1184 bytes. */
  readonly report: Uint8Array;
  /** What the SVSM says of its services, as it gave it. */
  readonly manifest: Uint8Array;
  readonly endorsements?: readonly Uint8Array[];
  /** What the SVSM's vTPM saw boot, for this very report. */
  readonly vtpm?: CarriedSvsmVtpm;
}

/** What is the same in every format: a report, and what came with it. */
interface Reported {
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

/** A report that the guest asked the firmware for directly. */
export interface RawEvidence extends Reported {
  readonly kind: "raw";
  /** Google's VMLaunchEndorsement, as the host gave it. */
  readonly launchEndorsement?: Uint8Array;
  /** What a vTPM that the host runs says: the provider's word. */
  readonly hostVtpm?: HostVtpm;
}

/** A paravisor's report, its claims, and a quote of its vTPM. */
export interface AzureHclEvidence extends Reported {
  readonly kind: "azure-hcl";
  /** The runtime claims exactly as they were carried. */
  readonly claimsBytes: Uint8Array;
  readonly runtime: RuntimeClaims;
  readonly quote: Quote;
  readonly eventLog?: EventLog;
}

/** An SVSM's report, over the guest's binder and its own manifest. */
export interface SvsmEvidence extends Reported {
  readonly kind: "svsm";
  readonly manifest: Uint8Array;
  /** Of a manifest that is a table of them. */
  readonly services: readonly SvsmService[];
  readonly vtpm?: SvsmVtpm;
}

export type Evidence = RawEvidence | AzureHclEvidence | SvsmEvidence;

const MAX_CERTIFICATES = 8;
const MAX_CERTIFICATE_BYTES = 8192;

/**
 * Parses evidence. Cheap and pure; proves nothing.
 *
 * @throws {@link Fault} the codes of {@link parseReport} and {@link parseCertTable}; of `azure-hcl` those of {@link parseHclBlob},
 *   {@link parseRuntimeClaims}, {@link parseQuote} and {@link parseEventLog}; of `svsm` those of {@link servicesOf} and
 *   {@link parseSvsmVtpm}.
 */
export function parseEvidence(carried: CarriedEvidence): Evidence {
  const { endorsements } = carried;
  switch (carried.format) {
    case "raw":
      return rawEvidence(carried);
    case "azure-hcl": {
      const { report, claimsBytes } = parseHclBlob(carried.hcl);
      const runtime = parseRuntimeClaims(claimsBytes);
      const log = carried.eventLog === undefined ? {} : { eventLog: parseEventLog(carried.eventLog) };
      const quote = parseQuote(carried);
      return { kind: "azure-hcl", ...reported(report, endorsements), claimsBytes, runtime, quote, ...log };
    }
    case "svsm": {
      const manifest = carried.manifest.slice();
      const services = servicesOf(manifest);
      const vtpm = carried.vtpm === undefined ? {} : { vtpm: parseSvsmVtpm(carried.vtpm) };
      return { kind: "svsm", ...reported(carried.report, endorsements), manifest, services, ...vtpm };
    }
  }
}

function rawEvidence({ report, certTable, endorsements, hostVtpm }: CarriedRaw): RawEvidence {
  const table = certTable === undefined ? undefined : parseCertTable(certTable);
  const said = table?.launchEndorsement;
  return {
    kind: "raw",
    ...reported(report, endorsements, table),
    ...(said === undefined ? {} : { launchEndorsement: said }),
    ...(hostVtpm === undefined ? {} : { hostVtpm: parseHostVtpm(hostVtpm) }),
  };
}

function reported(
  carriedReport: Uint8Array,
  endorsements: readonly Uint8Array[] = [],
  table?: CertTable,
): Reported {
  const reportBytes = carriedReport.slice();
  const report = parseReport(reportBytes);
  const beside = endorsements.map((certificate) => certificate.slice()); // those of a table are copies already
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
  const signedBytes = reportBytes.slice(0, SIGNED_SIZE);
  return { report, reportBytes, signedBytes, signature: signatureOf(reportBytes), certificates, crls };
}
