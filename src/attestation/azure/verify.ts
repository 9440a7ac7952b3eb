/** Does the report vouch for the vTPM whose quote came with it? From the signed report to the values of its registers. */
import { equalBytes, isZero } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { Report } from "../snp/report.ts";
import { type BootFacts, bootOf } from "../tpm/boot.ts";
import type { EventLog } from "../tpm/event-log.ts";
import { type Quote, verifyQuote } from "../tpm/quote.ts";
import type { ParavisorClaims, RuntimeClaims } from "./claims.ts";

/** What the vTPM holds, and how the paravisor runs the VM: both speak of secure boot. */
export interface AzureFacts extends BootFacts {
  readonly paravisor: ParavisorClaims;
}

/** The parts of evidence that belong together here. */
export interface AzureParts {
  readonly report: Report;
  /** The exact bytes whose hash the report signs. */
  readonly claimsBytes: Uint8Array;
  readonly runtime: RuntimeClaims;
  readonly quote: Quote;
  readonly eventLog?: EventLog;
}

const HASH_SIZE = 32;

/**
 * Verifies what stands around a report that is genuine already, in the order of PROTOCOL section 10: who asked for the report, the
 * hash of the claims, then the quote under the key in them, then the log of its boot. For which exchange the quote was made is
 * looked at by the channel.
 *
 * @throws {@link Fault} `evidence/wrong-vmpl`, `evidence/runtime-data-mismatch`, the codes of {@link verifyQuote}, `evidence/event-log`.
 */
export async function verifyAzure(parts: AzureParts, primitives: Primitives): Promise<AzureFacts> {
  const { report, claimsBytes, runtime, quote, eventLog } = parts;
  refuseOtherClaims(report, claimsBytes, primitives);
  await verifyQuote(quote, runtime.akSpki, primitives);
  const boot = bootOf(quote, eventLog, primitives);
  const isSecureBoot = secureBoot(runtime.paravisor, boot);
  return {
    ...boot,
    ...(isSecureBoot === undefined ? {} : { isSecureBoot }),
    paravisor: runtime.paravisor,
  };
}

/** INVARIANT: a guest below a paravisor can have any bytes signed, but never at VMPL 0. */
export function refuseGuestsReport({ vmpl }: Report): void {
  if (vmpl === 0) return;
  throw new Fault("evidence/wrong-vmpl", "expected a report that was asked for at VMPL 0", {
    received: vmpl,
  });
}

/**
 * Refuses claims that the paravisor's report does not sign. Of a blob without a quote this is all there is to verify.
 *
 * @throws {@link Fault} `evidence/wrong-vmpl`, `evidence/runtime-data-mismatch`.
 */
export function refuseOtherClaims(
  report: Report,
  claimsBytes: Uint8Array,
  { digest }: Pick<Primitives, "digest">,
): void {
  refuseGuestsReport(report);
  const { reportData } = report;
  const isSigned = equalBytes(reportData.slice(0, HASH_SIZE), digest("sha256", claimsBytes));
  if (isSigned && isZero(reportData.slice(HASH_SIZE))) return;
  throw new Fault(
    "evidence/runtime-data-mismatch",
    "expected REPORT_DATA to be the hash of the paravisor's runtime claims, and zeroes",
  );
}

/** Where both speak, both have to say yes. */
function secureBoot(
  { isSecureBoot }: ParavisorClaims,
  { isSecureBoot: byLog }: BootFacts,
): boolean | undefined {
  if (byLog === undefined) return isSecureBoot;
  return byLog && isSecureBoot !== false;
}
