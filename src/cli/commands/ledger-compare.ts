/** `ledger compare`: are two copies of a log one log? Where they part, the entry is named, and what convicts their signer written down. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { firstDifference, provenEntry, type TiledLog } from "../../ledger/fork.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { keyOf } from "../ledger-key.ts";
import type { LedgerEdges } from "../ledger-source.ts";
import { firstOtherLeaf, type LogCopy, leafAt, openCopy } from "../log-copy.ts";

/** Runs `ledger compare A B --key VKEY|FILE [--evidence DIR] [--json]`. */
export async function compareLogs(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    key: { type: "string" },
    evidence: { type: "string" },
    json: { type: "boolean" },
  });
  const [first, second, ...more] = positionals;
  if (first === undefined || second === undefined || more.length > 0 || values.key === undefined) {
    throw new Misuse("expected two copies of a log, and --key");
  }
  const key = await keyOf(values.key, edges, terminal);
  const [one, other] = [await openCopy(first, key, edges), await openCopy(second, key, edges)];
  const entry = await differenceOf(one, other, edges);
  if (entry !== undefined && values.evidence !== undefined) {
    await writeEvidence(values.evidence, { entry, copies: [one, other] }, edges);
  }
  const shown = { entry, copies: [one, other] } as const;
  terminal.out(values.json === true ? `${canonicalJson(await factsOf(shown))}\n` : await textOf(shown));
  return entry === undefined ? 0 : 1;
}

/** By halves where both can be read in parts; else both are verified to the end, and then read side by side. */
async function differenceOf(
  one: LogCopy,
  other: LogCopy,
  { primitives }: LedgerEdges,
): Promise<number | undefined> {
  const [first, second] = [tiledOf(one), tiledOf(other)];
  if (first !== undefined && second !== undefined) return firstDifference(first, second, primitives.digest);
  await one.verify();
  await other.verify();
  return firstOtherLeaf(one, other);
}

function tiledOf(copy: LogCopy): TiledLog | undefined {
  const { name, note, checkpoint, files } = copy;
  return files && { name, note, checkpoint, tile: files.tile, leafAt: (seq) => entryOf(seq, copy) };
}

interface Compared {
  /** `undefined` where the longer one continues the other. */
  readonly entry: number | undefined;
  readonly copies: readonly [LogCopy, LogCopy];
}

async function writeEvidence(
  folder: string,
  { entry, copies }: Compared & { readonly entry: number },
  { primitives, writeLogFile }: LedgerEdges,
): Promise<void> {
  const logs = copies.map(tiledOf).filter((log) => log !== undefined);
  if (logs.length < copies.length) {
    throw new Misuse(
      "expected copies in folders or under addresses with --evidence: an export has no proofs",
    );
  }
  for (const [i, log] of logs.entries()) {
    const proof = await provenEntry(log, entry, primitives.digest); // in order: two
    await writeLogFile(folder, `fork-${entry}-${i + 1}.tlog-proof`, utf8(proof));
  }
}

async function factsOf({ entry, copies }: Compared) {
  const sizes = copies.map(({ checkpoint }) => checkpoint.size);
  if (entry === undefined) return { isOneLog: true, sizes };
  const [one, other] = await Promise.all(
    copies.map(async (copy) => parseUtf8(await entryOf(entry, copy)) ?? ""),
  );
  return { isOneLog: false, sizes, entry, entries: [one ?? "", other ?? ""] };
}

async function textOf({ entry, copies }: Compared): Promise<string> {
  const [one, other] = copies;
  if (entry === undefined) {
    const sizes = `${one.checkpoint.size} and ${other.checkpoint.size} entries`;
    return `one log of ${one.checkpoint.origin}: ${sizes}, and what both have is the same\n`;
  }
  const lines = await Promise.all(
    copies.map(async (copy) => `  ${copy.name}: ${parseUtf8(await entryOf(entry, copy)) ?? ""}\n`),
  );
  return `two logs of ${one.checkpoint.origin} under one key: entry ${entry} is the first that is another\n${lines.join("")}`;
}

async function entryOf(seq: number, copy: LogCopy): Promise<Uint8Array> {
  const leaf = await leafAt(seq, copy);
  if (leaf !== undefined) return leaf;
  throw new Fault("ledger/inconsistent", `expected entry ${seq} in ${copy.name}`, { entry: seq });
}
