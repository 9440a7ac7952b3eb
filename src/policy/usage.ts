/** What did allowed requests rest on? Of each policy which allows and which patterns, of each set which reference values. */
import type { DeclarationTrace } from "../writ/decision.ts";
import type { Facts, FactValue } from "../writ/facts.ts";
import { meets, parseResource } from "../writ/patterns.ts";
import type { Declaration, Entry, Pattern, Program, Refset } from "../writ/program.ts";
import type { AppraisalOutcome } from "./appraise.ts";

/** What was used at least once. Declarations, clauses and values are those of the program itself. */
export interface Usage {
  readonly policies: ReadonlySet<Declaration>;
  /** `file:line` and label of the allows of each policy (`clauseKey`). */
  readonly allows: ReadonlySet<string>;
  readonly patterns: ReadonlySet<Pattern>;
  readonly entries: ReadonlySet<Entry>;
}

export interface UsageDesk extends Usage {
  /** Counts a request that the program allows. */
  readonly note: (outcome: Pick<AppraisalOutcome, "trace">, facts: Facts) => void;
}

/** Watches what the requests rest on that a program allows. */
export function openUsage(program: Program): UsageDesk {
  const [policies, allows] = [new Set<Declaration>(), new Set<string>()];
  const [patterns, entries] = [new Set<Pattern>(), new Set<Entry>()];
  const byName = new Map(
    program.declarations.filter(({ kind }) => kind === "policy").map((one) => [nameOf(one), one] as const),
  );
  return {
    ...{ policies, allows, patterns, entries },
    note: ({ trace }, facts) => {
      for (const { declaration, held } of trace.declarations.flatMap((one) => grantingIn(one, byName))) {
        policies.add(declaration);
        for (const clause of held) allows.add(clauseKey(declaration, clause));
        for (const pattern of matching(declaration, trace.resource)) patterns.add(pattern);
      }
      for (const entry of program.refsets.flatMap((set) => entriesIn(set, facts))) entries.add(entry);
    },
  };
}

/** The policy, where it grants, and which of its allows hold. */
function grantingIn(
  { kind, passes, clauses, ...named }: DeclarationTrace,
  byName: ReadonlyMap<string, Declaration>,
) {
  const declaration = kind === "policy" && passes ? byName.get(nameOf(named)) : undefined;
  const held = clauses.flatMap(({ clause, verdict }) =>
    clause.kind === "allow" && verdict === "ok" ? [clause] : [],
  );
  return declaration === undefined || held.length === 0 ? [] : [{ declaration, held }];
}

/** Two allows of one policy that stand on one line under one label are one. */
export function clauseKey(
  { module, name }: Pick<Declaration, "module" | "name">,
  { at, label }: { readonly at: string; readonly label?: string },
): string {
  return JSON.stringify([module, name, at, label ?? null]);
}

function nameOf({ module, name }: { readonly module: string; readonly name: string }): string {
  return JSON.stringify([module, name]);
}

function matching({ patterns }: Declaration, resource: string): readonly Pattern[] {
  const segments = parseResource(resource);
  return segments === undefined ? [] : patterns.filter((one) => meets(one, { segments, isOpen: false }));
}

/** The values of a set that a guest showed, whether or not a clause asked for them: whoever is shown is known. */
function entriesIn({ field, entries }: Refset, facts: Facts): readonly Entry[] {
  const shown = [...facts]
    .filter(([key]) => key === field || key.startsWith(`${field}[`))
    .flatMap(([, value]) => textsOf(value));
  return entries.filter(({ value }) => shown.includes(value));
}

function textsOf(value: FactValue): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
