/** Is this evidence genuine, as far as this machine can tell? Parsed, endorsed from where the options allow, verified. */

import { refuseOtherClaims } from "../attestation/azure/verify.ts";
import type { Endorsements, VerifyOptions } from "../attestation/endorsement/chain.ts";
import { createChainMemo } from "../attestation/endorsement/memo.ts";
import type { ProviderTrust } from "../attestation/endorsement/provider-chain.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import type { Evidence } from "../attestation/evidence.ts";
import type { ProductLine } from "../attestation/snp/product.ts";
import type { Quote } from "../attestation/tpm/quote.ts";
import { type VerifiedEvidence, verifyEvidence } from "../attestation/verify.ts";
import { concatBytes, equalBytes } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { EndorsementSource } from "../broker/world.ts";
import { type EvidenceInFile, evidenceInFile } from "./evidence-file.ts";
import { withFetched } from "./evidence-source.ts";

/** What the options demand of the evidence. */
export interface Assertions {
  readonly product?: ProductLine;
  /** 64 bytes. */
  readonly reportData?: Uint8Array;
  /** What a vTPM's quote must be over; a report has none that could hold it. */
  readonly qualifyingData?: Uint8Array;
  /** 64 bytes that an SVSM was asked with: REPORT_DATA is their hash together with the manifest. */
  readonly serviceNonce?: Uint8Array;
}

export interface AppraisalParts {
  readonly given: Endorsements;
  readonly assertions: Assertions;
  readonly roots: TrustAnchors;
  /** Who may speak for a cloud provider. */
  readonly providers: ProviderTrust;
  readonly now: Instant;
  readonly primitives: Primitives;
  /** Asked for what is missing; `undefined` where nobody may be asked. */
  readonly source: EndorsementSource | undefined;
}

/** `fault` or `verified`; what could be parsed is there either way. */
export interface EvidenceOutcome {
  readonly found?: EvidenceInFile;
  readonly verified?: VerifiedEvidence;
  readonly fault?: Fault;
  readonly warnings: readonly string[];
}

const MEMO_ENTRIES = 64;

export interface EvidenceFiles {
  readonly bytes: Uint8Array;
  /** What --quote names. */
  readonly quote?: Uint8Array;
}

/** Never throws for any bytes: a fault is an outcome. */
export async function judgeEvidence(file: EvidenceFiles, parts: AppraisalParts): Promise<EvidenceOutcome> {
  const warnings: string[] = [];
  let found: EvidenceInFile | undefined;
  try {
    found = evidenceInFile(file.bytes, file.quote);
    const verified = await verify(found, parts, warnings);
    return { found, verified, warnings };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { ...(found === undefined ? {} : { found }), fault: thrown, warnings };
  }
}

async function verify(
  { evidence, blob }: EvidenceInFile,
  parts: AppraisalParts,
  warnings: string[],
): Promise<VerifiedEvidence> {
  const options: VerifyOptions = {
    now: parts.now,
    primitives: parts.primitives,
    roots: parts.roots,
    providers: parts.providers,
    memo: createChainMemo(MEMO_ENTRIES),
    revocation: "if-present",
  };
  const carried = evidence.crls.map((der) => ({ der }));
  const at: Endorsements = {
    certificates: [...evidence.certificates, ...parts.given.certificates],
    crls: [...parts.given.crls, ...carried],
  };
  const { source } = parts;
  const endorsements =
    source === undefined ? at : await withFetched(evidence, at, { source, options, warnings });
  const verified = await verifyEvidence(evidence, endorsements, options);
  if (blob !== undefined) {
    refuseOtherClaims(evidence.report, blob.claimsBytes, parts.primitives);
    warnings.push("no quote came with the blob: nothing says what this VM booted, nor when");
  }
  if (evidence.kind === "svsm" && parts.assertions.serviceNonce === undefined) {
    warnings.push(
      "the manifest was not verified: REPORT_DATA holds it hashed together with a nonce (--service-nonce)",
    );
  }
  if (evidence.kind === "svsm" && evidence.vtpm !== undefined) {
    warnings.push(
      "the quote's registers are no facts here: only the broker whose credential its vTPM activated knows that the key is of the manifest's TPM",
    );
  }
  refuseUnasserted(verified, parts.assertions);
  refuseOtherBinder(verified.evidence, parts);
  warnings.push(...passedOver(evidence, parts.providers));
  if (verified.revocation === undefined) {
    warnings.push("no CRL was at hand: revocation was not checked, and a release would be refused");
  }
  return verified;
}

/** What a provider says counts where somebody may speak for it; elsewhere it is looked at by nobody. */
function passedOver(evidence: Evidence, { firmware, hostVtpm }: ProviderTrust): readonly string[] {
  if (evidence.kind !== "raw") return [];
  const notes: string[] = [];
  if (evidence.launchEndorsement !== undefined && firmware.length === 0)
    notes.push("Google's endorsement of the firmware was passed over: --google-firmware-roots lets it speak");
  if (evidence.hostVtpm !== undefined && hostVtpm.length === 0)
    notes.push("the quote of the host's vTPM was passed over: --host-vtpm-roots lets it speak");
  return notes;
}

function refuseUnasserted(verified: VerifiedEvidence, assertions: Assertions): void {
  const { product, reportData } = assertions;
  if (product !== undefined && product !== verified.product) {
    throw new Fault(
      "endorsement/product-mismatch",
      `expected a ${product} chip, received ${verified.product}`,
      {
        expected: product,
        received: verified.product,
      },
    );
  }
  if (reportData !== undefined && !equalBytes(reportData, verified.evidence.report.reportData)) {
    throw new Fault("channel/not-bound", "expected these 64 bytes in REPORT_DATA");
  }
}

/** What the hardware signed in another place than REPORT_DATA: a quote's qualifying data, an SVSM's nonce. */
function refuseOtherBinder(
  evidence: Evidence,
  { assertions: { qualifyingData, serviceNonce }, primitives }: AppraisalParts,
): void {
  if (qualifyingData !== undefined) {
    const quoted = quoteIn(evidence)?.attest.extraData;
    if (quoted === undefined || !equalBytes(quoted, qualifyingData)) {
      const received = quoted === undefined ? "evidence without a quote" : "a quote over other data";
      throw new Fault(
        "channel/not-bound",
        `expected a quote over this qualifying data, received ${received}`,
      );
    }
  }
  if (serviceNonce !== undefined && !isOverNonce(evidence, serviceNonce, primitives)) {
    throw new Fault("channel/not-bound", "expected a report of an SVSM that was asked with this nonce");
  }
}

function quoteIn(evidence: Evidence): Quote | undefined {
  if (evidence.kind === "azure-hcl") return evidence.quote;
  return evidence.kind === "svsm" ? evidence.vtpm?.quote : undefined;
}

function isOverNonce(evidence: Evidence, nonce: Uint8Array, { digest }: Primitives): boolean {
  if (evidence.kind !== "svsm") return false;
  return equalBytes(evidence.report.reportData, digest("sha512", concatBytes(nonce, evidence.manifest)));
}
