/** What does a term of Rego stand for? Names, members, rules and functions, followed to a value or a claim. */

import type { Claim, Tee } from "./claims.ts";
import { ALWAYS, any, type Condition, NEVER } from "./condition.ts";
import type { Comparison, RegoBranch, RegoPolicy, RegoRule, RegoStep, RegoTerm } from "./rego-tree.ts";
import { type Sym, unclearSym } from "./symbols.ts";

/** What a policy may look at, and what it is given for it. */
export interface Context {
  readonly tee: Tee;
  readonly policy: RegoPolicy;
  /** Whether another rule may be followed: a source that leads from rule to rule for ever is left where it stands. */
  readonly mayFollow: () => boolean;
  /** A member of what is looked at: `input` by the empty path. */
  readonly memberOf: (path: readonly string[], name: string) => Sym;
  /** A named reference value. */
  readonly references: (name: string) => Sym;
  /** Writ for "is in these reference values"; `undefined` where they are none for this claim. */
  readonly inReferences: (
    claim: Claim,
    values: Extract<Sym, { kind: "references" }>,
  ) => Condition | undefined;
  readonly affirming: () => Condition;
  readonly vector: (claim: string, op: Comparison, value: number) => Condition;
}

export type Names = ReadonlyMap<string, Sym>;

/** Where a term stands: the names that are bound there, and how deep in rules. */
export interface Place {
  readonly context: Context;
  readonly names: Names;
  readonly depth: number;
  /** When a body holds: whoever follows bodies follows terms, which lead to bodies again. */
  readonly condition: (body: readonly RegoStep[], context: Context, names: Names, depth: number) => Condition;
}

export const MAX_DEPTH = 24;
export const RING = "rules that lead round in a ring";

/** What a term stands for. */
export function symOf(term: RegoTerm, place: Place): Sym {
  switch (term.kind) {
    case "constant":
      return term;
    case "list":
      return listSym(term.of.map((one) => symOf(one, place)));
    case "object":
      return unclearSym("an object that is written out");
    case "name":
      return nameSym(term.name, place);
    case "member":
      return memberSym(symOf(term.of, place), symOf(term.key, place), place);
    case "call":
      return callSym(term.name, term.args, place);
    case "unclear":
      return term;
  }
}

/** Of constants: one member that is not there would take the whole list with it. */
function listSym(of: readonly Sym[]): Sym {
  const isPlain = of.every(({ kind }) => kind === "constant");
  return isPlain ? { kind: "list", of } : unclearSym("a list with more than constants in it");
}

function nameSym(name: string, place: Place): Sym {
  const { names, context } = place;
  const known = names.get(name);
  if (known !== undefined) return known;
  if (name === "input") return { kind: "tree", path: [] };
  if (name === "data") return { kind: "data" };
  return ruleSym(
    name,
    context.policy.rules.filter((rule) => rule.name === name && rule.params === undefined),
    place,
  );
}

/** A rule stands for its value where it has one alone, or for whether any of its bodies holds. */
function ruleSym(name: string, rules: readonly RegoRule[], place: Place, names: Names = new Map()): Sym {
  const { context, depth } = place;
  const told = rules.filter(({ isDefault }) => !isDefault);
  const branches = told.flatMap((rule) => rule.branches);
  if (branches.length === 0) return unclearSym(`\`${name}\` is not defined here`);
  const [only] = branches;
  if (depth > MAX_DEPTH || !context.mayFollow()) return unclearSym(RING);
  if (only !== undefined && branches.length === 1 && only.body.length === 0 && rules.length === 1) {
    return symOf(only.value, { ...place, names, depth: depth + 1 });
  }
  const areTrue = branches.every(isTrue);
  const areFalseElse = rules.every(
    ({ isDefault, branches: [first] }) =>
      !isDefault || (first?.value.kind === "constant" && first.value.value === false),
  );
  if (!areTrue || !areFalseElse) return unclearSym(`\`${name}\` has values that are chosen by a body`);
  return bodiesSym(branches, place, names);
}

/** True where any of the bodies holds. */
function bodiesSym(branches: readonly RegoBranch[], { context, depth, condition }: Place, names: Names): Sym {
  return {
    kind: "truth",
    condition: any(branches.map(({ body }) => condition(body, context, names, depth + 1))),
  };
}

function memberSym(of: Sym, key: Sym, { context }: Place): Sym {
  if (of.kind === "unclear" || of.kind === "absent") return of;
  if (key.kind !== "constant") return unclearSym("a member whose name is found out while it runs");
  const { value } = key;
  const member =
    typeof value === "string" ? namedMember(of, value, context) : numberedMember(of, Number(value));
  return member ?? unclearSym("a member of something that has none here");
}

function namedMember(of: Sym, name: string, { memberOf, references }: Context): Sym | undefined {
  switch (of.kind) {
    case "tree":
      return memberOf(of.path, name);
    case "data":
      return dataSym(name);
    case "data-reference":
      return references(name);
    default:
      return undefined;
  }
}

function numberedMember(of: Sym, at: number): Sym | undefined {
  if (!Number.isInteger(at) || at < 0) return undefined;
  switch (of.kind) {
    case "list":
      return of.of[at] ?? { kind: "absent" };
    case "resource":
      return { kind: "segment", form: "list", at };
    case "split":
      return { kind: "segment", form: "split", at };
    default:
      return undefined;
  }
}

function dataSym(name: string): Sym {
  if (name === "plugin") return { kind: "constant", value: "resource" };
  if (name === "resource-path") return { kind: "resource" };
  if (name === "reference") return { kind: "data-reference" };
  return unclearSym(`\`data.${name}\` is not carried over`);
}

function callSym(name: string, args: readonly RegoTerm[], place: Place): Sym {
  const syms = args.map((arg) => symOf(arg, place));
  const bad = syms.find(({ kind }) => kind === "unclear" || kind === "absent");
  if (bad !== undefined) return bad;
  const rules = place.context.policy.rules.filter((rule) => rule.name === name);
  if (rules.length > 0) return functionSym(name, rules, syms, place);
  const [first, second] = syms;
  const builtIn = Object.hasOwn(BUILT_INS, name) ? BUILT_INS[name] : undefined;
  const known = first === undefined ? undefined : builtIn?.(first, second, place.context);
  return known ?? unclearSym(`the function \`${name}\` is not carried over`);
}

type BuiltIn = (first: Sym, second: Sym | undefined, context: Context) => Sym | undefined;

/** Functions whose answer is known before a guest asks, or is a condition. */
const BUILT_INS: Readonly<Record<string, BuiltIn>> = {
  query_reference_value: (name, _none, { references }) =>
    name.kind === "constant" ? references(String(name.value)) : undefined,
  split: (path, by) =>
    path.kind === "resource" && by?.kind === "constant" && by.value === "/" ? { kind: "split" } : undefined,
  count: countSym,
  is_string: (of) => (of.kind === "claim" && of.claim.type.kind === "bytes" ? presence(of.claim) : undefined),
};

function presence(claim: Claim): Sym {
  return { kind: "truth", condition: claim.isOptional ? present(claim) : ALWAYS };
}

/** A function that says yes or no: its bodies, with the names of its arguments bound. */
function functionSym(name: string, rules: readonly RegoRule[], args: readonly Sym[], place: Place): Sym {
  const isPlain = rules.every(
    ({ isDefault, params, branches }) =>
      !isDefault && params?.length === args.length && branches.every(isTrue),
  );
  if (!isPlain) return unclearSym(`the function \`${name}\` gives something else than true`);
  if (place.depth > MAX_DEPTH || !place.context.mayFollow()) return unclearSym(RING);
  const conditions = rules.map(({ params = [], branches }) => {
    const names = new Map(params.flatMap((param, at) => boundTo(param, args[at])));
    const sym = bodiesSym(branches, place, names);
    return sym.kind === "truth" ? sym.condition : NEVER;
  });
  return { kind: "truth", condition: any(conditions) };
}

function boundTo(name: string, sym: Sym | undefined): readonly (readonly [string, Sym])[] {
  return sym === undefined ? [] : [[name, sym]];
}

function isTrue({ value }: RegoBranch): boolean {
  return value.kind === "constant" && value.value === true;
}

function countSym(of: Sym): Sym {
  if (of.kind === "resource") return { kind: "count", form: "list" };
  if (of.kind === "split") return { kind: "count", form: "split" };
  if (of.kind === "list") return { kind: "constant", value: of.of.length };
  if (of.kind === "tree" && of.path.join() === "submods") return { kind: "constant", value: 1 };
  return unclearSym("a count of something else than the path or the submods");
}

/** That a guest has the claim. */
export function present({ field }: Claim): Condition {
  return { kind: "atom", text: `has ${field}`, isIdentity: false };
}
