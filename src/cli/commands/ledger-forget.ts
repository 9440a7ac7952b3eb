/** `ledger forget-traces`: what was weighed in old decisions is kept no longer. What was decided stays, and its proofs. */
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { countOf, noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import type { LedgerEdges } from "../ledger-source.ts";

/** Runs `ledger forget-traces --older-than DAYS`. */
export async function forgetTraces(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...ADMIN_OPTIONS,
    "older-than": { type: "string" },
  });
  noWords(positionals);
  if (values["older-than"] === undefined) throw new Misuse("expected --older-than DAYS");
  const days = countOf(values["older-than"], "--older-than");
  const { before } = await (await edges.openLedger(adminOptionsOf(values))).forgetTraces(days);
  terminal.out(`traces of the decisions before entry ${before} are forgotten; entries and proofs stay\n`);
  return 0;
}
