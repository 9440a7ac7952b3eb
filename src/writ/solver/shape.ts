/** What does a condition ask, before fields are cut into cells? Literals over one field each, joined by and and or. */

/** One set of values of one dimension. Neither it nor its negation holds an absent value, but for `absent` itself. */
export interface Literal {
  readonly kind: "literal";
  readonly dimension: string;
  readonly values: Values;
  readonly isNegated: boolean;
}

export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Both ends count. */
  | { readonly kind: "ranges"; readonly ranges: readonly Range[] }
  | { readonly kind: "absent" };

export type Range = readonly [least: bigint, most: bigint];

export type Shape =
  | Literal
  | { readonly kind: "and" | "or"; readonly of: readonly Shape[] }
  | { readonly kind: "always" | "never" };

/** Surely true and surely false; what is in neither is unknown (WRIT section 11). */
export interface Truth {
  readonly yes: Shape;
  readonly no: Shape;
}

export const ALWAYS_TRUE: Shape = { kind: "always" };
export const NEVER_TRUE: Shape = { kind: "never" };

export function literal(dimension: string, values: Values): Truth {
  const yes: Literal = { kind: "literal", dimension, values, isNegated: false };
  return { yes, no: { ...yes, isNegated: true } };
}

export function negated({ yes, no }: Truth): Truth {
  return { yes: no, no: yes };
}

export function allOf(truths: readonly Truth[]): Truth {
  return { yes: both(truths.map(({ yes }) => yes)), no: either(truths.map(({ no }) => no)) };
}

export function anyOf(truths: readonly Truth[]): Truth {
  return { yes: either(truths.map(({ yes }) => yes)), no: both(truths.map(({ no }) => no)) };
}

export function both(of: readonly Shape[]): Shape {
  return joined("and", of);
}

export function either(of: readonly Shape[]): Shape {
  return joined("or", of);
}

function joined(kind: "and" | "or", of: readonly Shape[]): Shape {
  const neutral = kind === "and" ? "always" : "never";
  const [decisive, fixed] =
    kind === "and" ? (["never", NEVER_TRUE] as const) : (["always", ALWAYS_TRUE] as const);
  if (of.some((one) => one.kind === decisive)) return fixed;
  const left = of.flatMap((one) => (one.kind === neutral ? [] : one.kind === kind ? one.of : [one]));
  const [first] = left;
  if (first === undefined) return kind === "and" ? ALWAYS_TRUE : NEVER_TRUE;
  return left.length === 1 ? first : { kind, of: left };
}

/** Visits every literal of a shape; nesting is bounded by the parser's. */
export function eachLiteral(shape: Shape, visit: (literal: Literal) => void): void {
  if (shape.kind === "literal") visit(shape);
  else if (shape.kind === "and" || shape.kind === "or") for (const one of shape.of) eachLiteral(one, visit);
}
