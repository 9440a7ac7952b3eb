/** What does a program allow, before fields are cut into cells? The formula of WRIT section 11, by declaration. */
import { entryLabels } from "../entry-labels.ts";
import type { Clause, Declaration, Program } from "../program.ts";
import { type Desk, fieldNamed, type Labels } from "./literals.ts";
import { revokedTruth, windowTruth } from "./reference-truths.ts";
import { patternText } from "./resources.ts";
import {
  ALWAYS_TRUE,
  both,
  eachLiteral,
  either,
  type Literal,
  literal,
  type Shape,
  type Truth,
} from "./shape.ts";
import { truthOf } from "./truths.ts";

/** One policy or guard. */
export interface DeclarationPlan {
  readonly resources: Shape;
  readonly valid: Shape;
  readonly requires: Shape;
  readonly allows: Shape;
  /** Of each deny: where it surely does not fire. */
  readonly quiet: readonly Shape[];
  /** Where a revoked entry of its module matches. */
  readonly revoked: Shape;
  readonly isPolicy: boolean;
}

export function planOf(desk: Desk, program: Program): readonly DeclarationPlan[] {
  const labels = labelsOf(desk, program);
  const revoked = new Map(
    program.modules.map((module) => [module.name, revokedShape(desk, module.revocable)]),
  );
  return program.declarations.map((declaration) => {
    const truthsOf = (clauses: readonly Clause[]): readonly Truth[] =>
      clauses.map(({ when }) => (when === undefined ? SURE : truthOf(desk, when, labels)));
    return {
      resources: resourcesOf(desk, declaration),
      valid: windowTruth(desk, declaration.valid).yes,
      requires: both(truthsOf(declaration.requires).map(({ yes }) => yes)),
      allows: either(truthsOf(declaration.allows).map(({ yes }) => yes)),
      quiet: truthsOf(declaration.denies).map(({ no }) => no),
      revoked: revoked.get(declaration.module) ?? NEVER_MATCHES,
      isPolicy: declaration.kind === "policy",
    };
  });
}

const SURE: Truth = { yes: ALWAYS_TRUE, no: { kind: "never" } };
const NEVER_MATCHES: Shape = { kind: "never" };

export function labelsOf({ labelled }: Desk, { refsets }: Program): Labels {
  return new Map(labelled.map(({ field, of }) => [field, entryLabels(refsets, of)]));
}

/** The resources of a scope: any of its patterns. */
export function resourcesOf({ vocabulary }: Desk, { patterns }: Pick<Declaration, "patterns">): Shape {
  return literal(vocabulary.resourceField, { kind: "words", words: patterns.map(patternText) }).yes;
}

function revokedShape(desk: Desk, sets: Program["refsets"]): Shape {
  return either(
    sets.flatMap(({ field, entries }) => {
      const ref = fieldNamed(desk, field);
      const isRevoking = entries.some(({ state }) => state === "revoked");
      return ref === undefined || !isRevoking ? [] : [revokedTruth(desk, ref, entries).yes];
    }),
  );
}

/** Every literal of a plan, and of further shapes. */
export function literalsOf(shapes: readonly Shape[]): readonly Literal[] {
  const found: Literal[] = [];
  for (const shape of shapes) eachLiteral(shape, (one) => found.push(one));
  return found;
}

export function shapesOf(plans: readonly DeclarationPlan[]): readonly Shape[] {
  return plans.flatMap(({ resources, valid, requires, allows, quiet, revoked }) => [
    resources,
    valid,
    requires,
    allows,
    ...quiet,
    revoked,
  ]);
}
