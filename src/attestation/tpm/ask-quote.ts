/** How does a TPM say which values its registers hold? By a quote of all of them, read again until quote and values are of one moment. */
import { concatBytes, equalBytes, u16be } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { Reader } from "../../base/reader.ts";
import { parseQuoteAttest } from "./attest.ts";
import { answerReader, ask, emptyPassword, malformed, readSized, sized } from "./command.ts";
import { readPcrs, selectionOf } from "./pcrs.ts";
import type { CarriedQuote } from "./quote.ts";
import type { Transact } from "./transact.ts";
import { TPM_ALG } from "./words.ts";

const ALL = Array.from({ length: 24 }, (_, pcr) => pcr);
/** Something extends a register now and then; nothing does so all the time. */
const MAX_TRIES = 5;
const HALF_SIZE = 32;

/** RSASSA-PKCS1-v1_5 or ECDSA on P-256, both with SHA-256. */
export type QuoteScheme = "rsaSsa" | "ecdsa";

export interface QuotingKey {
  /** Of a key without an authorization of its own. */
  readonly handle: number;
  readonly scheme: QuoteScheme;
}

/**
 * Has a key quote all 24 registers of the SHA-256 bank, and reads their values.
 *
 * @returns The quote as the TPM made it, a signature of 256 bytes or `r ‖ s` of 64, and values whose digest the quote holds. Who made it, and whether it is over this `qualifyingData`, the
 *   verifier says.
 * @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`; `evidence/quote-type`, `evidence/malformed` for what is no quote.
 */
export async function askQuote(
  key: QuotingKey,
  qualifyingData: Uint8Array,
  { transact, digest }: { readonly transact: Transact } & Pick<Primitives, "digest">,
): Promise<CarriedQuote> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { quote, signature } = await quoteOnce(key, qualifyingData, transact); // in order: one TPM
    const { extraData, pcrDigest } = parseQuoteAttest(quote);
    if (!equalBytes(extraData, qualifyingData)) throw malformed("expected a quote over what was asked for");
    const pcrs = await readPcrs(ALL, transact);
    if (equalBytes(pcrDigest, digest("sha256", concatBytes(...pcrs)))) return { quote, signature, pcrs };
  }
  const sentence = `expected registers that stand still between quote and reading; they changed ${MAX_TRIES} times in a row, or the SHA-256 bank is off`;
  throw new Fault("tpm/unavailable", sentence);
}

async function quoteOnce(
  { handle, scheme }: QuotingKey,
  qualifyingData: Uint8Array,
  transact: Transact,
): Promise<{ readonly quote: Uint8Array; readonly signature: Uint8Array }> {
  const signing = concatBytes(u16be(TPM_ALG[scheme]), u16be(TPM_ALG.sha256));
  const parameters = concatBytes(sized(qualifyingData), signing, selectionOf(ALL));
  const answer = await ask({ name: "quote", handles: [handle], parameters, auth: emptyPassword() }, transact);
  const reader = answerReader(answer.parameters);
  const quote = readSized(reader);
  if (reader.u16be() !== TPM_ALG[scheme] || reader.u16be() !== TPM_ALG.sha256) {
    throw malformed("expected a signature by the scheme that was asked for, with SHA-256");
  }
  const signature = scheme === "rsaSsa" ? readSized(reader) : concatBytes(half(reader), half(reader));
  reader.end();
  return { quote, signature };
}

/** One number of an ECDSA signature on P-256, at its full length: a TPM may leave leading zeros out. */
function half(reader: Reader): Uint8Array {
  const digits = readSized(reader);
  if (digits.length > HALF_SIZE) throw malformed(`expected numbers of at most ${HALF_SIZE} bytes`);
  return concatBytes(new Uint8Array(HALF_SIZE - digits.length), digits);
}
