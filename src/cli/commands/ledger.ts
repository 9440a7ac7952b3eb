/** `ostiary ledger …`: the transparency log. What it says now, what it said, and whether a copy of it is whole. */
import { hexOf } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { formatInstant, instant } from "../../base/time.ts";
import { type LedgerEntry, parseEntry } from "../../ledger/entry.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf } from "../admin-session.ts";
import { countOf, noWords, oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { leavesOf, openHead } from "../ledger-head.ts";
import type { LedgerEdges } from "../ledger-source.ts";
import { tableOf } from "../table.ts";
import { compareLogs } from "./ledger-compare.ts";
import { exportLedger } from "./ledger-export.ts";
import { forgetTraces } from "./ledger-forget.ts";
import { positionOf, proveEntry } from "./ledger-prove.ts";
import { reveal } from "./ledger-reveal.ts";
import { verifyLedger } from "./ledger-verify.ts";
import { witness } from "./ledger-witness.ts";

const NEWEST = "20";

const USAGE = `ostiary ledger head                             the signed head of the log, and the key to verify it with
ostiary ledger show [SEQ] [--last N]            one entry, or the newest ones (${NEWEST})
ostiary ledger prove SEQ > FILE                 one entry, and what shows that it is under the signed head
ostiary ledger export > FILE                    the whole log with its head, verified on the way out
ostiary ledger export [--from SEQ|TIME] [--to SEQ|TIME] [--since FILE] > FILE
                                                a part of it, up to and without --to, with what shows its place; with --since
                                                what is new, and a proof that it continues that head (of an earlier export)
ostiary ledger export --files DIR               the same as files that any web server may serve (C2SP tlog-tiles); goes on
                                                from what the folder has
ostiary ledger verify FILE [--key VKEY|FILE] [--since FILE]
                                                an export or a proof, offline: nothing cut out, nothing changed; with --since
                                                that it continues a head, or an earlier export, without a gap
ostiary ledger verify DIR|URL --key VKEY|FILE   the same of a log in files
ostiary ledger verify --receipt FILE --key VKEY|FILE [--witness VKEY]…
                                                what a guest kept of a release (\`agent get --receipt\`): it is in the log;
                                                with --witness only under a head that these have cosigned
ostiary ledger compare A B --key VKEY|FILE [--evidence DIR]
                                                whether two copies (files, folders, addresses) are one log: the first entry
                                                that is another, and what convicts whoever signed both
ostiary ledger forget-traces --older-than DAYS  what was weighed in old decisions is kept no longer, as far as the
                                                configuration lets it go; what was decided stays in the log
ostiary ledger reveal NAME --salt FILE          which name in a salted log is NAME's, and what shows it to somebody else:
ostiary ledger reveal NAME --opening HEX        the same without the salt, for whoever was shown the opening
ostiary ledger reveal CHIP --salt FILE          which chip is meant by \`~…\` in traces and the fleet, or the other way round
ostiary ledger witness --data DIR --name NAME --log VKEY… [--listen HOST:PORT]
                                                cosign the heads of others' logs, each only where it continues the last

--key of \`verify\` is the verifier key that \`head\` printed, or a file that holds it.

${ADMIN_USAGE}`;

/** Makes the verb. `verify` and `witness` ask no broker. */
export function createLedgerCommand(edges: LedgerEdges): Command {
  return {
    name: "ledger",
    summary:
      "the transparency log: head, show, prove, export, verify, compare, forget-traces, reveal, witness",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const verb = name === undefined ? undefined : SUBVERBS.get(name);
      if (verb === undefined) {
        throw new Misuse(`expected one of ${[...SUBVERBS.keys()].join(", ")} after \`ledger\``);
      }
      return verb(rest, edges, terminal);
    },
  };
}

type Subverb = (args: readonly string[], edges: LedgerEdges, terminal: Terminal) => Promise<ExitStatus>;

const SUBVERBS: ReadonlyMap<string, Subverb> = new Map([
  ["head", head],
  ["show", show],
  ["prove", proveEntry],
  ["export", exportLedger],
  ["verify", verifyLedger],
  ["compare", compareLogs],
  ["forget-traces", forgetTraces],
  ["reveal", reveal],
  ["witness", witness],
]);

async function head(args: readonly string[], edges: LedgerEdges, terminal: Terminal): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  noWords(positionals);
  const { note, checkpoint, key } = await openHead(await edges.openLedger(adminOptionsOf(values)), edges);
  const { origin, size, root } = checkpoint;
  const facts = { origin, size, root: hexOf(root), key };
  terminal.out(
    values.json === true
      ? `${canonicalJson({ ...facts, checkpoint: note })}\n`
      : tableOf(Object.entries(facts).map(([name, value]) => [name, String(value)])),
  );
  return 0;
}

async function show(args: readonly string[], edges: LedgerEdges, terminal: Terminal): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, last: { type: "string" } });
  const seq = positionals.length === 0 ? undefined : positionOf(oneWord(positionals, "SEQ"));
  const last = countOf(values.last ?? NEWEST, "--last");
  const source = await edges.openLedger(adminOptionsOf(values));
  const { checkpoint } = await openHead(source, edges);
  const range = {
    from: seq ?? Math.max(0, checkpoint.size - last),
    to: seq === undefined ? checkpoint.size : seq + 1,
  };
  if (range.to > checkpoint.size) {
    throw new Fault(
      "request/not-found",
      `expected a position below ${checkpoint.size}, received ${range.from}`,
    );
  }
  const entries: LedgerEntry[] = [];
  for await (const leaf of leavesOf(source, range)) entries.push(entryAt(range.from + entries.length, leaf));
  terminal.out(values.json === true ? `${canonicalJson(entries)}\n` : readable(entries, seq !== undefined));
  return 0;
}

function entryAt(seq: number, leaf: Uint8Array): LedgerEntry {
  const entry = parseEntry(leaf);
  if (entry.seq === seq) return entry;
  throw new Fault("ledger/inconsistent", `expected entry ${seq}, received entry ${entry.seq}`, {
    entry: seq,
  });
}

function readable(entries: readonly LedgerEntry[], isWhole: boolean): string {
  const [only] = entries;
  if (isWhole && only !== undefined) return `${JSON.stringify(only, null, 2)}\n`;
  if (only === undefined) return "no entries\n";
  const rows = entries.map((entry) => [
    String(entry.seq),
    formatInstant(instant(entry.time)),
    entry.kind,
    ...summaryOf(entry),
  ]);
  return tableOf([["SEQ", "TIME", "KIND", "WHAT", "ABOUT", "ID OR ACTOR"], ...rows]);
}

function summaryOf(entry: LedgerEntry): readonly [what: string, about: string, by: string] {
  switch (entry.kind) {
    case "decision": {
      const resources = entry.items.map(({ resource, version }) => `${resource}@${version}`).join(", ");
      return [entry.code === null ? entry.outcome : `${entry.outcome} ${entry.code}`, resources, entry.id];
    }
    case "release-failed":
      return ["", "", entry.id];
    case "admin":
      return [entry.act, entry.subject, entry.actor];
    case "epoch":
      return [entry.act, "", ""];
    default:
      return entry satisfies never;
  }
}
