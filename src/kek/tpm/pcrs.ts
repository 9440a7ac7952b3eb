/** What did this machine boot? The values of platform configuration registers (SHA-256 bank), and the policy that they make. */
import { concatBytes, u16be, u32be } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { answerReader, ask, malformed, readSized } from "./command.ts";
import type { TpmConnection } from "./connection.ts";
import { TPM_ALG, TPM_CC } from "./words.ts";

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
export async function readPcrs(pcrs: readonly number[], tpm: TpmConnection): Promise<readonly Uint8Array[]> {
  const values: Uint8Array[] = [];
  for (const pcr of pcrs) values.push(await readPcr(pcr, tpm)); // one after the other: a TPM does no two things at once
  return values;
}

async function readPcr(pcr: number, tpm: TpmConnection): Promise<Uint8Array> {
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

/** The policy of TPM2_PolicyPCR over these values, computed here as the TPM computes it (Part 3, section 23.7). */
export function policyOf(
  pcrs: readonly number[],
  values: readonly Uint8Array[],
  { digest }: Pick<Primitives, "digest">,
): Uint8Array {
  const state = digest("sha256", concatBytes(...values));
  const before = new Uint8Array(32);
  return digest("sha256", concatBytes(before, u32be(TPM_CC.policyPcr), selectionOf(pcrs), state));
}
