/** Which key does `--key` mean? A verifier key as it is written, or the file that holds one. */
import { parseUtf8 } from "../base/bytes.ts";
import { type NoteKey, parseVerifierKey } from "../ledger/note.ts";
import type { Terminal } from "./command.ts";
import type { LedgerEdges } from "./ledger-source.ts";

const MAX_KEY_BYTES = 4096;

/** A verifier key is recognised by its form. @throws {@link Fault} `ledger/malformed`, `file/unusable`. */
export async function keyOf(
  given: string,
  { primitives: { digest } }: Pick<LedgerEdges, "primitives">,
  terminal: Pick<Terminal, "readFile">,
): Promise<NoteKey> {
  if (/^[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(given)) return parseVerifierKey(given, digest);
  const text = parseUtf8(await terminal.readFile(given, MAX_KEY_BYTES)) ?? "";
  return parseVerifierKey(text.trim(), digest);
}
