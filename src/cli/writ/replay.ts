/** What would these policies have said to requests of the past? Decisions of a log, judged anew (WRIT section 8.3). */
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { entryLabels } from "../../writ/entry-labels.ts";
import { evaluate } from "../../writ/evaluation/evaluator.ts";
import type { Facts } from "../../writ/facts.ts";
import type { Program } from "../../writ/program.ts";
import type { ExitStatus } from "../command.ts";
import { type DecidedItem, decidedItems, isObject } from "../decision-facts.ts";
import type { WritEdges } from "./verb.ts";

const MAX_LOG_BYTES = 256 << 20;
const LINE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "request/malformed" } as const;
const NEWLINE = 0x0a;

interface Replayed {
  readonly item: DecidedItem;
  /** Nothing where it is allowed now. */
  readonly code: string | undefined;
}

/** Status 1 where a request would be decided otherwise. Obligations and their counters take no part. */
export async function replay(
  { log, program, isJson }: { readonly log: string; readonly program: Program; readonly isJson: boolean },
  { terminal }: WritEdges,
): Promise<ExitStatus> {
  const items = itemsOf(await terminal.readFile(log, MAX_LOG_BYTES));
  const vcpus = entryLabels(program.refsets, "measurement");
  const replayed = items.map(
    (item): Replayed => ({ item, code: evaluate(program, labelled(item.facts, vcpus)).code }),
  );
  const changed = replayed.filter(({ item, code }) => (item.code === undefined) !== (code === undefined));
  terminal.out(
    isJson
      ? `${canonicalJson({ decisions: replayed.length, changed: changed.map(jsonOf) })}\n`
      : textOf(replayed, changed),
  );
  return changed.length === 0 ? 0 : 1;
}

/** The number of vCPUs is the label of a reference value: another set may say another one. */
function labelled(facts: Facts, vcpus: ReadonlyMap<string, number>): Facts {
  const anew = new Map(facts);
  const count = vcpus.get(String(facts.get("measurement")));
  if (count === undefined) anew.delete("vm.vcpus");
  else anew.set("vm.vcpus", count);
  return anew;
}

/** One decision a line. */
function itemsOf(bytes: Uint8Array): readonly DecidedItem[] {
  const items: DecidedItem[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    if (end > start) items.push(...itemsOfLine(bytes.subarray(start, end)));
    start = end + 1;
  }
  return items;
}

function itemsOfLine(line: Uint8Array): readonly DecidedItem[] {
  const value = parseStrictJson(line, LINE_LIMITS);
  if (!isObject(value)) throw new Fault("request/malformed", "expected one decision a line");
  return decidedItems(value);
}

function jsonOf({ item: { id, resource, code: was }, code }: Replayed) {
  return { id, resource, was: was ?? null, now: code ?? null };
}

function textOf(replayed: readonly Replayed[], changed: readonly Replayed[]): string {
  const lines = changed.map(({ item, code }) =>
    code === undefined
      ? `newly allowed  ${item.id}  ${item.resource}  was ${item.code ?? "allowed"}\n`
      : `newly refused  ${item.id}  ${item.resource}  now ${code}\n`,
  );
  const head = `${replayed.length} decided again, ${replayed.length - changed.length} alike, ${changed.length} otherwise\n`;
  return `${lines.join("")}${head}`;
}
