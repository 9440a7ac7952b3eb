/** What lies at an NV index? Its bytes, in pieces as large as a TPM gives them, by the owner's authorization. */
import { concatBytes, u16be } from "../../base/bytes.ts";
import { answerReader, ask, emptyPassword, hasAnswered, malformed, readSized } from "./command.ts";
import type { Transact } from "./transact.ts";
import { TPM_RC, TPM_RH } from "./words.ts";

/** MAX_NV_BUFFER_SIZE of the reference implementation, of which the clouds' vTPMs are copies. */
const PIECE_BYTES = 1024;

/**
 * Reads an index whole, from offset 0 on.
 *
 * @param maxBytes - What is larger is refused before it is read.
 * @returns `undefined` where nothing is defined at the index.
 * @throws {@link Fault} `tpm/unavailable`, also where the owner has a password; `tpm/malformed`.
 */
export async function readNv(
  index: number,
  maxBytes: number,
  transact: Transact,
): Promise<Uint8Array | undefined> {
  const size = await nvSizeOf(index, transact);
  if (size === undefined) return undefined;
  if (size > maxBytes) throw malformed(`expected an NV index of at most ${maxBytes} bytes`);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < size; at += PIECE_BYTES) {
    pieces.push(await readPiece(index, { at, bytes: Math.min(PIECE_BYTES, size - at) }, transact)); // in order: the first may renew the rest
  }
  return concatBytes(...pieces);
}

/** How large it is; `undefined` where nothing is defined there. @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`. */
export async function nvSizeOf(index: number, transact: Transact): Promise<number | undefined> {
  const command = { name: "nvReadPublic", handles: [index], parameters: new Uint8Array(0) } as const;
  try {
    const reader = answerReader((await ask(command, transact)).parameters);
    const area = answerReader(readSized(reader));
    readSized(reader); // its name
    reader.end();
    area.bytes(4 + 2 + 4); // index, algorithm of the name, attributes
    readSized(area); // policy
    const size = area.u16be();
    area.end();
    return size;
  } catch (thrown) {
    if (hasAnswered(thrown, TPM_RC.handle1)) return undefined;
    throw thrown;
  }
}

async function readPiece(
  index: number,
  { at, bytes }: { readonly at: number; readonly bytes: number },
  transact: Transact,
): Promise<Uint8Array> {
  const parameters = concatBytes(u16be(bytes), u16be(at));
  const handles = [TPM_RH.owner, index];
  const { parameters: answer } = await ask(
    { name: "nvRead", handles, parameters, auth: emptyPassword() },
    transact,
  );
  const reader = answerReader(answer);
  const piece = readSized(reader);
  reader.end();
  if (piece.length === bytes) return piece;
  throw malformed(`expected ${bytes} bytes of an NV index, received ${piece.length}`);
}
