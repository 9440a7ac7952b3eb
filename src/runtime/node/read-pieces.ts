/** How does a file too large for the memory reach a verb? Piece by piece. */
import { createReadStream } from "node:fs";
import { Fault, systemCodeOf } from "../../base/fault.ts";

/**
 * The bytes of a file, or of standard input for `-`.
 *
 * @throws {@link Fault} `file/unusable`, while iterating.
 */
export async function* readPieces(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of path === "-" ? process.stdin : createReadStream(path))
      yield Uint8Array.from(piece);
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${path}\` cannot be used (${reason})`, { path, reason });
  }
}
