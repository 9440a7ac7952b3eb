/** Which clauses did a change touch, and which requests do they decide? Each may show something of its own. */
import type { ClauseText } from "../decision.ts";
import type { Clause, Declaration, Program } from "../program.ts";
import type { Region, Space } from "../solver/space.ts";
import type { Sides } from "./example.ts";

/** Requests that a clause refuses on its own side, or an allow lets in on its own. */
export interface ChangedClause {
  readonly direction: "allowed" | "refused";
  readonly region: Region;
  readonly clause: ClauseText;
}

const MAX_CLAUSES = 40;

/**
 * Clauses of one side that the other has not, word for word, in a declaration of the same name. A require or deny that is gone
 * shows what is newly allowed, one that is new what is newly refused; an allow the other way round.
 */
export function changedClauses(space: Space, { older, newer }: Sides): readonly ChangedClause[] {
  const gone = clausesOnlyIn(older, newer).map((one) => changeOf(space, one, { isGone: true }));
  const added = clausesOnlyIn(newer, older).map((one) => changeOf(space, one, { isGone: false }));
  return [...gone, ...added];
}

interface PlacedClause {
  readonly program: Program;
  readonly declaration: Declaration;
  readonly clause: Clause;
}

function clausesOnlyIn(program: Program, other: Program): readonly PlacedClause[] {
  const known = new Set(
    other.declarations.flatMap((one) => clausesOf(one).map((clause) => keyOf(one, clause))),
  );
  return program.declarations
    .flatMap((declaration) => clausesOf(declaration).map((clause) => ({ program, declaration, clause })))
    .filter(({ declaration, clause }) => !known.has(keyOf(declaration, clause)))
    .slice(0, MAX_CLAUSES);
}

function clausesOf({ requires, allows, denies }: Declaration): readonly Clause[] {
  return [...requires, ...allows, ...denies];
}

function keyOf({ kind, name, module }: Declaration, { text }: Clause): string {
  return [kind, module, name, text.kind, text.text].join("\n");
}

function changeOf(
  space: Space,
  { program, declaration, clause }: PlacedClause,
  { isGone }: { readonly isGone: boolean },
): ChangedClause {
  const truth =
    clause.when === undefined
      ? { yes: space.everything, no: space.nothing }
      : space.truthOf(clause.when, program);
  const isAllow = clause.text.kind === "allow";
  const decided = isAllow ? truth.yes : space.not(clause.text.kind === "deny" ? truth.no : truth.yes);
  return {
    direction: isAllow === isGone ? "refused" : "allowed",
    region: space.and(space.scopeOf(declaration), decided),
    clause: clause.text,
  };
}
