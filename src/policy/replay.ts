/** What would a candidate have said where another bundle decided? One item of a decision, judged by both (WRIT section 8.3). */
import { canonicalJson } from "../base/canonical-json.ts";
import { changedObligations, obligationsText } from "../writ/diff/obligations-text.ts";
import { refusalOf } from "../writ/diff/refusal.ts";
import { type AppraisalOutcome, outcomeOver } from "./appraise.ts";
import type { Bundle } from "./bundle.ts";
import type { ToldItem } from "./told-decision.ts";

/** What would be otherwise: somebody gets a key who does not, does not who does, or gets it on other terms. */
export type Direction = "gained" | "lost" | "changed";

export interface Difference {
  readonly direction: Direction;
  readonly resource: string;
  /** Of the image that asked, lower-case hex; empty where none was told. */
  readonly measurement: string;
  /** What decides: the allow that grants, the clause that refuses, the kinds of obligation that change. */
  readonly clause: string;
  /** What it was before. */
  readonly reason: string;
}

/** Of a bundle, what it takes to judge. */
type Judge = Pick<Bundle, "digest" | "program" | "vcpus">;

export interface ReplaySides {
  readonly newer: Judge;
  /** What the candidate is compared with; without it, that is what was decided. */
  readonly older: Judge | undefined;
}

/** `unseen`: too little was kept of it. `unreproduced`: the bundle that decided it does not say so again. */
export type Replayed =
  | { readonly kind: "alike" | "unseen" | "unreproduced" }
  | { readonly kind: "otherwise"; readonly difference: Difference };

/** @param decidedBy - Digest of the bundle that decided; `null` where none was live. */
export function replayItem(
  item: ToldItem,
  decidedBy: string | null,
  { newer, older }: ReplaySides,
): Replayed {
  const { seen, code } = item;
  if (seen === undefined) return { kind: "unseen" };
  const after = outcomeOver(seen, newer);
  if (newer.digest === decidedBy && after.code !== code) return { kind: "unreproduced" };
  const before = older === undefined ? decided(item) : older === newer ? after : outcomeOver(seen, older);
  if (older !== undefined && older.digest === decidedBy && before.code !== code) {
    return { kind: "unreproduced" };
  }
  const found = differenceOf(before, after);
  if (found === undefined) return { kind: "alike" };
  const measurement = String(seen.facts.get("measurement") ?? "");
  return { kind: "otherwise", difference: { resource: item.resource, measurement, ...found } };
}

/** What is known of an answer without its bundle. */
interface Decided {
  readonly isAllowed: boolean;
  readonly code: string | undefined;
}

function decided({ code }: ToldItem): Decided {
  return { isAllowed: code === undefined, code };
}

/** Nothing where both say the same at the same price. */
export function differenceOf(
  before: AppraisalOutcome | Decided,
  after: AppraisalOutcome,
): Pick<Difference, "direction" | "clause" | "reason"> | undefined {
  if (!before.isAllowed) {
    if (!after.isAllowed) return undefined;
    return { direction: "gained", clause: grantText(after), reason: refusalText(before) };
  }
  if (!after.isAllowed) {
    return { direction: "lost", clause: refusalText(after), reason: `allowed by ${grantText(before)}` };
  }
  return "obligations" in before ? changeOf(before, after) : undefined;
}

/** The allows that hold, by module and policy. */
function grantText(outcome: AppraisalOutcome | Decided): string {
  if (!("allowedBy" in outcome)) return "what was live then";
  return cut(namesOf(outcome.allowedBy).join(", "));
}

function namesOf(grants: AppraisalOutcome["allowedBy"]): readonly string[] {
  const names = grants.map(
    ({ module, policy, label }) =>
      `${module}/${policy}${label === undefined ? "" : ` allow ${JSON.stringify(label)}`}`,
  );
  return [...new Set(names)].sort();
}

/** A clause may be as long as a source: what is told of it is not. */
function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1).toWellFormed()}…`;
}

const MAX_TEXT = 600;

function refusalText(outcome: AppraisalOutcome | Decided): string {
  if (!("trace" in outcome)) return `refused: ${outcome.code ?? "internal"}`;
  const refusal = refusalOf(outcome);
  if (refusal === undefined) return "";
  const { text, at } = refusal;
  return at === undefined || at === "" ? cut(text) : cut(`${text} (${at})`);
}

function changeOf(before: AppraisalOutcome, after: AppraisalOutcome) {
  if (canonicalJson(wordsOf(before)) === canonicalJson(wordsOf(after))) return undefined;
  const kinds = changedObligations(before.obligations, after.obligations);
  if (kinds.length === 0) {
    const reason = "other policies count its releases, from nothing on";
    return { direction: "changed" as const, clause: "counters", reason };
  }
  const reason = kinds
    .map(
      (kind) =>
        `${obligationsText(before.obligations, kind)} becomes ${obligationsText(after.obligations, kind)}`,
    )
    .join("; ");
  return { direction: "changed" as const, clause: kinds.join(", "), reason: cut(reason) };
}

/** All that an obligation says, in an order that no order of sources decides. */
function wordsOf({ obligations }: AppraisalOutcome) {
  const { maxReleases, rates, notify, keyVersion, ...rest } = obligations;
  const version = typeof keyVersion === "string" ? keyVersion : `>= ${keyVersion.atLeast}`;
  return {
    ...rest,
    version,
    notify: [...notify].sort(),
    counters: [...maxReleases, ...rates].map((one) => canonicalJson({ ...one })).sort(),
  };
}
