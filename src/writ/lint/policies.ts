/** Which habits does a policy show once names are known? Negative pins, tokens without an end, scopes of nothing. */
import { advice } from "../diagnostics/findings.ts";
import { parsePattern, parseResource } from "../patterns.ts";
import type { Atom, Clause, Condition, Declaration, Pattern } from "../program.ts";
import type { SourceTree, Text } from "../syntax/ast.ts";
import { type LintDesk, warn } from "./desk.ts";

/** W0717 and W0740. */
export function lintPolicy(desk: LintDesk, declaration: Declaration): void {
  for (const clause of [...declaration.requires, ...declaration.allows]) lintPins(desk, clause);
  const hasEnd = declaration.obligations.some(({ kind }) => kind === "token_ttl");
  if (declaration.kind !== "policy" || hasEnd || !desk.vocabulary.obligations.includes("token_ttl")) return;
  warn(
    desk,
    { file: declaration.origin.file, span: declaration.nameSpan },
    {
      code: "W0740",
      message: `policy \`${declaration.name}\` does not say how long its tokens live`,
      label: "no `token_ttl`: the broker's default holds",
      helps: advice("add `token_ttl …` to `on release`"),
    },
  );
}

function lintPins(desk: LintDesk, clause: Clause): void {
  if (clause.when === undefined) return;
  for (const atom of negativePins(clause.when, true)) {
    warn(desk, atom.origin, {
      code: "W0717",
      message: `\`${atom.field.name}\` is pinned to what it must not be`,
      label: "everything that nobody thought of passes",
      helps: advice(`say which values may pass, or write a \`deny when ${atom.field.name} == …\``),
    });
  }
}

/** Atoms over bytes that a clause wants to be false: `!=`, or an equality under `not` or `none`. */
function negativePins(condition: Condition, isWanted: boolean): readonly Atom[] {
  if (condition.kind === "atom") {
    const isPin = condition.test.kind === "one-of" || condition.test.kind === "member";
    const isPositive = isWanted !== condition.isNegated;
    return isPin && condition.field.type.kind === "bytes" && !isPositive ? [condition] : [];
  }
  const turns = condition.kind === "not" || condition.kind === "none";
  return condition.members.flatMap((member) => negativePins(member, isWanted !== turns));
}

// ── scopes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** W0731, where it is known which resources exist. */
export function lintScopes(desk: LintDesk, tree: SourceTree): void {
  if (desk.resources === undefined) return;
  const known = desk.resources.flatMap((resource) => {
    const segments = parseResource(resource);
    return segments === undefined ? [] : [segments];
  });
  for (const item of tree.items) {
    if (item.kind !== "policy" && item.kind !== "guard") continue;
    const patterns = item.items.flatMap((one) => (one.kind === "for" ? one.patterns : []));
    for (const pattern of patterns) lintScope({ desk, tree, known }, pattern);
  }
}

interface Known {
  readonly desk: LintDesk;
  readonly tree: SourceTree;
  readonly known: readonly (readonly string[])[];
}

function lintScope({ desk, tree, known }: Known, { value, span }: Text): void {
  const reading = parsePattern(value);
  if (reading.kind === "bad" || known.some((segments) => isMatch(reading.pattern, segments))) return;
  warn(
    desk,
    { file: tree.path, span },
    {
      code: "W0731",
      message: `no resource matches \`${value}\``,
      label: "of those that exist",
      helps: advice("look for a slip in the pattern, or leave it out"),
    },
  );
}

function isMatch({ segments, isOpen }: Pattern, resource: readonly string[]): boolean {
  const fits = isOpen ? resource.length > segments.length : resource.length === segments.length;
  return fits && segments.every((segment, at) => segment === "*" || segment === resource[at]);
}
