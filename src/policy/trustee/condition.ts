/** What has to hold, in words of Writ? Built of a Rego body, with the places that nobody understood still in it. */

export type Condition =
  | { readonly kind: "always" }
  | { readonly kind: "never" }
  /** An expression of Writ that is true or false, never unknown. */
  | { readonly kind: "atom"; readonly text: string; readonly isIdentity: boolean }
  /** Half of `guest.abi`: Writ compares both halves as one version. */
  | { readonly kind: "abi"; readonly half: "major" | "minor"; readonly value: number }
  | { readonly kind: "segment"; readonly form: PathForm; readonly at: number; readonly value: string }
  | { readonly kind: "segments"; readonly count: number }
  | { readonly kind: "all" | "any"; readonly of: readonly Condition[] }
  | { readonly kind: "not"; readonly of: Condition }
  | Unclear;

/** The path as the list that newer versions give, or as what `split` makes of the text that older ones gave. */
export type PathForm = "list" | "split";

/** It may hold or not: neither it nor its opposite lets anybody in. */
export interface Unclear {
  readonly kind: "unclear";
  /** Absent: of the source that is translated. */
  readonly file?: string;
  readonly line: number;
  readonly why: string;
}

export const ALWAYS: Condition = { kind: "always" };
export const NEVER: Condition = { kind: "never" };

export function all(of: readonly Condition[]): Condition {
  const parts = of.flatMap((part) => (part.kind === "all" ? part.of : [part]));
  if (parts.some(({ kind }) => kind === "never")) return NEVER;
  const told = unique(parts.filter(({ kind }) => kind !== "always"));
  const [only] = told;
  return only === undefined ? ALWAYS : told.length === 1 ? only : { kind: "all", of: told };
}

export function any(of: readonly Condition[]): Condition {
  const parts = of.flatMap((part) => (part.kind === "any" ? part.of : [part]));
  if (parts.some(({ kind }) => kind === "always")) return ALWAYS;
  const told = unique(parts.filter(({ kind }) => kind !== "never"));
  const [only] = told;
  return only === undefined ? NEVER : told.length === 1 ? only : { kind: "any", of: told };
}

export function not(of: Condition): Condition {
  switch (of.kind) {
    case "always":
      return NEVER;
    case "never":
      return ALWAYS;
    case "not":
      return of.of;
    default:
      return { kind: "not", of };
  }
}

/** Says of which source what is unclear in it is. */
export function withFile(condition: Condition, file: string): Condition {
  switch (condition.kind) {
    case "unclear":
      return { file, ...condition };
    case "all":
    case "any":
      return { kind: condition.kind, of: condition.of.map((part) => withFile(part, file)) };
    case "not":
      return { kind: "not", of: withFile(condition.of, file) };
    default:
      return condition;
  }
}

/** The same word twice says no more than once. */
function unique(conditions: readonly Condition[]): readonly Condition[] {
  const seen = new Set<string>();
  return conditions.filter((condition) => {
    const text = JSON.stringify(condition);
    const isNew = !seen.has(text);
    seen.add(text);
    return isNew;
  });
}

/**
 * What surely holds: whatever is unclear is taken for false, and under a `not` for true. A path can be asked for and not excluded.
 *
 * @param tell - Is given each place that is left out.
 */
export function surely(condition: Condition, tell: (unclear: Unclear) => void): Condition {
  return bounded(joinedAbi(condition), { isUnder: true, tell });
}

interface Bound {
  /** Whether less may be said than was meant, or more: a `not` turns it round. */
  readonly isUnder: boolean;
  readonly tell: (unclear: Unclear) => void;
}

function bounded(condition: Condition, bound: Bound): Condition {
  switch (condition.kind) {
    case "unclear":
      bound.tell(condition);
      return bound.isUnder ? NEVER : ALWAYS;
    case "abi":
      return bounded(loneHalf(condition), bound);
    case "segment":
    case "segments":
      if (bound.isUnder) return condition;
      bound.tell({
        kind: "unclear",
        line: 0,
        why: "Writ names the paths that are let in, not those that are not",
      });
      return ALWAYS;
    case "all":
      return all(condition.of.map((part) => bounded(joinedAbi(part), bound)));
    case "any":
      return any(condition.of.map((part) => bounded(joinedAbi(part), bound)));
    case "not":
      return not(bounded(joinedAbi(condition.of), { ...bound, isUnder: !bound.isUnder }));
    default:
      return condition;
  }
}

/** Two halves beside each other are one version. */
function joinedAbi(condition: Condition): Condition {
  if (condition.kind !== "all") return condition;
  const halves = condition.of.flatMap((part) => (part.kind === "abi" ? [part] : []));
  const majors = halves.filter(({ half }) => half === "major");
  const minors = halves.filter(({ half }) => half === "minor");
  const [major, minor] = [majors[0], minors[0]];
  if (major === undefined || minor === undefined) return condition;
  // Two values of one half never hold together.
  if (majors.length > 1 || minors.length > 1) return NEVER;
  const rest = condition.of.filter(({ kind }) => kind !== "abi");
  const text = `guest.abi == ${major.value}.${minor.value}`;
  return all([...rest, { kind: "atom", text, isIdentity: false }]);
}

function loneHalf({ half, value }: Extract<Condition, { kind: "abi" }>): Condition {
  if (half === "minor") {
    return { kind: "unclear", line: 0, why: "the minor ABI version without the major one beside it" };
  }
  const text = `guest.abi >= ${value}.0 and guest.abi < ${value + 1}.0`;
  return { kind: "atom", text, isIdentity: false };
}

/** The text of a condition of atoms alone. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case "atom":
      return condition.text;
    case "all":
    case "any":
      return `${condition.kind} { ${condition.of.map(conditionText).join(", ")} }`;
    case "not":
      return isWord(condition.of) ? `not ${condition.of.text}` : `not (${conditionText(condition.of)})`;
    default:
      return "";
  }
}

/** A flag by itself. */
function isWord(condition: Condition): condition is Extract<Condition, { kind: "atom" }> {
  return condition.kind === "atom" && !condition.text.includes(" ");
}

/** Whether everybody for whom it holds is one that it names: by what was measured, each way that it may hold. */
export function isIdentifying(condition: Condition): boolean {
  switch (condition.kind) {
    case "atom":
      return condition.isIdentity;
    case "all":
      return condition.of.some(isIdentifying);
    case "any":
      return condition.of.every(isIdentifying);
    default:
      return condition.kind === "never";
  }
}
