/** Which axioms bear on the fields of a question, as literals and as relations between dimensions? */
import type { Axiom, Claim, Implication } from "../axiom.ts";
import { type Desk, dimensionOf } from "./literals.ts";
import { both, either, literal, type Shape, type Truth } from "./shape.ts";

/** What holds between two dimensions that are cut at the same points. `when` says where; missing is everywhere. */
export interface Relation {
  readonly kind: "same" | "at-most";
  readonly left: string;
  readonly right: string;
  readonly when?: Shape;
}

/** Where `when` holds, one of these pairs has different values. */
export interface Distinction {
  readonly when: Shape;
  readonly pairs: readonly (readonly [string, string])[];
}

export interface Correlations {
  readonly shapes: readonly Shape[];
  readonly relations: readonly Relation[];
  readonly distinctions: readonly Distinction[];
}

/**
 * The axioms that touch a dimension that is there, those that touch what these name, and so on. Dimensions that they need are
 * there afterwards. An axiom that touches nothing is left out: it holds between fields that nobody asks for.
 */
export function correlationsOf(desk: Desk): Correlations {
  const { axioms } = desk.vocabulary;
  const known = new Set<Axiom>();
  for (let before = -1; before < known.size + desk.dimensions.size; ) {
    before = known.size + desk.dimensions.size;
    for (const axiom of axioms) {
      if (!isTouched(desk, axiom)) continue;
      known.add(axiom);
      declare(desk, axiom);
    }
  }
  const active = axioms.filter((axiom) => known.has(axiom));
  return {
    shapes: active.flatMap((axiom) => shapesOf(desk, axiom)),
    relations: active.flatMap((axiom) => relationsOf(desk, axiom)),
    distinctions: active.flatMap((axiom) => distinctionsOf(desk, axiom)),
  };
}

function isTouched(desk: Desk, axiom: Axiom): boolean {
  switch (axiom.kind) {
    case "implies":
      return [...axiom.when, ...axiom.follows].some(({ field }) => membersOf(desk, field).length > 0);
    case "at-most":
      return partsOf(desk, [axiom.lower, axiom.upper]).length > 0;
    case "differs":
      return desk.dimensions.has(axiom.flag);
    case "components":
      return optionalParts(desk, axiom.fields).length > 0;
    case "alias":
    case "labelled":
    case "calendar":
      return false;
  }
}

/** Makes the dimensions of an axiom that is touched. Vectors only in the components that somebody names. */
function declare(desk: Desk, axiom: Axiom): void {
  if (axiom.kind === "implies") {
    for (const { field } of [...axiom.when, ...axiom.follows]) declareField(desk, field);
  } else if (axiom.kind === "components") {
    declareField(desk, desk.vocabulary.productField ?? "");
  } else if (axiom.kind === "at-most" || axiom.kind === "differs") {
    pairsOf(desk, axiom);
  }
}

function declareField(desk: Desk, name: string): void {
  const ref = desk.table.single.get(name)?.ref;
  if (ref !== undefined) dimensionOf(desk, ref);
}

/** The dimensions of a field: itself, or those members of a family that are there. */
function membersOf(desk: Desk, field: string): readonly string[] {
  if (desk.dimensions.has(field)) return [field];
  return desk.table.families.has(field)
    ? [...desk.dimensions.keys()].filter((name) => name.startsWith(`${field}[`) && !name.includes("#"))
    : [];
}

// ── implications ────────────────────────────────────────────────────────────────────────────────────────────────────

function shapesOf(desk: Desk, axiom: Axiom): readonly Shape[] {
  if (axiom.kind === "implies") return [implicationShape(desk, axiom)];
  return axiom.kind === "components" ? componentShapes(desk, axiom.fields) : [];
}

function implicationShape(desk: Desk, { when, follows }: Implication): Shape {
  const unless = when.flatMap((claim) => claimTruths(desk, claim).map(({ no }) => no));
  return either([
    ...unless,
    both(follows.flatMap((claim) => claimTruths(desk, claim).map(({ yes }) => yes))),
  ]);
}

/** Of each dimension of its field. Claims are true or false, never unknown. */
function claimTruths(desk: Desk, claim: Claim): readonly Truth[] {
  return membersOf(desk, claim.field).map((name): Truth => {
    const absence = literal(name, { kind: "absent" });
    if (claim.kind === "absent") return absence;
    if (claim.kind === "present") return { yes: absence.no, no: absence.yes };
    const { yes, no } = literal(name, claimedValues(claim));
    return { yes, no: either([no, absence.yes]) };
  });
}

function claimedValues(claim: Exclude<Claim, { readonly kind: "present" | "absent" }>) {
  switch (claim.kind) {
    case "one-of":
      return { kind: "words", words: claim.values } as const;
    case "flag":
      return { kind: "words", words: [String(claim.is)] } as const;
    case "within":
      return {
        kind: "ranges",
        ranges: claim.ranges.map(([least, most]) => [BigInt(least), BigInt(most)] as const),
      } as const;
  }
}

function componentShapes(desk: Desk, fields: readonly string[]): readonly Shape[] {
  const { products, productField = "" } = desk.vocabulary;
  return products.flatMap(({ name, components }) => {
    const { no: isOther } = literal(productField, { kind: "words", words: [name] });
    return optionalParts(desk, fields).map(([dimension, component]) => {
      const { yes: isAbsent, no: isThere } = literal(dimension, { kind: "absent" });
      return either([isOther, components.includes(component) ? isThere : isAbsent]);
    });
  });
}

// ── relations ───────────────────────────────────────────────────────────────────────────────────────────────────────

function relationsOf(desk: Desk, axiom: Axiom): readonly Relation[] {
  if (axiom.kind === "at-most") {
    return pairsOf(desk, axiom).map(([left, right]) => ({ kind: "at-most", left, right }));
  }
  if (axiom.kind !== "differs") return [];
  const { yes: when } = literal(axiom.flag, { kind: "words", words: ["false"] });
  return pairsOf(desk, axiom).map(([left, right]) => ({ kind: "same", left, right, when }));
}

function distinctionsOf(desk: Desk, axiom: Axiom): readonly Distinction[] {
  if (axiom.kind !== "differs") return [];
  const when = literal(axiom.flag, { kind: "words", words: ["true"] }).yes;
  return [{ when, pairs: pairsOf(desk, axiom) }];
}

type Paired = Extract<Axiom, { readonly kind: "at-most" | "differs" }>;

/**
 * The dimensions that an axiom compares. An order matters to the components that somebody names; a difference may lie in any of
 * them, so that all are there as soon as its flag is.
 */
function pairsOf(desk: Desk, axiom: Paired): readonly (readonly [string, string])[] {
  const pairs = axiom.kind === "at-most" ? [[axiom.lower, axiom.upper] as const] : axiom.pairs;
  return pairs.flatMap(([left, right]) =>
    comparedParts(desk, axiom, [left, right]).flatMap((part) => {
      const refs = [desk.table.single.get(left + part)?.ref, desk.table.single.get(right + part)?.ref];
      const [a, b] = refs.map((ref) => (ref === undefined ? undefined : dimensionOf(desk, ref)));
      return a === undefined || b === undefined ? [] : [[a, b] as const];
    }),
  );
}

/** Of vectors `.component` each, of other fields nothing to add to the name. */
function comparedParts(desk: Desk, axiom: Paired, fields: readonly [string, string]): readonly string[] {
  if (!isVector(desk, fields[0])) return [""];
  const named = partsOf(desk, fields).map(([, part]) => part);
  const parts = axiom.kind === "differs" ? desk.vocabulary.components.map(({ name }) => name) : named;
  return [...new Set(parts)].map((part) => `.${part}`);
}

function isVector(desk: Desk, field: string): boolean {
  return desk.table.single.get(field)?.ref.type.kind === "tcb";
}

/** Components of these vectors that are there: dimension and component. */
function partsOf(desk: Desk, fields: readonly string[]): readonly (readonly [string, string])[] {
  const { components } = desk.vocabulary;
  return fields.flatMap((field) =>
    components.flatMap(({ name }) =>
      desk.dimensions.has(`${field}.${name}`) ? [[`${field}.${name}`, name] as const] : [],
    ),
  );
}

function optionalParts(desk: Desk, fields: readonly string[]): readonly (readonly [string, string])[] {
  return partsOf(desk, fields).filter(([dimension]) => desk.dimensions.get(dimension)?.isOptional === true);
}
