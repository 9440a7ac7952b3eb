/** How is a difference told? Verdict, obligations, then requests that show it (WRIT section 14). */
import { visible } from "../diagnostics/render.ts";
import { explainTrace } from "../evaluation/explain.ts";
import type { Answer } from "../solver/space.ts";
import type { Diff, Verdict } from "./diff.ts";
import type { Example, ShownField } from "./example.ts";
import type { Expiries } from "./expiry.ts";
import { obligationsText } from "./obligations-text.ts";
import { timeText } from "./value-text.ts";
import type { ModuleChange } from "./versions.ts";

/** How the two sides are called. */
export interface SideNames {
  readonly older: string;
  readonly newer: string;
}

export interface DiffText {
  readonly names: SideNames;
  /** Of modules that changed. */
  readonly changes: readonly ModuleChange[];
  /** Prints both traces under each example. */
  readonly isFull: boolean;
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  equivalent: "EQUIVALENT",
  narrows: "NARROWS",
  widens: "WIDENS",
  both: "BOTH",
  "not-decided": "NOT DECIDED",
};
const WIDTH = 80;
const NOTE_COLUMN = 30;

/** What changes when windows close, ending with a newline. */
export function renderExpiries({ shown, more }: Expiries): string {
  if (shown.length === 0) return "no window closes\n";
  const names = { older: "the policy before", newer: "the policy after" };
  const lines = shown.flatMap(({ at, ends, diff }) => [
    `${timeText(at)}  ${listed(ends)}: ${VERDICTS[diff.verdict]}`,
    ...exampleBlock("newly allowed", diff.examples, {
      direction: "allowed",
      refuser: names.older,
      isFull: false,
    }),
    ...exampleBlock("newly refused", diff.examples, {
      direction: "refused",
      refuser: names.newer,
      isFull: false,
    }),
  ]);
  const rest = more === 0 ? [] : [`and ${more} moments later`];
  return `${[...lines, ...rest].map((line) => visible(line).trimEnd()).join("\n")}\n`;
}

const MAX_LISTED = 3;

function listed(ends: readonly string[]): string {
  const more = ends.length - MAX_LISTED;
  const told = ends.slice(0, MAX_LISTED).join(", ");
  return more > 0 ? `${told} and ${more} more end` : `${told} ${ends.length === 1 ? "ends" : "end"}`;
}

/** The whole text, ending with a newline. */
export function renderDiff(diff: Diff, { names, changes, isFull }: DiffText): string {
  const { older, newer } = names;
  const lines = [
    `${VERDICTS[diff.verdict]}.  ${implication(newer, older, diff.newImpliesOld)}; ${implication(older, newer, diff.oldImpliesNew)}.`,
    ...diff.loosened.flatMap((one) => loosenedLines(one)),
    ...exampleBlock("newly allowed", diff.examples, { direction: "allowed", refuser: older, isFull }),
    ...exampleBlock("newly refused", diff.examples, { direction: "refused", refuser: newer, isFull }),
    ...changes.flatMap(changeLines),
  ];
  return `${lines.map((line) => visible(line).trimEnd()).join("\n")}\n`;
}

function implication(from: string, to: string, answer: Answer): string {
  if (answer === "not-decided") return `whether ${from} implies ${to} is not decided`;
  return answer === "yes" ? `${from} implies ${to}` : `${from} does not imply ${to}`;
}

/** What needs an approval is told as an error of the source (E0801). */
function changeLines({ module, older, newer, objection, needsApproval }: ModuleChange): readonly string[] {
  if (objection === undefined || needsApproval) return [];
  return [`module ${module} ${older ?? "no version"} -> ${newer ?? "no version"}: ${objection}`];
}

function loosenedLines({ was, resource, decisions }: Diff["loosened"][number]): readonly string[] {
  if (decisions === undefined) return [`obligation loosened: \`${was}\` may not be kept (not decided)`];
  const now = obligationsText(decisions.newer.obligations, was);
  return [
    `obligation loosened: \`${was}\` is not kept on ${resource ?? "(any)"}${now === "" ? "" : `: now ${now}`}`,
  ];
}

interface Block {
  readonly direction: Example["direction"];
  /** The side that says no. */
  readonly refuser: string;
  readonly isFull: boolean;
}

function exampleBlock(
  title: string,
  examples: readonly Example[],
  { direction, refuser, isFull }: Block,
): readonly string[] {
  const shown = examples.filter((one) => one.direction === direction);
  if (shown.length === 0) return [];
  const blocks = shown.map((one) => [...exampleLines(one, refuser), ...(isFull ? traceLines(one) : [])]);
  return [`${title}, for example:`, ...blocks.flatMap((block, at) => (at === 0 ? block : ["", ...block]))];
}

function exampleLines(example: Example, refuser: string): readonly string[] {
  const { resource, usual, unusual, refusal, isConfirmed } = example;
  const note =
    refusal === undefined
      ? undefined
      : `<- refused by ${refuser}: ${refusal.text}${refusal.at === undefined ? "" : ` (${refusal.at})`}`;
  const culprit = unusual.find(({ field }) => refusal?.fields.includes(field));
  const rest = unusual.map((one) =>
    one === culprit && note !== undefined
      ? `${`  ${fieldText(one)}`.padEnd(NOTE_COLUMN)}${note}`
      : `  ${fieldText(one)}`,
  );
  return [
    ...wrapped([`resource ${resource}`, ...usual.map(fieldText)]),
    ...rest,
    ...(culprit === undefined && note !== undefined ? [`  ${note}`] : []),
    ...(isConfirmed
      ? []
      : ["  INTERNAL ERROR: the evaluator does not agree with the solver on this request"]),
  ];
}

function fieldText({ field, value }: ShownField): string {
  return `${field} ${value}`;
}

/** As many to a line as fit. */
function wrapped(parts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = last === undefined ? undefined : `${last}   ${part}`;
    if (longer !== undefined && longer.length <= WIDTH) lines.splice(-1, 1, longer);
    else lines.push(`  ${part}`);
  }
  return lines;
}

function traceLines({ decisions }: Example): readonly string[] {
  return (["older", "newer"] as const).flatMap((side) => {
    const { isAllowed, code, trace } = decisions[side];
    const head = `  ${side === "older" ? "old" : "new"}: ${isAllowed ? "ALLOWED" : `REFUSED (${code})`}`;
    return [
      head,
      ...explainTrace(trace)
        .trimEnd()
        .split("\n")
        .map((line) => `    ${line}`),
    ];
  });
}
