/** What does the vTPM of an SVSM say of its guest? A quote for this very report, by a key that was proven to live beside the manifest's. */
import { equalBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives, SignatureScheme } from "../../base/primitives.ts";
import type { Report } from "../snp/report.ts";
import { attestationKeyIn } from "../tpm/attestation-key.ts";
import { type BootFacts, bootOf } from "../tpm/boot.ts";
import { endorsementKeyIn } from "../tpm/endorsement-key.ts";
import { type EventLog, parseEventLog } from "../tpm/event-log.ts";
import { type CarriedQuote, parseQuote, type Quote, verifyQuote } from "../tpm/quote.ts";
import { type SvsmService, VTPM_SERVICE } from "./manifest.ts";
import { credentialProof, svsmVtpmBinder } from "./vtpm-binder.ts";

/** A quote of the SVSM's vTPM as a message carries it. */
export interface CarriedSvsmVtpm extends CarriedQuote {
  /** TPMT_PUBLIC of the key that quoted. */
  readonly ak: Uint8Array;
  /** 32 bytes: {@link credentialProof}. */
  readonly proof: Uint8Array;
  /** The crypto-agile event log, `binary_bios_measurements`. */
  readonly eventLog?: Uint8Array;
}

/** Read, and not yet believed. */
export interface SvsmVtpm {
  readonly quote: Quote;
  /** TPMT_PUBLIC. */
  readonly ak: Uint8Array;
  readonly proof: Uint8Array;
  readonly eventLog?: EventLog;
}

/**
 * The secret of the credential that was made for these two keys in this exchange.
 *
 * @param ek - TPMT_PUBLIC of the endorsement key.
 * @param akName - What the TPM calls the attestation key.
 */
export type CredentialSecretOf = (ek: Uint8Array, akName: Uint8Array) => Uint8Array;

export interface SvsmVtpmOptions {
  readonly primitives: Primitives;
  /** Only whoever made the credential knows; elsewhere nothing is known of whose vTPM quoted. */
  readonly credentialSecretOf?: CredentialSecretOf | undefined;
}

const SCHEMES: readonly SignatureScheme[] = ["ecdsa-p256-sha256", "rsa-2048-pkcs1-sha256"];

/** @throws {@link Fault} the codes of {@link parseQuote} and {@link parseEventLog}. */
export function parseSvsmVtpm(carried: CarriedSvsmVtpm): SvsmVtpm {
  const { ak, proof, eventLog } = carried;
  const log = eventLog === undefined ? {} : { eventLog: parseEventLog(eventLog) };
  return { quote: parseQuote(carried), ak: ak.slice(), proof: proof.slice(), ...log };
}

/**
 * Verifies what the SVSM's vTPM says beside a report that is genuine: an attestation key of the right kind, its quote, that it was made
 * for this report, and that the key lives in the TPM whose endorsement key the manifest names. That report and manifest are of this
 * exchange is looked at by the channel.
 *
 * @returns `undefined` where all of it holds and nobody here can say whose TPM it is: such registers are no facts.
 * @throws {@link Fault} `evidence/ak-unfit`, `evidence/malformed`, those of {@link verifyQuote}, `evidence/event-log`, `evidence/ek-missing`,
 *   `evidence/ak-unproven`; `channel/not-bound` for a quote of another report.
 */
export async function verifySvsmVtpm(
  { quote, ak, proof, eventLog }: SvsmVtpm,
  { report, services }: { readonly report: Report; readonly services: readonly SvsmService[] },
  { primitives, credentialSecretOf }: SvsmVtpmOptions,
): Promise<BootFacts | undefined> {
  const { reportData } = report;
  const { spki, name } = attestationKeyIn(ak, primitives);
  const ek = endorsementKeyAmong(services);
  await verifyQuote(quote, spki, primitives, SCHEMES);
  // INVARIANT: all 32 bytes; a quote over another REPORT_DATA is of another exchange, or of another SVSM.
  if (!equalBytes(quote.attest.extraData, svsmVtpmBinder(reportData, primitives))) {
    throw new Fault("channel/not-bound", "expected a quote of the SVSM's vTPM for this report");
  }
  const boot = bootOf(quote, eventLog, primitives);
  if (credentialSecretOf === undefined) return undefined;
  const secret = credentialSecretOf(ek, name);
  const expected = credentialProof(secret, reportData, primitives);
  secret.fill(0);
  // INVARIANT: without it any TPM's restricted key would do, the host's own among them.
  if (equalBytes(proof, expected)) return boot;
  throw new Fault(
    "evidence/ak-unproven",
    "expected the proof of whoever activated this exchange's credential in the vTPM of the manifest",
  );
}

/** TPMT_PUBLIC, as the manifest has it. */
function endorsementKeyAmong(services: readonly SvsmService[]): Uint8Array {
  const vtpm = services.find(({ guid }) => guid === VTPM_SERVICE);
  if (vtpm === undefined) {
    throw new Fault("evidence/ek-missing", "expected a manifest of all services, the vTPM among them");
  }
  endorsementKeyIn(vtpm.manifest, "evidence/ek-missing");
  return vtpm.manifest;
}
