/** What does a vTPM that the host runs say of its guest? A quote for this very report, under a key for which the provider vouches. */
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { SignatureScheme } from "../base/primitives.ts";
import { type ProviderOptions, verifyProviderLeaf } from "./endorsement/provider-chain.ts";
import { hostVtpmBinder } from "./host-vtpm-binder.ts";
import type { Report } from "./snp/report.ts";
import { type CarriedQuote, parseQuote, type Quote, verifyQuote } from "./tpm/quote.ts";

/** A quote and the certificate of its key, read and not yet believed. */
export interface HostVtpm {
  readonly quote: Quote;
  /** DER. */
  readonly akCertificate: Uint8Array;
}

/** The provider's word (`cloud-provider`), not AMD's: whoever runs the host can make such a vTPM say anything. */
export interface HostVtpmFacts {
  /** PCR 0 to 23 of the SHA-256 bank. */
  readonly pcrs: readonly Uint8Array[];
  /** The same in two pieces of evidence of one VM: the same boot. */
  readonly resetCount: number;
  readonly restartCount: number;
  readonly isSimulated: boolean;
}

/** Attestation keys of Google's vTPMs have RSA of 2048 bits or P-256; a signature of the latter is `r ‖ s`, 64 bytes. */
const SCHEMES: readonly SignatureScheme[] = ["rsa-2048-pkcs1-sha256", "ecdsa-p256-sha256"];

/** @throws {@link Fault} the codes of {@link parseQuote}. */
export function parseHostVtpm(carried: CarriedQuote & { readonly akCertificate: Uint8Array }): HostVtpm {
  return { quote: parseQuote(carried), akCertificate: carried.akCertificate.slice() };
}

/**
 * Verifies what a host's vTPM says beside this report: a key under the operator's authorities, its quote, and that it was made for
 * the report's own exchange.
 *
 * @param report - Genuine; that it is of this exchange is looked at by the channel.
 * @throws {@link Fault} those of {@link verifyProviderLeaf} and {@link verifyQuote}; `channel/not-bound` for a quote of another exchange.
 */
export async function verifyHostVtpm(
  { quote, akCertificate }: HostVtpm,
  { reportData }: Report,
  options: ProviderOptions,
): Promise<HostVtpmFacts> {
  const { spki, isSimulated } = await verifyProviderLeaf(akCertificate, options);
  await verifyQuote(quote, spki, options.primitives, SCHEMES);
  // INVARIANT: all 32 bytes; a quote over another REPORT_DATA is somebody else's boot, or this one's of another time.
  if (!equalBytes(quote.attest.extraData, hostVtpmBinder(reportData, options.primitives))) {
    throw new Fault("channel/not-bound", "expected a quote of the host's vTPM for this report");
  }
  const { resetCount, restartCount } = quote.attest;
  return { pcrs: quote.pcrs, resetCount, restartCount, isSimulated };
}
