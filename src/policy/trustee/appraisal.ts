/** When does Trustee's attestation service call a guest affirming? Its policy, claim by claim of the trustworthiness vector. */
import { ALWAYS, all, any, type Condition, NEVER, not } from "./condition.ts";
import { bodyCondition } from "./evaluate.ts";
import type { Comparison, RegoRule } from "./rego-tree.ts";
import type { Context } from "./terms.ts";

/** The names of AR4SI's claims, and of the rules that give them. */
const RULES: Readonly<Record<string, string>> = {
  executables: "executables",
  hardware: "hardware",
  configuration: "configuration",
  "file-system": "file_system",
  "instance-identity": "instance_identity",
  "runtime-opaque": "runtime_opaque",
  "storage-opaque": "storage_opaque",
  "sourced-data": "sourced_data",
};

/** Nothing is said up to 1, good is up to 31 (AR4SI); beyond is a warning, and then a contraindication. */
const isSilent = (value: number): boolean => value >= -1 && value <= 1;
const isAffirming = (value: number): boolean => value >= 2 && value < 32;

/** Every claim good or silent, and one of them good. */
export function affirming(context: Context): Condition {
  const claims = Object.keys(RULES);
  const good = claims.map((claim) =>
    claimCondition(claim, (value) => isSilent(value) || isAffirming(value), context),
  );
  const some = claims.map((claim) => claimCondition(claim, isAffirming, context));
  const isSaidAnyway = claims.some((claim) => valuesOf(claim, context).every((value) => !isSilent(value)));
  return all([...good, isSaidAnyway ? ALWAYS : any(some)]);
}

/** One claim of the vector against a number. */
export function vectorCondition(claim: string, op: Comparison, value: number, context: Context): Condition {
  if (!Object.hasOwn(RULES, claim)) {
    return { kind: "unclear", line: 0, why: `\`${claim}\` is no claim of the trustworthiness vector` };
  }
  return claimCondition(claim, (own) => holds(own, op, value), context);
}

function holds(own: number, op: Comparison, value: number): boolean {
  return {
    "==": own === value,
    "!=": own !== value,
    "<": own < value,
    "<=": own <= value,
    ">": own > value,
    ">=": own >= value,
  }[op];
}

function rulesOf(claim: string, { policy }: Context): readonly RegoRule[] {
  return policy.rules.filter(({ name }) => name === RULES[claim]);
}

/** Every value that the claim may have. */
function valuesOf(claim: string, context: Context): readonly number[] {
  const values = rulesOf(claim, context).flatMap(({ branches }) => branches.map(({ value }) => value));
  const numbers = values.flatMap((value) =>
    value.kind === "constant" && typeof value.value === "number" ? [value.value] : [],
  );
  return numbers.length === 0 ? [0] : numbers;
}

interface Reached {
  readonly value: number;
  readonly rule: number;
  readonly condition: Condition;
}

/**
 * When the claim has a value that is wanted. Rules that give two values at once are an error in Rego, and then no guest is
 * attested: that is in the condition too.
 */
function claimCondition(claim: string, isWanted: (value: number) => boolean, context: Context): Condition {
  const rules = rulesOf(claim, context);
  if (rules.length === 0) return isWanted(0) ? ALWAYS : NEVER;
  const reached = rules.flatMap((rule, at) => (rule.isDefault ? [] : branchesOf(rule, at, context)));
  const fallback = rules.find(({ isDefault }) => isDefault);
  if (rules.some((rule) => hasOddValue(rule))) {
    return { kind: "unclear", line: rules[0]?.line ?? 0, why: `\`${claim}\` has values that are no numbers` };
  }
  const wanted = any(rules.map((rule) => (rule.isDefault ? NEVER : wantedOf(rule, isWanted, context))));
  const isFallbackWanted = fallback !== undefined && defaultOf(fallback).some(isWanted);
  const none = not(any(reached.map(({ condition }) => condition)));
  return all([isFallbackWanted ? any([wanted, none]) : wanted, ...conflictsOf(reached)]);
}

function defaultOf({ branches }: RegoRule): readonly number[] {
  return branches.flatMap(({ value }) =>
    value.kind === "constant" && typeof value.value === "number" ? [value.value] : [],
  );
}

function hasOddValue({ branches }: RegoRule): boolean {
  return branches.some(({ value }) => value.kind !== "constant" || typeof value.value !== "number");
}

/** As {@link branchesOf}, in fewer words: of what stood before an `else`, only what is not wanted has to be false. */
function wantedOf({ branches }: RegoRule, isWanted: (value: number) => boolean, context: Context): Condition {
  const unwanted: Condition[] = [];
  const ways = branches.map(({ value, body }) => {
    const own = bodyCondition(body, context);
    if (value.kind === "constant" && isWanted(Number(value.value))) return all([...unwanted, own]);
    unwanted.push(not(own));
    return NEVER;
  });
  return any(ways);
}

/** What stands after `else` is reached where nothing before it holds. */
function branchesOf({ branches }: RegoRule, rule: number, context: Context): readonly Reached[] {
  const before: Condition[] = [];
  return branches.map(({ value, body }) => {
    const own = bodyCondition(body, context);
    const condition = all([...before, own]);
    before.push(not(own));
    return { value: value.kind === "constant" ? Number(value.value) : Number.NaN, rule, condition };
  });
}

function conflictsOf(reached: readonly Reached[]): readonly Condition[] {
  return reached.flatMap((one, at) =>
    reached
      .slice(at + 1)
      .filter((two) => two.rule !== one.rule && two.value !== one.value)
      .map((two) => not(all([one.condition, two.condition]))),
  );
}
