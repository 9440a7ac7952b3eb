/** How does a TPM say which values its registers hold? By a quote of all of them, read again until quote and values are of one moment. */
import { concatBytes, equalBytes, u16be } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { parseQuoteAttest } from "./attest.ts";
import { answerReader, ask, emptyPassword, malformed, readSized, sized } from "./command.ts";
import { readPcrs, selectionOf } from "./pcrs.ts";
import type { CarriedQuote } from "./quote.ts";
import type { Transact } from "./transact.ts";
import { TPM_ALG } from "./words.ts";

const ALL = Array.from({ length: 24 }, (_, pcr) => pcr);
/** Something extends a register now and then; nothing does so all the time. */
const MAX_TRIES = 5;

/**
 * Has a key quote all 24 registers of the SHA-256 bank, and reads their values.
 *
 * @param handle - Of a key that signs by RSASSA-PKCS1-v1_5 with SHA-256, without an authorization of its own.
 * @returns The quote as the TPM made it, and values whose digest it holds. Who made it, and whether it is over this `qualifyingData`, the
 *   verifier says.
 * @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`; `evidence/quote-type`, `evidence/malformed` for what is no quote.
 */
export async function askQuote(
  handle: number,
  qualifyingData: Uint8Array,
  { transact, digest }: { readonly transact: Transact } & Pick<Primitives, "digest">,
): Promise<CarriedQuote> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { quote, signature } = await quoteOnce(handle, qualifyingData, transact); // in order: one TPM
    const { extraData, pcrDigest } = parseQuoteAttest(quote);
    if (!equalBytes(extraData, qualifyingData)) throw malformed("expected a quote over what was asked for");
    const pcrs = await readPcrs(ALL, transact);
    if (equalBytes(pcrDigest, digest("sha256", concatBytes(...pcrs)))) return { quote, signature, pcrs };
  }
  const sentence = `expected registers that stand still between quote and reading; they changed ${MAX_TRIES} times in a row, or the SHA-256 bank is off`;
  throw new Fault("tpm/unavailable", sentence);
}

async function quoteOnce(
  handle: number,
  qualifyingData: Uint8Array,
  transact: Transact,
): Promise<{ readonly quote: Uint8Array; readonly signature: Uint8Array }> {
  const scheme = concatBytes(u16be(TPM_ALG.rsaSsa), u16be(TPM_ALG.sha256));
  const parameters = concatBytes(sized(qualifyingData), scheme, selectionOf(ALL));
  const answer = await ask({ name: "quote", handles: [handle], parameters, auth: emptyPassword() }, transact);
  const reader = answerReader(answer.parameters);
  const quote = readSized(reader);
  if (reader.u16be() !== TPM_ALG.rsaSsa || reader.u16be() !== TPM_ALG.sha256) {
    throw malformed("expected a signature by RSASSA with SHA-256");
  }
  const signature = readSized(reader);
  reader.end();
  return { quote, signature };
}
