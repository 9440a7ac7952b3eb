/** When is a body of Rego true? Followed symbol by symbol, for one guest of one kind, to a condition in Writ. */
import type { JsonValue } from "../../base/canonical-json.ts";
import { compared } from "./compare.ts";
import { ALWAYS, all, any, type Condition, NEVER, not } from "./condition.ts";
import { pathCompared } from "./path.ts";
import { before, type ReferenceValue } from "./reference-values.ts";
import type { Comparison, RegoStep, RegoTerm } from "./rego-tree.ts";
import type { Sym } from "./symbols.ts";
import { type Context, MAX_DEPTH, type Names, type Place, present, RING, symOf } from "./terms.ts";

const MAX_STEPS = 200;

/** The condition under which a body holds. */
export function bodyCondition(
  body: readonly RegoStep[],
  context: Context,
  names: Names = new Map(),
  depth = 0,
): Condition {
  if (depth > MAX_DEPTH) return unclear(body[0]?.line ?? 0, RING);
  if (body.length > MAX_STEPS) return unclear(body[0]?.line ?? 0, "a body longer than anybody would read");
  const [step, ...rest] = body;
  if (step === undefined) return ALWAYS;
  const place: Place = { context, names, depth, condition: bodyCondition };
  const restWith = (name: string, sym: Sym): Condition =>
    bodyCondition(rest, context, new Map([...names, [name, sym]]), depth);
  if (step.kind === "let" && isFree(step.name, place)) {
    const sym = symOf(step.term, place);
    return all([isDefined(sym, step.line), restWith(step.name, sym)]);
  }
  if (step.kind === "some") {
    const each = elementsOf(symOf(step.list, place));
    if (each === undefined)
      return unclear(step.line, "`some` over something else than a list or the submods");
    return any(each.map((sym) => restWith(step.name, sym)));
  }
  const own = stepCondition(step, place);
  // What stands behind it is not asked then, and nothing that is missing there is told.
  return own.kind === "never" ? NEVER : all([own, bodyCondition(rest, context, names, depth)]);
}

/** A name for what is not there makes the body false, whether it is used or not. */
function isDefined(sym: Sym, line: number): Condition {
  switch (sym.kind) {
    case "claim":
      return sym.claim.isOptional ? present(sym.claim) : ALWAYS;
    case "truth":
      return unclear(line, "a name for what may be true or not");
    case "references":
      return sym.value.until === undefined ? ALWAYS : unclear(line, "a name for a reference value that ends");
    case "constant":
      return ALWAYS;
    default:
      return truthOf(sym, line);
  }
}

/** `=` compares a name that is bound already. */
function isFree(name: string, { names, context }: Place): boolean {
  return !names.has(name) && !context.policy.rules.some((rule) => rule.name === name);
}

function elementsOf(sym: Sym): readonly Sym[] | undefined {
  if (sym.kind === "list") return sym.of;
  // The processor is the one thing that is attested here.
  return sym.kind === "tree" && sym.path.join() === "submods" ? [{ kind: "tree", path: ["ear"] }] : undefined;
}

function stepCondition(step: RegoStep, place: Place): Condition {
  const { context, names, depth } = place;
  switch (step.kind) {
    case "unclear":
      return step;
    case "not":
      return not(bodyCondition([step.step], context, names, depth));
    case "term":
      return truthOf(symOf(step.term, place), step.line);
    case "let":
      return comparison(step.line, "==", [{ kind: "name", name: step.name }, step.term], place);
    case "compare":
      return comparison(step.line, step.op, [step.left, step.right], place);
    case "in":
      return membership(step, place);
    case "every": {
      const each = elementsOf(symOf(step.list, place));
      if (each === undefined)
        return unclear(step.line, "`every` over something else than a list or the submods");
      return all(
        each.map((sym) => bodyCondition(step.body, context, new Map([...names, [step.name, sym]]), depth)),
      );
    }
    default:
      return unclear(step.line, "a condition that is not understood");
  }
}

/** A term by itself holds where it has a value, and that is not false. */
function truthOf(sym: Sym, line: number): Condition {
  switch (sym.kind) {
    case "unclear":
      return unclear(line, sym.why);
    case "absent":
      return NEVER;
    case "truth":
      return sym.condition;
    case "constant":
      return sym.value === false ? NEVER : ALWAYS;
    case "claim":
      if (sym.claim.type.kind === "flag") return { kind: "atom", text: sym.claim.field, isIdentity: false };
      return sym.claim.isOptional ? present(sym.claim) : ALWAYS;
    case "references":
      if (sym.value.until !== undefined) return unclear(line, "a reference value that ends, by itself");
      return sym.value.value === false ? NEVER : ALWAYS;
    case "segment":
    case "vector":
      return unclear(line, "a part of the path or of the vector, by itself");
    default:
      return ALWAYS;
  }
}

const TURNED: Readonly<Record<Comparison, Comparison>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

function comparison(
  line: number,
  op: Comparison,
  [left, right]: readonly [RegoTerm, RegoTerm],
  place: Place,
): Condition {
  const [a, b] = [symOf(left, place), symOf(right, place)];
  return (
    symsCompared(line, op, [a, b], place) ??
    symsCompared(line, TURNED[op], [b, a], place) ??
    unclear(line, "a comparison of things that have no order here")
  );
}

/** `undefined` where it has to be tried the other way round, or is not understood. */
function symsCompared(
  line: number,
  op: Comparison,
  [a, b]: readonly [Sym, Sym],
  { context }: Place,
): Condition | undefined {
  if (a.kind === "unclear") return unclear(line, a.why);
  if (a.kind === "absent") return NEVER;
  if (a.kind === "resource" || a.kind === "segment" || a.kind === "count") return pathCompared(a, op, b);
  if (b.kind === "constant") return scalarCompared(op, a, b.value, context);
  return b.kind === "references" ? referenceCompared(op, a, b.value, context) : undefined;
}

/** From its end on a reference value is not there. */
function referenceCompared(
  op: Comparison,
  a: Sym,
  { value, until }: ReferenceValue,
  context: Context,
): Condition | undefined {
  // What is a list equals no scalar.
  if (typeof value === "object" && value !== null) return op === "==" ? NEVER : undefined;
  const told = scalarCompared(op, a, value, context);
  return told && all([told, before(until)]);
}

function scalarCompared(
  op: Comparison,
  a: Sym,
  value: string | number | boolean | null,
  context: Context,
): Condition | undefined {
  switch (a.kind) {
    case "constant":
      return constantsCompared(op, a.value, value);
    case "claim":
      return compared(context.tee, a.claim, op, value);
    case "status":
      return statusCompared(op, value, context);
    case "vector":
      return typeof value === "number" ? context.vector(a.claim, op, value) : undefined;
    case "truth":
      return op === "==" && value === true ? a.condition : undefined;
    default:
      return undefined;
  }
}

function statusCompared(op: Comparison, value: JsonValue, { affirming }: Context): Condition | undefined {
  if (value !== "affirming" || (op !== "==" && op !== "!=")) return undefined;
  return op === "==" ? affirming() : not(affirming());
}

function constantsCompared(op: Comparison, a: JsonValue, b: JsonValue): Condition | undefined {
  if (op === "==") return a === b ? ALWAYS : NEVER;
  if (op === "!=") return a === b ? NEVER : ALWAYS;
  if (typeof a !== "number" || typeof b !== "number") return undefined;
  const holds = { "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b }[op];
  return holds ? ALWAYS : NEVER;
}

function membership(step: Extract<RegoStep, { kind: "in" }>, place: Place): Condition {
  const [sym, list] = [symOf(step.term, place), symOf(step.list, place)];
  if (sym.kind === "unclear") return unclear(step.line, sym.why);
  if (list.kind === "unclear") return unclear(step.line, list.why);
  if (sym.kind === "absent" || list.kind === "absent") return NEVER;
  if (list.kind === "references" && sym.kind === "claim") {
    const told = place.context.inReferences(sym.claim, list);
    return told ?? unclear(step.line, `a reference value of \`${list.name}\` is none for this claim`);
  }
  if (list.kind !== "list") return unclear(step.line, "`in` something else than a list or reference values");
  const each = list.of.map(
    (one) =>
      symsCompared(step.line, "==", [sym, one], place) ?? unclear(step.line, "`in` a list of other things"),
  );
  return any(each);
}

function unclear(line: number, why: string): Condition {
  return { kind: "unclear", line, why };
}
