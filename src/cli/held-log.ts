/** What does an auditor have of a log already? A head on its own, or that of an earlier export with all entries before it. */
import { parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { openCheckpoint } from "../ledger/checkpoint.ts";
import { MAX_EXPORT_LINE_BYTES, openExport } from "../ledger/export.ts";
import { extractHeadIn, type Held } from "../ledger/extract.ts";
import { MAX_NOTE_BYTES } from "../ledger/log-files.ts";
import type { NoteKey } from "../ledger/note.ts";
import type { LedgerEdges } from "./ledger-source.ts";
import { linesOf } from "./lines.ts";

type Edges = Pick<LedgerEdges, "primitives" | "readPieces">;

const BRACE = 0x7b;

/**
 * Opens the head in a file: a note, or the first line of an export. Entries of that export were verified when it came.
 *
 * @throws {@link Fault} `ledger/malformed`; `ledger/inconsistent` for a head that the key did not sign; `file/unusable`.
 */
export async function openHeld(path: string, key: NoteKey, edges: Edges): Promise<Held> {
  const { primitives } = edges;
  const of = { origin: key.name, spki: key.spki };
  const lines = linesOf(edges.readPieces(path), MAX_EXPORT_LINE_BYTES);
  const first = await lines.next();
  if (first.done === true) throw new Fault("ledger/malformed", `expected a head of the log in \`${path}\``);
  if (first.value[0] !== BRACE) {
    const checkpoint = await openCheckpoint(await noteIn(first.value, lines), of, primitives);
    return { checkpoint, end: checkpoint.size };
  }
  const extract = extractHeadIn(first.value);
  if (extract !== undefined) {
    return { checkpoint: await openCheckpoint(extract.checkpoint, of, primitives), end: extract.to };
  }
  const { checkpoint } = await openExport(only(first.value), key, primitives);
  return { checkpoint, end: checkpoint.size };
}

async function noteIn(first: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<string> {
  let note = `${parseUtf8(first) ?? "\0"}\n`;
  for await (const line of rest) {
    note += `${parseUtf8(line) ?? "\0"}\n`;
    if (note.length > MAX_NOTE_BYTES) throw new Fault("ledger/malformed", "expected a signed note, no more");
  }
  return note;
}

async function* only(line: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield line;
}
