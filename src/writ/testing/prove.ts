/** Does an assertion hold for every request there can be? Proved by the solver, refuted by a request (WRIT section 13). */
import type { Decision } from "../decision.ts";
import { evaluate } from "../evaluation/evaluator.ts";
import type { Facts } from "../facts.ts";
import type { Program } from "../program.ts";
import { labelledFacts } from "../solver/settle.ts";
import { openSpace, type Region, type Space, type SpaceOptions } from "../solver/space.ts";
import type { Witness } from "../solver/witness.ts";
import type { Assertion, DeclarationName } from "../test-case.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { isNamed } from "./run.ts";

/** `decision` is the evaluator's, of the request that refutes. */
export interface Refutation {
  readonly witness: Witness;
  readonly facts: Facts;
  readonly decision: Decision;
}

export type Proof = { readonly assertion: Assertion } & (
  | { readonly kind: "proved" }
  | { readonly kind: "not-decided" }
  | { readonly kind: "refuted"; readonly by?: Refutation }
);

/** Proves assertions over everything that was given, also what no test imports. Total: what is too large is "not decided". */
export function prove(
  program: Program,
  assertions: readonly Assertion[],
  vocabulary: Vocabulary,
  limits: Pick<SpaceOptions, "maxNodes" | "maxSteps"> = {},
): readonly Proof[] {
  if (assertions.length === 0) return [];
  const space = openSpace([program], vocabulary, {
    ...limits,
    conditions: assertions.flatMap((one) => (one.claim === "never" ? [one.condition] : [])),
    patterns: assertions.flatMap((one) => (one.claim === "never" ? [one.pattern] : [])),
  });
  return assertions.map((assertion) => proofOf(assertion, { space, program, vocabulary }));
}

interface Parts {
  readonly space: Space;
  readonly program: Program;
  readonly vocabulary: Vocabulary;
}

function proofOf(assertion: Assertion, parts: Parts): Proof {
  const { space } = parts;
  if (assertion.claim === "satisfiable") {
    const answer = space.isEmpty(releasedBy(assertion.left, parts));
    if (answer === "not-decided") return { assertion, kind: "not-decided" };
    return { assertion, kind: answer === "no" ? "proved" : "refuted" };
  }
  const counter = counterOf(assertion, parts);
  const answer = space.isEmpty(counter);
  if (answer === "yes") return { assertion, kind: "proved" };
  if (answer === "not-decided") return { assertion, kind: "not-decided" };
  const by = refutation(counter, parts);
  return by === undefined ? { assertion, kind: "refuted" } : { assertion, kind: "refuted", by };
}

/** The requests that would refute it. */
function counterOf(assertion: Exclude<Assertion, { readonly claim: "satisfiable" }>, parts: Parts): Region {
  const { space, program } = parts;
  if (assertion.claim === "never") {
    // What cannot be excluded must not be allowed: unknown counts as the condition.
    const { no } = space.truthOf(assertion.condition, program);
    const scope = space.scopeOf({ patterns: [assertion.pattern] });
    return space.and(space.allowed(program), scope, space.not(no));
  }
  const [left, right] = [releasedBy(assertion.left, parts), releasedBy(assertion.right, parts)];
  const one = space.without(left, right);
  return assertion.claim === "implies" ? one : space.or(one, space.without(right, left));
}

/** What a policy releases within the whole; of a guard, what passes it. */
function releasedBy(name: DeclarationName, { space, program }: Parts): Region {
  const grant = space.grants(program).find(({ declaration }) => isNamed(declaration, name));
  if (grant !== undefined) return space.and(grant.region, space.allowed(program));
  const guard = program.declarations.find((one) => isNamed(one, name));
  if (guard === undefined) return space.nothing;
  const truth = ({ when }: { readonly when?: Parameters<Space["truthOf"]>[0] }) =>
    when === undefined ? { yes: space.everything, no: space.nothing } : space.truthOf(when, program);
  return space.and(
    space.scopeOf(guard),
    ...guard.requires.map((clause) => truth(clause).yes),
    ...guard.denies.map((clause) => truth(clause).no),
  );
}

function refutation(counter: Region, { space, program, vocabulary }: Parts): Refutation | undefined {
  const witness = space.witness(counter);
  if (witness === undefined) return undefined;
  const facts = labelledFacts(witness.facts, vocabulary, program.refsets);
  return { witness, facts, decision: evaluate(program, facts) };
}
