/** What is in the file of a key that a TPM keeps? The two blobs of the TPM, and what a start compares before and after. */

import { readSized, sized } from "../../attestation/tpm/command.ts";
import { bitsOf, PCR_SIZE, pcrsIn } from "../../attestation/tpm/pcrs.ts";
import { base64UrlOf, concatBytes, parseBase64Url, parseUtf8 } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";

export interface SealedFile {
  /** Of the key inside, 16 bytes. */
  readonly id: Uint8Array;
  readonly pcrs: readonly number[];
  /** What the registers held when it was sealed. */
  readonly values: readonly Uint8Array[];
  /** TPMT_PUBLIC of the storage key that it lies under. */
  readonly parent: Uint8Array;
  readonly publicArea: Uint8Array;
  readonly privateArea: Uint8Array;
}

/**
 * One line: `ostiary-tpm-1:` and the base64url of: id (16), bits of the PCRs (3), a value of 32 bytes for each, and the storage key's public
 * area, the key's own, and its private one, each after its length in two bytes. Nothing in it is secret, and nothing of it opens elsewhere.
 */
const PREFIX = "ostiary-tpm-1:";
const ID_BYTES = 16;

export function encodeSealed({ id, pcrs, values, ...blobs }: SealedFile): string {
  const { parent, publicArea, privateArea } = blobs;
  const content = concatBytes(
    id,
    bitsOf(pcrs),
    ...values,
    sized(parent),
    sized(publicArea),
    sized(privateArea),
  );
  return `${PREFIX}${base64UrlOf(content)}\n`;
}

/** @throws {@link Fault} `kek/unavailable`. */
export function parseSealed(bytes: Uint8Array): SealedFile {
  const text = parseUtf8(bytes)?.replace(/\n$/, "") ?? "";
  const content = text.startsWith(PREFIX) ? parseBase64Url(text.slice(PREFIX.length)) : undefined;
  if (content === undefined) throw damaged();
  try {
    return read(new Reader(content, "kek/unavailable"));
  } catch (thrown) {
    throw isFault(thrown) ? damaged() : thrown;
  }
}

function read(reader: Reader): SealedFile {
  const id = reader.bytes(ID_BYTES);
  const pcrs = pcrsIn(reader.bytes(3));
  const values = pcrs.map(() => reader.bytes(PCR_SIZE));
  const [parent, publicArea, privateArea] = [readSized(reader), readSized(reader), readSized(reader)];
  reader.end();
  return { id, pcrs, values, parent, publicArea, privateArea };
}

function damaged(): Fault {
  return new Fault("kek/unavailable", "expected a file that `ostiary kek seal` wrote, whole");
}
