/** How is a log of decisions read that is larger than the memory? One line after the other. */
import { createReadStream } from "node:fs";
import { concatBytes } from "../base/bytes.ts";
import { Fault, systemCodeOf } from "../base/fault.ts";

const MAX_LINE_BYTES = 8 << 20;
const NEWLINE = 0x0a;

/**
 * The lines of a file, or of standard input for `-`; empty ones are left out.
 *
 * @throws {@link Fault} `file/unusable`, while iterating; `request/malformed` for a line that is too long.
 */
export async function* logLines(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of piecesOf(path)) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      const line = concatBytes(rest, piece.subarray(start, end));
      rest = new Uint8Array(0);
      start = end + 1;
      if (line.length > 0) yield line;
    }
    rest = concatBytes(rest, piece.subarray(start));
    if (rest.length > MAX_LINE_BYTES) {
      throw new Fault("request/malformed", `expected lines of at most ${MAX_LINE_BYTES} bytes`);
    }
  }
  if (rest.length > 0) yield rest;
}

async function* piecesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of path === "-" ? process.stdin : createReadStream(path))
      yield Uint8Array.from(piece);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${path}\` cannot be used (${reason})`, { path, reason });
  }
}
