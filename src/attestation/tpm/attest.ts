/** What does a TPM say when it quotes its registers? A TPMS_ATTEST, read strictly (TPM 2.0 Part 2, section 10.12.12). */
import { Fault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";
import { readSized } from "./command.ts";
import { TPM_GENERATED, TPM_ST } from "./words.ts";

/** One bank of registers and which of them, bit i of byte j being PCR 8j + i. */
export interface PcrSelection {
  readonly bank: number;
  readonly bits: Uint8Array;
}

export interface QuoteAttest {
  /** What whoever asked for the quote wanted in it, TPM2_Quote's `qualifyingData`. */
  readonly extraData: Uint8Array;
  /** The same in two quotes of one TPM: the same boot. */
  readonly resetCount: number;
  readonly restartCount: number;
  readonly selections: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
}

const MAX_SELECTIONS = 16;

/**
 * Parses what TPM2_Quote signs.
 *
 * @param bytes - TPMS_ATTEST, without the size of a TPM2B_ATTEST before it.
 * @throws {@link Fault} `evidence/quote-type` for what no TPM made, or made for another command than a quote; `evidence/malformed`,
 *   also for bytes that are left over.
 */
export function parseQuoteAttest(bytes: Uint8Array): QuoteAttest {
  const reader = new Reader(bytes, "evidence/malformed");
  refuseOtherType(reader.u32be(), reader.u16be());
  readSized(reader); // the signer's name, which the key itself vouches for
  const extraData = readSized(reader);
  reader.bytes(8); // milliseconds since the TPM was reset
  const [resetCount, restartCount] = [reader.u32be(), reader.u32be()];
  if (reader.u8() > 1) throw malformed("a clock that is safe or is not");
  reader.bytes(8); // firmware version
  const selections = readSelections(reader);
  const pcrDigest = readSized(reader);
  reader.end();
  return { extraData, resetCount, restartCount, selections, pcrDigest };
}

function refuseOtherType(magic: number, type: number): void {
  if (magic === TPM_GENERATED && type === TPM_ST.attestQuote) return;
  throw new Fault("evidence/quote-type", "expected what a TPM itself made for TPM2_Quote", {
    expected: `${TPM_GENERATED.toString(16)} ${TPM_ST.attestQuote.toString(16)}`,
    received: `${magic.toString(16)} ${type.toString(16)}`,
  });
}

/** TPML_PCR_SELECTION. */
function readSelections(reader: Reader): readonly PcrSelection[] {
  const count = reader.u32be();
  if (count > MAX_SELECTIONS) throw malformed(`at most ${MAX_SELECTIONS} selections`);
  return Array.from({ length: count }, () => {
    const bank = reader.u16be();
    return { bank, bits: reader.bytes(reader.u8()) };
  });
}

function malformed(expected: string): Fault {
  return new Fault("evidence/malformed", `expected ${expected} in a TPM's quote`);
}
