/** May a request have its key? Naively, from the trees of a set of sources (WRIT sections 2, 4, 7.1 and 9). */
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import type { DecisionCode } from "../../../src/writ/decision.ts";
import { createFindings } from "../../../src/writ/diagnostics/findings.ts";
import type { Facts } from "../../../src/writ/facts.ts";
import type {
  ClauseItem,
  Literal,
  NamedItem,
  ObligationItem,
  RuleItem,
  RuleSetItem,
  SourceTree,
  TemplateItem,
} from "../../../src/writ/syntax/ast.ts";
import { parseDeclarations, parsePlatform } from "../../../src/writ/syntax/parser.ts";
import { matchesPattern } from "./patterns.ts";
import { bytesOf, isDuring, type Names, type Truth, truthOf } from "./truth.ts";

/** A clause or obligation with the values that its names stand for. */
interface Ruled<T> {
  readonly item: T;
  readonly names: Names;
}

export interface Ruling {
  readonly module: string;
  readonly kind: "policy" | "guard";
  readonly name: string;
  readonly patterns: readonly string[];
  readonly windows: readonly { readonly from: number; readonly to?: number }[];
  readonly clauses: readonly Ruled<ClauseItem>[];
  readonly obligations: readonly Ruled<ObligationItem>[];
  /** Field and bytes of what the module has revoked. */
  readonly revoked: readonly { readonly field: string; readonly value: string }[];
}

export interface Verdict {
  readonly code: DecisionCode | undefined;
  readonly granting: readonly Ruling[];
  /** `module policy label` of each allow that holds in a granting policy. */
  readonly allows: readonly string[];
}

// ── declarations, with everything that was imported or used ─────────────────────────────────────────────────────────

/** Every policy and guard of a set of sources, and those that are always there. */
export function rulingsOf(trees: readonly SourceTree[]): readonly Ruling[] {
  const builtIn = parseDeclarations("built-in", SNP_VOCABULARY.guards, createFindings("built-in"));
  return [...trees, builtIn].flatMap((tree) => {
    const known = namesIn(tree, trees);
    return tree.items.flatMap((item) =>
      item.kind === "policy" || item.kind === "guard" ? [rulingOf(tree, item, known)] : [],
    );
  });
}

interface Known {
  readonly names: Names;
  readonly templates: ReadonlyMap<string, { readonly template: TemplateItem; readonly names: Names }>;
  readonly revoked: Ruling["revoked"];
}

type Named = Pick<SourceTree, "path" | "imports" | "items">;

function namesIn(tree: Named, trees: readonly SourceTree[]): Known {
  const imported = tree.imports.flatMap(({ path, names }) => {
    const from = trees.find((one) => one.path === path.value);
    const wanted = names.map(({ text }) => text);
    return (from?.items ?? [])
      .filter(isNamed)
      .flatMap((item) => (wanted.includes(item.name.text) ? [{ item, from }] : []));
  });
  const own = tree.items.filter(isNamed).map((item) => ({ item, from: undefined }));
  const all = [...own, ...imported];
  const items = all.map(({ item }) => item);
  const names: Names = {
    values: new Map(),
    sets: new Map(items.flatMap((item) => (item.kind === "refset" ? [[item.name.text, item]] : []))),
    floors: new Map(items.flatMap((item) => (item.kind === "floor" ? [[item.name.text, item]] : []))),
  };
  const templates = all.flatMap(({ item, from }) => {
    if (item.kind !== "template") return [];
    const home = from === undefined ? names : namesIn(from, trees).names;
    return [[item.name.text, { template: item, names: home }]] as const;
  });
  const revoked = items.flatMap((item) =>
    item.kind !== "refset"
      ? []
      : item.entries
          .filter(({ state }) => state === "revoked")
          .map((entry) => ({ field: item.field.text, value: bytesOf(entry) })),
  );
  return { names, templates: new Map(templates), revoked };
}

function isNamed(item: { readonly kind: string }): item is NamedItem {
  return ["refset", "floor", "policy", "guard", "template"].includes(item.kind);
}

function rulingOf(tree: Pick<SourceTree, "path" | "module">, item: RuleSetItem, known: Known): Ruling {
  const expanded = item.items.flatMap((one) => expand(one, known));
  return {
    module: tree.module?.name.text ?? tree.path,
    kind: item.kind,
    name: item.name.text,
    patterns: expanded.flatMap(({ item: one }) =>
      one.kind === "for" ? one.patterns.map(({ value }) => value) : [],
    ),
    windows: expanded.flatMap(({ item: one }) => (one.kind === "valid" ? [one.window] : [])),
    clauses: expanded.flatMap(({ item: one, names }) =>
      one.kind === "require" || one.kind === "allow" || one.kind === "deny" ? [{ item: one, names }] : [],
    ),
    obligations: expanded.flatMap(({ item: one, names }) =>
      one.kind === "release" ? one.obligations.map((obligation) => ({ item: obligation, names })) : [],
    ),
    revoked: known.revoked,
  };
}

function expand(item: RuleItem, { names, templates }: Known): readonly Ruled<RuleItem>[] {
  if (item.kind === "platform") {
    const text = SNP_VOCABULARY.platforms.find(({ name }) => name === item.name.text)?.text ?? "";
    return parsePlatform(text, createFindings("platform")).map((one) => ({ item: one, names }));
  }
  if (item.kind !== "use") return [{ item, names }];
  const used = templates.get(item.name.text);
  if (used === undefined) throw new Error(`no template ${item.name.text}`);
  const values = used.template.parameters.map(({ text }, at): readonly [string, Literal] => [
    text,
    item.values[at] ?? { kind: "broken", span: item.span },
  ]);
  return used.template.items.map((one) => ({ item: one, names: { ...used.names, values: new Map(values) } }));
}

// ── section 2, rule by rule ─────────────────────────────────────────────────────────────────────────────────────────

/** @param facts - With a resource and a time; every other field may be absent. */
export function decide(rulings: readonly Ruling[], facts: Facts): Verdict {
  const inScope = rulings.filter((one) => isInScope(one, facts));
  const truth = ({ item, names }: Ruled<ClauseItem>): Truth =>
    item.when === undefined ? true : truthOf(item.when, { facts, names });
  const of = (ruling: Ruling, kind: ClauseItem["kind"]): readonly Ruled<ClauseItem>[] =>
    ruling.clauses.filter(({ item }) => item.kind === kind);
  const meets = (ruling: Ruling): boolean => of(ruling, "require").every((one) => truth(one) === true);
  const holding = (ruling: Ruling): readonly Ruled<ClauseItem>[] =>
    of(ruling, "allow").filter((one) => truth(one) === true);
  const policies = inScope.filter(({ kind }) => kind === "policy");
  const granting = policies.filter((one) => meets(one) && holding(one).length > 0);
  const allows = granting.flatMap((one) =>
    holding(one).map(({ item }) => `${one.module} ${one.name} ${item.label?.value ?? ""}`),
  );
  const isRevoked = inScope.some(({ revoked }) =>
    revoked.some(({ field, value }) => facts.get(field) === value),
  );
  const isGuarded = inScope.some((one) => one.kind === "guard" && !meets(one));
  const isDenied = inScope.some((one) => of(one, "deny").some((deny) => truth(deny) !== false));
  const lacks = policies.some(meets) ? "no-allow" : "require-failed";
  const order: readonly (readonly [boolean, DecisionCode])[] = [
    [policies.length === 0, "no-policy"],
    [isRevoked, "revoked"],
    [isGuarded, "guard-failed"],
    [isDenied, "denied"],
    [granting.length === 0, lacks],
  ];
  return { code: order.find(([applies]) => applies)?.[1], granting, allows };
}

function isInScope({ patterns, windows }: Ruling, facts: Facts): boolean {
  const resource = String(facts.get("request.resource"));
  return (
    patterns.some((pattern) => matchesPattern(pattern, resource)) &&
    windows.every((one) => isDuring(one, facts))
  );
}
