/** Did this vTPM hold these values? A quote against its key, its selection and the values that came beside it. */
import { concatBytes, equalBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives, SignatureScheme } from "../../base/primitives.ts";
import { bareKeyOf } from "../../base/spki.ts";
import { parseQuoteAttest, type QuoteAttest } from "./attest.ts";
import { PCR_SIZE } from "./pcrs.ts";
import { TPM_ALG } from "./words.ts";

export interface CarriedQuote {
  /** TPMS_ATTEST. */
  readonly quote: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly Uint8Array[];
}

/** A quote that was read and not yet believed. */
export interface Quote {
  /** The exact bytes that are signed. */
  readonly attestBytes: Uint8Array;
  readonly attest: QuoteAttest;
  readonly signature: Uint8Array;
  /** PCR 0 to 23. */
  readonly pcrs: readonly Uint8Array[];
}

const PCR_COUNT = 24;
const ALL_BITS = Uint8Array.of(0xff, 0xff, 0xff);

/** @throws {@link Fault} the codes of {@link parseQuoteAttest}; `evidence/malformed` for other than 24 values of 32 bytes. */
export function parseQuote({ quote, signature, pcrs }: CarriedQuote): Quote {
  if (pcrs.length !== PCR_COUNT || pcrs.some(({ length }) => length !== PCR_SIZE)) {
    throw new Fault(
      "evidence/malformed",
      `expected ${PCR_COUNT} values of ${PCR_SIZE} bytes beside the quote`,
    );
  }
  const attestBytes = quote.slice();
  return {
    attestBytes,
    attest: parseQuoteAttest(attestBytes),
    signature: signature.slice(),
    pcrs: pcrs.map((value) => value.slice()),
  };
}

/** What attestation keys sign by, where nothing is said: RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits. */
const RSA: readonly SignatureScheme[] = ["rsa-2048-pkcs1-sha256"];

/**
 * Verifies a quote: signed by this key, over all 24 registers of the SHA-256 bank in one selection, with the digest of the values
 * beside it. Whom the key belongs to and what `extraData` has to be are the caller's business.
 *
 * @param akSpki - DER SubjectPublicKeyInfo, of a key of one of the schemes.
 * @throws {@link Fault} `evidence/quote-signature`, `evidence/quote-selection`, `evidence/quote-digest`.
 */
export async function verifyQuote(
  { attestBytes, attest, signature, pcrs }: Quote,
  akSpki: Uint8Array,
  { verify, digest }: Pick<Primitives, "verify" | "digest">,
  schemes: readonly SignatureScheme[] = RSA,
): Promise<void> {
  const scheme = schemes.find((one) => bareKeyOf(one, akSpki) !== undefined);
  if (scheme === undefined || !(await verify(scheme, akSpki, attestBytes, signature))) {
    throw new Fault("evidence/quote-signature", "expected a quote that the attestation key signed");
  }
  refuseOtherSelection(attest);
  if (!equalBytes(attest.pcrDigest, digest("sha256", concatBytes(...pcrs)))) {
    throw new Fault("evidence/quote-digest", "expected the values beside the quote to be the quoted ones");
  }
}

/** A bank that stands there twice, or registers that were left out, would let one digest stand for other values. */
function refuseOtherSelection({ selections }: QuoteAttest): void {
  const [only] = selections;
  const isSha256 = selections.length === 1 && only?.bank === TPM_ALG.sha256;
  if (isSha256 && equalBytes(only.bits, ALL_BITS)) return;
  throw new Fault(
    "evidence/quote-selection",
    "expected one selection of all 24 registers of the SHA-256 bank",
    {
      received: selections.length,
    },
  );
}
