/** Which habits does a source show by its text alone? Owners, reasons, ends, windows (WRIT section 12, "pattern" and "clock"). */
import { formatInstant, instant } from "../../base/time.ts";
import type { Span } from "../diagnostics/diagnostic.ts";
import { advice } from "../diagnostics/findings.ts";
import type {
  ClauseItem,
  EntryItem,
  FloorItem,
  RefsetItem,
  RuleSetItem,
  SourceTree,
  TemplateItem,
  WindowClause,
} from "../syntax/ast.ts";
import { type LintDesk, type Told, warn } from "./desk.ts";

const DAY = 86_400;
const NOTICE_DAYS = 14;
const OVERLAP_DAYS = 30;

/** W0720–W0724 and W0730. */
export function lintSource(desk: LintDesk, tree: SourceTree): void {
  const tell: Tell = (span, told) => warn(desk, { file: tree.path, span }, told);
  lintModule(tree, tell);
  for (const item of tree.items) {
    if (item.kind === "refset" || item.kind === "floor") lintOwner(item, tell);
    if (item.kind === "refset") lintWindows(item, desk.now, tell);
    if (item.kind === "guard") lintEnd(item, tell);
    if (item.kind === "guard" || item.kind === "policy" || item.kind === "template") lintReasons(item, tell);
  }
}

type Tell = (span: Span, told: Told) => void;

/** W0724. */
function lintModule({ module }: SourceTree, tell: Tell): void {
  if (module?.widening !== "major") return;
  tell(module.wideningSpan ?? module.name.span, {
    code: "W0724",
    message: `module \`${module.name.text}\` may widen by a major number alone`,
    label: "nobody has to approve it",
    helps: advice("write `widening review`, which is what holds where nothing is said"),
  });
}

/** W0721. */
function lintOwner(item: RefsetItem | FloorItem, tell: Tell): void {
  if (item.meta.some(({ key }) => key.text === "owner")) return;
  const what = item.kind === "refset" ? "reference set" : "floor";
  tell(item.headSpan, {
    code: "W0721",
    message: `${what} \`${item.name.text}\` has no owner`,
    label: "nobody is asked before it changes, or told before it ends",
    helps: advice('add `owner "…"`'),
  });
}

/** W0723. */
function lintEnd({ name, items }: RuleSetItem, tell: Tell): void {
  for (const item of items) {
    if (item.kind !== "valid" || item.window.to === undefined) continue;
    tell(item.span, {
      code: "W0723",
      message: `guard \`${name.text}\` ends on ${moment(item.window.to)}`,
      label: "access widens by itself on that day",
      helps: advice("leave out the end, and take the guard away in a reviewed change"),
    });
  }
}

/** W0730. */
function lintReasons({ items }: RuleSetItem | TemplateItem, tell: Tell): void {
  for (const item of items) {
    if ((item.kind === "require" || item.kind === "deny") && item.reason === undefined)
      tellReason(item, tell);
  }
}

function tellReason({ kind, bodySpan }: ClauseItem, tell: Tell): void {
  const word = kind === "require" ? "else" : "because";
  tell(bodySpan, {
    code: "W0730",
    message: `this ${kind} has no \`${word}\``,
    label: "whoever is refused is not told why",
    helps: advice(`add \`${word} "…"\`: one sentence that a guest may read`),
  });
}

// ── windows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function lintWindows(item: RefsetItem, now: number, tell: Tell): void {
  const live = item.entries.filter(({ state }) => state !== "revoked");
  lintLastWindow(item, live, { now, tell });
  const active = live.filter(({ state }) => state !== "retiring");
  for (const entry of live) if (entry.state === "retiring") lintOverlap(entry, active, tell);
}

/** W0720. */
function lintLastWindow(
  item: RefsetItem,
  live: readonly EntryItem[],
  { now, tell }: { readonly now: number; readonly tell: Tell },
): void {
  const last = lastWindow(live);
  if (last === undefined || last.to - now > NOTICE_DAYS * DAY) return;
  const left = last.to - now;
  const owner = item.meta.find(({ key }) => key.text === "owner")?.value.value;
  const end = moment(last.to);
  const fate = left > 0 ? `will have expired by ${end}` : `has expired: the last window closed on ${end}`;
  tell(last.span, {
    code: "W0720",
    message: `every entry of \`${item.name.text}\` ${fate}`,
    label: `last window to close, ${left > 0 ? `in ${days(left)}` : `${days(-left)} ago`}`,
    notes: owner === undefined ? [] : [`owner ${owner} is notified ${NOTICE_DAYS}, 7 and 1 days before`],
    helps: advice("add the successor with an overlapping window, or extend this one"),
  });
}

/** The window that closes last, where every one closes. */
function lastWindow(live: readonly EntryItem[]): { readonly to: number; readonly span: Span } | undefined {
  let last: { readonly to: number; readonly span: Span } | undefined;
  for (const { valid } of live) {
    if (valid?.to === undefined) return undefined;
    if (last === undefined || valid.to > last.to) last = { to: valid.to, span: valid.span };
  }
  return last;
}

function days(seconds: number): string {
  const count = Math.floor(seconds / DAY);
  return count === 1 ? "1 day" : `${count} days`;
}

/** W0722. */
function lintOverlap(retiring: EntryItem, active: readonly EntryItem[], tell: Tell): void {
  const other = active.find((entry) => overlapOf(retiring.valid, entry.valid) > OVERLAP_DAYS * DAY);
  if (other === undefined) return;
  const overlap = overlapOf(retiring.valid, other.valid);
  const length = overlap === Number.POSITIVE_INFINITY ? "for ever" : `for ${days(overlap)}`;
  tell(retiring.valid?.span ?? retiring.label.span, {
    code: "W0722",
    message: `"${retiring.label.value}" is retiring and overlaps "${other.label.value}" ${length}`,
    label: `an overlap of more than ${OVERLAP_DAYS} days`,
    helps: advice("close this window earlier"),
  });
}

function overlapOf(a: WindowClause | undefined, b: WindowClause | undefined): number {
  const from = Math.max(a?.from ?? 0, b?.from ?? 0);
  return Math.min(a?.to ?? Number.POSITIVE_INFINITY, b?.to ?? Number.POSITIVE_INFINITY) - from;
}

/** As a source would write it: without seconds that are zero. */
function moment(seconds: number): string {
  return formatInstant(instant(seconds)).replace(/:00Z$/, "Z");
}
