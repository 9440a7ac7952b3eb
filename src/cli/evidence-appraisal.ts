/** Is this evidence genuine, as far as this machine can tell? Parsed, endorsed from where the options allow, verified. */
import type { Endorsements, VerifyOptions } from "../attestation/endorsement/chain.ts";
import { createChainMemo } from "../attestation/endorsement/memo.ts";
import type { ProviderTrust } from "../attestation/endorsement/provider-chain.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import { type Evidence, parseEvidence } from "../attestation/evidence.ts";
import type { ProductLine } from "../attestation/snp/product.ts";
import { type VerifiedEvidence, verifyEvidence } from "../attestation/verify.ts";
import { equalBytes } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { EndorsementSource } from "../broker/world.ts";
import { carriedEvidenceOf } from "./evidence-file.ts";
import { withFetched } from "./evidence-source.ts";

/** What the options demand of the evidence. */
export interface Assertions {
  readonly product?: ProductLine;
  /** 64 bytes. */
  readonly reportData?: Uint8Array;
  /** 32 bytes; raw evidence has no quote that could hold it. */
  readonly qualifyingData?: Uint8Array;
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
  readonly evidence?: Evidence;
  readonly verified?: VerifiedEvidence;
  readonly fault?: Fault;
  readonly warnings: readonly string[];
}

const MEMO_ENTRIES = 64;

/** Never throws for any bytes: a fault is an outcome. */
export async function judgeEvidence(bytes: Uint8Array, parts: AppraisalParts): Promise<EvidenceOutcome> {
  const warnings: string[] = [];
  let evidence: Evidence | undefined;
  try {
    evidence = parseEvidence(carriedEvidenceOf(bytes));
    const verified = await verify(evidence, parts, warnings);
    return { evidence, verified, warnings };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { ...(evidence === undefined ? {} : { evidence }), fault: thrown, warnings };
  }
}

async function verify(
  evidence: Evidence,
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
  refuseUnasserted(verified, parts.assertions);
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
  const { product, reportData, qualifyingData } = assertions;
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
  if (qualifyingData !== undefined) {
    throw new Fault(
      "channel/not-bound",
      "expected a quote over this qualifying data, received evidence without a quote",
    );
  }
}
