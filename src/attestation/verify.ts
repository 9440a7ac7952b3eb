/** Is this evidence genuine? The one door of this room: signature, chain, revocation, and what a report may never contradict. */
import type { Brand } from "../base/brand.ts";
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { refuseGuestsReport, verifyAzure } from "./azure/verify.ts";
import {
  type Endorsements,
  type VerifiedChain,
  type VerifyOptions,
  verifyChain,
} from "./endorsement/chain.ts";
import type { RevocationFacts } from "./endorsement/crl.ts";
import type { EndorsementKind } from "./endorsement/profile.ts";
import type { Evidence, SvsmEvidence } from "./evidence.ts";
import { type ProviderStatements, providerStatements } from "./provider-statements.ts";
import { type ProductLine, type SiliconLine, siliconOf } from "./snp/product.ts";
import type { Report } from "./snp/report.ts";
import { formatTcb, isAtLeast, type TcbVersion } from "./snp/tcb.ts";
import { type SvsmVtpmOptions, verifySvsmVtpm } from "./svsm/vtpm.ts";
import type { BootFacts } from "./tpm/boot.ts";

/** What the leaf certificate says. */
export interface EndorsementFacts {
  readonly kind: EndorsementKind;
  /** Equal to REPORTED_TCB. */
  readonly tcb: TcbVersion;
  /** The VLEK's provider, as it stands. */
  readonly cspId?: string;
  readonly productName: string;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly spki: Uint8Array;
}

/** What stands around the report, by its format. */
interface EnvelopeFacts extends ProviderStatements {
  /** Of evidence with a quote of a vTPM inside of the TEE. */
  readonly vtpm?: BootFacts;
}

export interface Verification extends EnvelopeFacts {
  readonly evidence: Evidence;
  readonly product: ProductLine;
  /** Absent for v2 reports and for a stepping that is not known. */
  readonly silicon?: SiliconLine;
  readonly endorsement: EndorsementFacts;
  /** Absent only where revocation was `if-present` and no CRL was given. */
  readonly revocation?: RevocationFacts;
  /** The chain ends in a simulator's root. */
  readonly isSimulated: boolean;
}

/** For what a chain says nothing of: whose credential a quote of an SVSM's vTPM came with. */
export type EvidenceOptions = VerifyOptions & Pick<SvsmVtpmOptions, "credentialSecretOf">;

/** Made by {@link verifyEvidence} alone. */
export type VerifiedEvidence = Brand<Verification, "verified">;

/**
 * Verifies evidence against endorsements: every invariant that no policy can switch off but freshness and binding, which the
 * channel checks. What stands around a report is looked at when the report is known to be genuine.
 *
 * @throws {@link Fault} `endorsement/…` and `evidence/bad-signature` (see {@link verifyChain}), `evidence/tcb-order`;
 *   `evidence/wrong-vmpl` where a paravisor or an SVSM speaks for the guest, the codes of {@link verifyAzure}, {@link verifySvsmVtpm}
 *   and {@link providerStatements}.
 * @see AMD 56860 "SEV-SNP Firmware ABI"; AMD 57230 "VCEK Certificate and KDS Interface Specification"
 */
export async function verifyEvidence(
  evidence: Evidence,
  endorsements: Endorsements,
  options: EvidenceOptions,
): Promise<VerifiedEvidence> {
  const chain = await verifyChain(evidence, endorsements, options);
  refuseTcbDisorder(evidence.report);
  return markVerified(evidence, chain, await verifyEnvelope(evidence, chain, options));
}

/** What the format adds to the report (PROTOCOL section 10). An SVSM's manifest is bound together with the exchange. */
async function verifyEnvelope(
  evidence: Evidence,
  chain: VerifiedChain,
  options: EvidenceOptions,
): Promise<EnvelopeFacts> {
  switch (evidence.kind) {
    case "raw":
      return providerStatements(evidence, chain, options);
    case "azure-hcl":
      return { vtpm: await verifyAzure(evidence, options.primitives) };
    case "svsm":
      refuseGuestsReport(evidence.report);
      return svsmFacts(evidence, options);
  }
}

async function svsmFacts(evidence: SvsmEvidence, options: EvidenceOptions): Promise<EnvelopeFacts> {
  if (evidence.vtpm === undefined) return {};
  const vtpm = await verifySvsmVtpm(evidence.vtpm, evidence, options);
  return vtpm === undefined ? {} : { vtpm };
}

/** Component by component. CURRENT may differ from COMMITTED (provisional firmware): a fact for policy. */
function refuseTcbDisorder({ reportedTcb, committedTcb, currentTcb }: Report): void {
  for (const [name, tcb] of Object.entries({ reported: reportedTcb, committed: committedTcb })) {
    if (!isAtLeast(currentTcb, tcb)) {
      throw new Fault("evidence/tcb-order", `expected the ${name} TCB to be at most the current one`, {
        expected: formatTcb(currentTcb),
        received: formatTcb(tcb),
      });
    }
  }
}

function markVerified(evidence: Evidence, chain: VerifiedChain, envelope: EnvelopeFacts): VerifiedEvidence {
  const { cpuid } = evidence.report;
  const silicon = cpuid === undefined ? undefined : siliconOf(cpuid);
  const { kind, leaf, extensions, revocation, product, isSimulated } = chain;
  const verification: Verification = {
    evidence,
    product,
    ...(silicon === undefined ? {} : { silicon }),
    endorsement: {
      kind,
      tcb: extensions.tcb,
      ...(extensions.cspId === undefined ? {} : { cspId: extensions.cspId }),
      productName: extensions.productName,
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
      spki: leaf.spki,
    },
    ...(revocation === undefined ? {} : { revocation }),
    isSimulated,
    ...envelope,
  };
  return verification as VerifiedEvidence;
}
