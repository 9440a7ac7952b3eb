/** Which key lies at a handle of a TPM? The public part of an RSA key of 2048 bits, as TPM2_ReadPublic gives it. */
import type { Reader } from "../../base/reader.ts";
import { spkiOf } from "../../base/spki.ts";
import { answerReader, ask, hasAnswered, malformed, readSized } from "./command.ts";
import { readSigningArea } from "./public-area.ts";
import type { Transact } from "./transact.ts";
import { TPM_RC } from "./words.ts";

const BITS = 2048;
const EXPONENTS = [0, 65_537]; // 0 stands for the other

/**
 * Reads it.
 *
 * @returns DER SubjectPublicKeyInfo; `undefined` where no key lies at the handle.
 * @throws {@link Fault} `tpm/unavailable`; `tpm/malformed` also for a key of another kind.
 */
export async function readRsaKey(handle: number, transact: Transact): Promise<Uint8Array | undefined> {
  const command = { name: "readPublic", handles: [handle], parameters: new Uint8Array(0) } as const;
  try {
    const reader = answerReader((await ask(command, transact)).parameters);
    const area = answerReader(readSized(reader));
    readSized(reader); // its name
    readSized(reader); // its qualified name
    reader.end();
    const modulus = modulusIn(area);
    area.end();
    return spkiOf("rsa-2048-pkcs1-sha256", modulus);
  } catch (thrown) {
    if (hasAnswered(thrown, TPM_RC.handle1)) return undefined;
    throw thrown;
  }
}

function modulusIn(reader: Reader): Uint8Array {
  const area = readSigningArea(reader);
  if (area.kind === "rsa" && area.bits === BITS && area.modulus.length === BITS / 8) {
    if (EXPONENTS.includes(area.exponent)) return area.modulus;
  }
  throw malformed("expected an RSA key of 2048 bits with the exponent 65537");
}
