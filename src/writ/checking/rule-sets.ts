/** What do a policy and a guard say once templates, platforms, names and types are known? Declarations, checked. */

import { advice } from "../diagnostics/findings.ts";
import { parsePattern } from "../patterns.ts";
import type { Clause, Declaration, Obligation, Pattern, Window } from "../program.ts";
import type { ClauseItem, Name, RuleItem, RuleSetItem, TemplateItem, Text } from "../syntax/ast.ts";
import { CAPS } from "../syntax/tokens.ts";
import { conditionOf } from "./conditions.ts";
import { boundOf, type Desk, namesOfKind, originOf, sourceText, suggestion, tell, whereOf } from "./desk.ts";
import { ALL_PRESENT, NOTHING_PRESENT, type Present, presentIf } from "./presence.ts";
import { termOf } from "./terms.ts";

/** The items of platforms, parsed once, with the desk that their text stands on. */
export type PlatformTexts = ReadonlyMap<string, { readonly desk: Desk; readonly items: readonly RuleItem[] }>;

/** What templates may still grow to in this compilation: a few lines of source could stand for millions of rules. */
export interface Growth {
  left: number;
}

/** What is known beside the declaration: texts of platforms, how far templates may grow, and which were used. */
export interface Expansion {
  readonly platforms: PlatformTexts;
  readonly growth: Growth;
  readonly used: Set<TemplateItem>;
}

/** One item with the desk that its names are known at. */
interface Placed<T extends RuleItem = RuleItem> {
  readonly desk: Desk;
  readonly item: T;
}

type OfKind<K extends RuleItem["kind"]> = Extract<RuleItem, { readonly kind: K }>;

/** Reports what is wrong with a policy or guard and gives what it says. */
export function ruleSetOf(desk: Desk, item: RuleSetItem, expansion: Expansion): Declaration {
  const placed = item.items.flatMap((one) => expanded(desk, one, expansion));
  const patterns = patternsOf(desk, item, ofKind(placed, ["for"]));
  const clauses = ofKind(placed, ["require", "allow", "deny"]);
  refuseGuardRules(item, placed);
  if (item.kind === "policy" && !item.isBroken && !clauses.some((one) => one.item.kind === "allow")) {
    const message = `policy \`${item.name.text}\` has no \`allow\``;
    tell(desk, {
      code: "E0403",
      span: item.name.span,
      message,
      label: "it could never release anything",
      helps: advice("add `allow when …`, or make it a `guard` if it should only restrict"),
    });
  }
  const present = presentByRequires(clauses.map((one) => one.item));
  const checked = clauses.flatMap((one) => clauseOf(one, present));
  const of = (kind: ClauseItem["kind"]): readonly Clause[] =>
    checked.filter(({ text }) => text.kind === kind);
  const valid = windowOf(desk, item, ofKind(placed, ["valid"]));
  return {
    kind: item.kind,
    name: item.name.text,
    module: desk.file.module,
    at: whereOf(desk, item.span.start),
    ...(item.title === undefined ? {} : { title: item.title.value }),
    patterns,
    ...(valid === undefined ? {} : { valid }),
    requires: of("require"),
    allows: of("allow"),
    denies: of("deny"),
    obligations: obligationsOf(ofKind(placed, ["release"]), present),
    origin: originOf(desk, item.span),
    nameSpan: item.name.span,
  };
}

/**
 * Reports what is wrong with the text of a template that nobody uses: all that does not hang on its parameters, or on what the
 * requires of its user guarantee.
 */
export function checkUnusedTemplate(desk: Desk, template: TemplateItem): void {
  const parameters = new Map(
    template.parameters.map(({ text, span }) => [text, { literal: { kind: "broken", span }, desk }] as const),
  );
  const placed = template.items.map((item) => ({ desk: { ...desk, parameters }, item }));
  for (const clause of ofKind(placed, ["require", "allow", "deny"])) clauseOf(clause, ALL_PRESENT);
  obligationsOf(ofKind(placed, ["release"]), ALL_PRESENT);
}

function ofKind<K extends RuleItem["kind"]>(
  placed: readonly Placed[],
  kinds: readonly K[],
): readonly Placed<OfKind<K>>[] {
  return placed.filter((one): one is Placed<OfKind<K>> => kinds.some((kind) => kind === one.item.kind));
}

// ── templates and platforms ─────────────────────────────────────────────────────────────────────────────────────────

function expanded(desk: Desk, item: RuleItem, expansion: Expansion): readonly Placed[] {
  if (item.kind === "use") return usedTemplate(desk, item, expansion);
  if (item.kind === "platform") return usedPlatform(desk, item.name, expansion.platforms);
  return [{ desk, item }];
}

function usedPlatform(desk: Desk, name: Name, platforms: PlatformTexts): readonly Placed[] {
  const platform = platforms.get(name.text);
  if (platform === undefined) {
    const names = [...platforms.keys()];
    const message = `\`${name.text}\` is not a platform`;
    const label = `expected one of: ${names.join(", ")}`;
    tell(desk, { code: "E0304", span: name.span, message, label, helps: suggestion(desk, name, names) });
    return [];
  }
  const use = { desk, span: name.span, from: `platform ${name.text}` };
  return platform.items.map((item) => ({ desk: { ...platform.desk, use }, item }));
}

function usedTemplate(desk: Desk, item: OfKind<"use">, { growth, used }: Expansion): readonly Placed[] {
  const { bound } = boundOf(desk, item.name);
  if (bound?.item.kind !== "template") {
    tell(desk, {
      code: "E0309",
      span: item.name.span,
      message: `unknown template \`${item.name.text}\``,
      label:
        bound === undefined ? "not declared or imported" : `\`${item.name.text}\` is a ${bound.item.kind}`,
      helps: suggestion(desk, item.name, namesOfKind(desk, "template")),
    });
    return [];
  }
  const template = bound.item;
  used.add(template);
  if (template.parameters.length !== item.values.length) {
    const message = `\`${template.name.text}\` takes ${template.parameters.length} values, this gives ${item.values.length}`;
    tell(desk, { code: "E0302", span: item.span, message, label: "another number of values" });
    return [];
  }
  growth.left -= template.items.length;
  if (growth.left < 0) {
    const message = `all templates together make at most ${CAPS.templateRules} rules`;
    tell(desk, { code: "E0016", span: item.span, message, label: "this use makes more" });
    return [];
  }
  const inside = deskOfTemplate(desk, { item, template, file: bound.home });
  return template.items.map((one) => ({ desk: inside, item: one }));
}

function deskOfTemplate(
  desk: Desk,
  use: { readonly item: OfKind<"use">; readonly template: TemplateItem; readonly file: Desk["file"] },
): Desk {
  const { item, template, file } = use;
  const parameters = new Map(
    template.parameters.flatMap(({ text }, at) => {
      const literal = item.values[at];
      return literal === undefined ? [] : [[text, { literal, desk }] as const];
    }),
  );
  const from = `template ${template.name.text}`;
  return { ...desk, file, parameters, use: { desk, span: item.span, from } };
}

// ── scope ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function patternsOf(
  desk: Desk,
  item: RuleSetItem,
  scopes: readonly Placed<OfKind<"for">>[],
): readonly Pattern[] {
  const [scope, second] = scopes;
  const what = `${item.kind} \`${item.name.text}\``;
  if (scope === undefined) {
    if (item.isBroken) return [];
    const helps = [{ text: 'add `for resource "…"`', fixes: [] }];
    tell(desk, {
      code: "E0402",
      span: item.name.span,
      message: `${what} has no scope`,
      label: "for which resource?",
      helps,
    });
    return [];
  }
  if (second !== undefined) {
    const message = `${what} has two scopes`;
    tell(desk, { code: "E0402", span: second.item.span, message, label: "one `for` holds all patterns" });
  }
  return scope.item.patterns.flatMap((pattern) => patternOf(scope.desk, pattern));
}

function patternOf(desk: Desk, { value, span }: Text): readonly Pattern[] {
  const reading = parsePattern(value);
  if (reading.kind === "pattern") return [reading.pattern];
  tell(desk, { code: "E0302", span, message: `\`${value}\` is not a pattern`, label: reading.why });
  return [];
}

function windowOf(
  desk: Desk,
  { kind, name }: RuleSetItem,
  [valid, second]: readonly Placed<OfKind<"valid">>[],
): Window | undefined {
  if (valid === undefined) return undefined;
  if (second !== undefined) {
    const message = `${kind} \`${name.text}\` has two windows`;
    tell(desk, { code: "E0331", span: second.item.span, message, label: "given before" });
  }
  const { from, to } = valid.item.window;
  return to === undefined ? { from } : { from, to };
}

// ── clauses ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function refuseGuardRules(item: RuleSetItem, placed: readonly Placed[]): void {
  if (item.kind !== "guard") return;
  for (const { desk, item: one } of placed) {
    if (one.kind !== "allow" && one.kind !== "release") continue;
    const message = one.kind === "allow" ? "a guard cannot allow" : "a guard cannot release";
    const helps = advice("put it in a `policy`");
    tell(desk, { code: "E0401", span: one.span, message, label: "guards only restrict", helps });
  }
}

/** All requires must hold, so what one of them guarantees is there for every require, allow and obligation. */
function presentByRequires(clauses: readonly ClauseItem[]): Present {
  const names = new Set<string>();
  for (const { kind, when } of clauses) {
    if (kind !== "require" || when === undefined) continue;
    for (const name of presentIf(when)) names.add(name);
  }
  return { names, outer: NOTHING_PRESENT };
}

function clauseOf({ desk, item }: Placed<ClauseItem>, present: Present): readonly Clause[] {
  const text = {
    kind: item.kind,
    at: whereOf(desk, item.span.start),
    text: sourceText(desk, item.bodySpan),
    ...(item.label === undefined ? {} : { label: item.label.value }),
    ...(item.reason === undefined ? {} : { reason: item.reason.value }),
    ...(desk.use === undefined ? {} : { from: desk.use.from }),
  };
  const places = { origin: originOf(desk, item.bodySpan), whole: originOf(desk, item.span).span };
  if (item.when === undefined) return [{ text, ...places }];
  const place = { desk, rule: item.kind, present: item.kind === "deny" ? NOTHING_PRESENT : present };
  const when = conditionOf(item.when, place);
  return when === undefined ? [] : [{ text, when, ...places }];
}

function obligationsOf(
  releases: readonly Placed<OfKind<"release">>[],
  present: Present,
): readonly Obligation[] {
  return releases.flatMap(({ desk, item }) =>
    item.obligations.flatMap((one) => {
      const term = termOf(desk, one, present);
      return term === undefined ? [] : [{ ...term, origin: originOf(desk, one.span) }];
    }),
  );
}
