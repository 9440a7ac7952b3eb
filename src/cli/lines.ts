/** Where does a line of a file end? Read piece by piece, so that a file of any size takes the memory of one line. */
import { concatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";

const LINE_FEED = 10;

/**
 * The lines of a file without their ends. A last line may lack its end.
 *
 * @throws {@link Fault} `file/unusable` for a line longer than `maxBytes`, which is named; whatever `pieces` throws.
 */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let begun: Uint8Array[] = [];
  let size = 0;
  let line = 1;
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      refuseLong(size + end - from, { line, maxBytes });
      yield concatBytes(...begun, piece.subarray(from, end));
      begun = [];
      size = 0;
      line += 1;
      from = end + 1;
    }
    size += piece.length - from;
    refuseLong(size, { line, maxBytes });
    begun.push(piece.slice(from));
  }
  if (size > 0) yield concatBytes(...begun);
}

function refuseLong(
  size: number,
  { line, maxBytes }: { readonly line: number; readonly maxBytes: number },
): void {
  if (size <= maxBytes) return;
  throw new Fault("file/unusable", `expected lines of at most ${maxBytes} bytes, line ${line} is longer`, {
    line,
  });
}
