/** How is a replay told to people? A sentence of counts, then one row for each way to be otherwise. */
import type { Direction } from "../../policy/replay.ts";
import { type DifferenceGroup, type ReplayTally, sortedGroups } from "../../policy/replay-tally.ts";

const WORDS: Readonly<Record<Direction, string>> = {
  gained: "would gain",
  lost: "would lose",
  changed: "on other terms",
};

const MAX_SHOWN = 20;

export function replayText(tally: ReplayTally): string {
  const groups = sortedGroups(tally.groups);
  const rest = groups.length - MAX_SHOWN;
  const more = rest > 0 ? `and ${rest} more; --json tells them all\n` : "";
  return `${countsText(tally)}${groups.slice(0, MAX_SHOWN).map(groupText).join("")}${more}`;
}

function countsText(tally: ReplayTally): string {
  const { decisions, items, alike, gained, lost, changed, unseen, unreproduced, tampered, suspect } = tally;
  const head = `${decisions} decisions judged again: of ${items} items ${alike} alike, ${gained} gained, ${lost} lost, ${changed} on other terms\n`;
  const notes = [
    [unseen, `${unseen} items were not judged: no facts were kept of them\n`],
    [unreproduced, `${unreproduced} items are not what their own bundle says again: ${namesOf(suspect)}\n`],
    [
      tampered,
      `${tampered} decisions are NOT what the ledger says, and count for nothing: ${namesOf(suspect)}\n`,
    ],
  ] as const;
  return `${head}${notes.map(([count, text]) => (count > 0 ? text : "")).join("")}`;
}

function namesOf(ids: readonly string[]): string {
  return ids.slice(0, 3).join(", ") + (ids.length > 3 ? ", …" : "");
}

function groupText({
  direction,
  resource,
  measurement,
  clause,
  reason,
  count,
  example,
}: DifferenceGroup): string {
  const image = measurement === "" ? "" : `   image ${measurement.slice(0, 16)}`;
  const [now, before] = direction === "changed" ? ["in", "that is"] : ["by", "until now"];
  return `\n${WORDS[direction]}   ${resource}${image}   ${count} times, for example ${example}
  ${now} ${clause}
  ${before} ${reason}\n`.replaceAll(/[^\P{Cc}\n]/gu, "?");
}
