/** How is a body read that somebody else sends? Piece by piece, and no further than a cap, whatever its headers say. */
import { concatBytes } from "../base/bytes.ts";

/** `undefined` where there is more than `maxBytes`. What the stream throws is thrown. */
export async function boundedBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
    size += piece.value.length;
    if (size > maxBytes) {
      await reader?.cancel();
      return undefined;
    }
    pieces.push(piece.value);
  }
  return concatBytes(...pieces);
}
