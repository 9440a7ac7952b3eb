/** What did this machine boot? The values of platform configuration registers (SHA-256 bank), asked one after the other. */
import { concatBytes, u16be, u32be } from "../../base/bytes.ts";
import { answerReader, ask, malformed, readSized } from "./command.ts";
import type { Transact } from "./transact.ts";
import { TPM_ALG } from "./words.ts";

const PCR_COUNT = 24;
export const PCR_SIZE = 32;

/** TPML_PCR_SELECTION: one bank, three bytes of bits. */
export function selectionOf(pcrs: readonly number[]): Uint8Array {
  return concatBytes(u32be(1), u16be(TPM_ALG.sha256), Uint8Array.of(3), bitsOf(pcrs));
}

export function bitsOf(pcrs: readonly number[]): Uint8Array {
  const bits = new Uint8Array(PCR_COUNT / 8);
  for (const pcr of pcrs) bits[pcr >> 3] = (bits[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  return bits;
}

export function pcrsIn(bits: Uint8Array): readonly number[] {
  const all = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr);
  return all.filter((pcr) => (((bits[pcr >> 3] ?? 0) >> (pcr & 7)) & 1) === 1);
}

/** Their values, in order. @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`. */
export async function readPcrs(pcrs: readonly number[], tpm: Transact): Promise<readonly Uint8Array[]> {
  const values: Uint8Array[] = [];
  for (const pcr of pcrs) values.push(await readPcr(pcr, tpm)); // one after the other: a TPM does no two things at once
  return values;
}

async function readPcr(pcr: number, tpm: Transact): Promise<Uint8Array> {
  const answer = await ask({ name: "pcrRead", handles: [], parameters: selectionOf([pcr]) }, tpm);
  const reader = answerReader(answer.parameters);
  reader.u32be(); // how often any of them changed
  reader.bytes(selectionOf([pcr]).length);
  if (reader.u32be() !== 1) throw malformed(`expected PCR ${pcr} in the bank of SHA-256: is that bank on?`);
  const value = readSized(reader);
  reader.end();
  if (value.length === PCR_SIZE) return value;
  throw malformed("expected the value of a PCR of the SHA-256 bank");
}
