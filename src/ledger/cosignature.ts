/** Who has seen that a log only grew, and when? C2SP tlog-cosignature: Ed25519 over the time and the text of a checkpoint. */
import { concatBytes, u64be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { type Instant, instant } from "../base/time.ts";
import { type NoteKey, signatureIn, signatureLine } from "./note.ts";

const TIME_SIZE = 8;
const LAST_SECOND = 253_402_300_799n; // 9999-12-31T23:59:59Z

/** The line by which a witness says that, at this moment, no log of this origin that it knows is longer. */
export async function cosign(
  text: string,
  by: { readonly name: string; readonly signer: Signer; readonly digest: Primitives["digest"] },
  at: Instant,
): Promise<string> {
  const { name, signer, digest } = by;
  const signature = concatBytes(u64be(BigInt(at)), await signer.sign(messageOf(text, BigInt(at))));
  return signatureLine({ name, spki: signer.spki }, "cosignature", signature, digest);
}

/**
 * Looks for the cosignature of a witness on a note.
 *
 * @returns When it was made, as the witness says.
 * @throws {@link Fault} `ledger/inconsistent` where there is none that is good; `ledger/malformed`.
 */
export async function openCosignature(
  note: string,
  witness: NoteKey,
  primitives: Primitives,
): Promise<Instant> {
  const { text, signature } = signatureIn(note, witness, "cosignature", primitives.digest);
  const at = signature.slice(0, TIME_SIZE).reduce((time, byte) => time * 256n + BigInt(byte), 0n);
  const isGood =
    at <= LAST_SECOND &&
    (await primitives.verify("ed25519", witness.spki, messageOf(text, at), signature.slice(TIME_SIZE)));
  if (isGood) return instant(Number(at));
  throw new Fault("ledger/inconsistent", "expected a good cosignature of the witness", {
    witness: witness.name,
  });
}

function messageOf(text: string, at: bigint): Uint8Array {
  return utf8(`cosignature/v1\ntime ${at}\n${text}`);
}
