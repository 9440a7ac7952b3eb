/** `ledger prove`: one entry with its proof under the signed head, for somebody who has the log's key and nothing else. */
import { Fault } from "../../base/fault.ts";
import { originOf } from "../../ledger/checkpoint.ts";
import { encodeProofFile, verifyProofFile } from "../../ledger/proof-file.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import type { LedgerEdges } from "../ledger-source.ts";

/** Runs `ledger prove SEQ`. What the broker answers is verified before it is printed. */
export async function proveEntry(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const seq = positionOf(oneWord(positionals, "SEQ"));
  const source = await edges.openLedger(adminOptionsOf(values));
  const text = encodeProofFile(await source.inclusion(seq));
  const key = { name: originOf(source.audience), spki: source.spki };
  const { entry, checkpoint } = await verifyProofFile(text, key, edges.primitives);
  if (entry.seq !== seq) {
    throw new Fault("ledger/inconsistent", `expected entry ${seq}, received entry ${entry.seq}`, {
      entry: seq,
    });
  }
  terminal.out(text);
  terminal.err(`entry ${entry.seq} of ${checkpoint.origin}, under its head of ${checkpoint.size} entries\n`);
  return 0;
}

/** @throws {@link Misuse}. */
export function positionOf(text: string): number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  throw new Misuse(`expected a position in the log, received \`${text}\``);
}
