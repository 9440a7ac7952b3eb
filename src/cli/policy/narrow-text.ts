/** How is told what can be cut of a policy? A row for each, what the solver says, what the past says, and what to do next. */
import type { JsonObject } from "../../base/canonical-json.ts";
import { formatInstant, type Instant } from "../../base/time.ts";
import type { Cut, Narrowed } from "../../policy/narrowed.ts";
import { renderDiff } from "../../writ/diff/render.ts";
import { tableOf } from "../table.ts";

const KINDS: Readonly<Record<Cut["kind"], string>> = {
  policy: "policy",
  allow: "allow",
  pattern: "path",
  entry: "value",
};

export function headOf(allowed: number, since: Instant): string {
  return `${allowed} items allowed since ${formatInstant(since)}\n`;
}

export function narrowedText({ made, kept, diff }: Narrowed): string {
  const cuts = made.map((cut) => ["cut", ...wordsOf(cut)]);
  const others = kept.map(({ cut, why }) => ["keep", ...wordsOf(cut), why]);
  const names = { older: "what is live", newer: "what is left" };
  return `${tableOf([...cuts, ...others])}${renderDiff(diff, { names, changes: [], isFull: false })}`;
}

function wordsOf({ kind, of, what, file }: Cut): readonly string[] {
  return [KINDS[kind], what === "" ? of : `${what} of ${of}`, file];
}

export function nextText(folder: string | undefined): string {
  return folder === undefined
    ? "next: the same with --out DIR, which has it as sources\n"
    : `next: ostiary policy plan ${folder}\n`;
}

export function narrowedJson({ made, kept, diff }: Narrowed): JsonObject {
  const told = ({ kind, of, what, file }: Cut): JsonObject => ({ kind, of, what, file });
  return {
    cuts: made.map(told),
    kept: kept.map(({ cut, why }) => ({ ...told(cut), why })),
    verdict: diff.verdict,
  };
}
