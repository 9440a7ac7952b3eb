/** Which attestation key does a template make? One that signs quotes as a verifier knows them: RSA of 2048 bits, or P-256. */
import type { QuoteScheme } from "./ask-quote.ts";
import { answerReader, malformed } from "./command.ts";
import { readSigningArea } from "./public-area.ts";
import { TPM_ECC_NIST_P256 } from "./words.ts";

export interface QuotingTemplate {
  readonly scheme: QuoteScheme;
  /** TPMT_PUBLIC, without anything behind it. */
  readonly template: Uint8Array;
}

const BITS = 2048;

/**
 * Reads the template that begins these bytes. Whether its key is bound to the TPM and signs nothing but what the TPM made, whoever
 * certified the key has looked at.
 *
 * @param bytes - Of an NV index: there may be padding behind the template.
 * @throws {@link Fault} `tpm/malformed`.
 */
export function quotingTemplateIn(bytes: Uint8Array): QuotingTemplate {
  const reader = answerReader(bytes);
  const area = readSigningArea(reader);
  const template = bytes.slice(0, reader.at);
  if (area.kind === "rsa" && area.bits === BITS) return { scheme: "rsaSsa", template };
  if (area.kind === "ecc" && area.curve === TPM_ECC_NIST_P256) return { scheme: "ecdsa", template };
  throw malformed("expected the template of a key of RSA with 2048 bits, or on P-256");
}
