/** May this request have what it asks for? One walk that gives both the decision and its trace (WRIT sections 2 and 10). */
import { fixedJson } from "../../base/canonical-json.ts";
import type {
  ClauseTrace,
  Decision,
  DecisionCode,
  DeclarationTrace,
  Grant,
  RevocationTrace,
} from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Clause, Declaration, Module, Program } from "../program.ts";
import { isWithin, type Judge, judgeOf, type Request } from "./judge.ts";
import { mergeObligations, NO_OBLIGATIONS } from "./obligations.ts";
import { createScopeIndex } from "./scope-index.ts";

/** A declaration with the closures of its clauses, whose texts are in every trace. */
interface Compiled {
  readonly declaration: Declaration;
  readonly clauses: readonly { readonly text: Clause["text"]; readonly judge: Judge | undefined }[];
}

interface CompiledProgram {
  readonly inScope: (resource: string) => readonly Compiled[];
  readonly revoked: ReadonlyMap<string, readonly RevokedSet[]>;
}

/** Revoked entries of one set, by value. */
interface RevokedSet {
  readonly field: string;
  readonly byValue: ReadonlyMap<string, RevocationTrace>;
}

/** A declaration as it was judged, and what of it decides. */
interface Judged {
  readonly compiled: Compiled;
  readonly trace: DeclarationTrace;
  readonly failures: readonly ClauseTrace[];
  readonly allows: readonly ClauseTrace[];
  readonly isRetiring: boolean;
}

const compiledPrograms = new WeakMap<Program, CompiledProgram>();

/**
 * Decides a request. Total: an impossible state is a refusal with code `internal`.
 *
 * @param facts - Hold the vocabulary's resource and time fields (`request.resource`, `now`); every other field may be absent.
 */
export function evaluate(program: Program, facts: Facts): Decision {
  const resource = facts.get(program.resourceField);
  const now = facts.get(program.timeField);
  if (typeof resource !== "string" || typeof now !== "number") return internal("");
  try {
    return decide(program, { facts, resource, now });
  } catch {
    return internal(resource);
  }
}

interface Asked {
  readonly facts: Facts;
  readonly resource: string;
  readonly now: number;
}

function decide(program: Program, asked: Asked): Decision {
  const compiled = compile(program);
  const inScope = compiled
    .inScope(asked.resource)
    .filter(({ declaration }) => isWithin(declaration.valid, asked.now));
  const judged = inScope.map((one) => judge(one, requestOf(program, asked)));
  const revoked = revocationsOf(compiled, inScope, asked.facts);
  const trace = { resource: asked.resource, declarations: judged.map((one) => one.trace), revoked };
  const granting = judged.filter(isGranting);
  const code = codeOf(judged, revoked, granting);
  if (code !== undefined) {
    const sentence = sentenceOf(judged);
    return {
      isAllowed: false,
      code,
      allowedBy: [],
      trace,
      obligations: NO_OBLIGATIONS,
      sentence,
      isRetiring: false,
    };
  }
  return {
    isAllowed: true,
    code: undefined,
    allowedBy: granting.flatMap(grantsOf),
    trace,
    obligations: mergeObligations(
      granting.map(({ compiled: { declaration } }) => declaration),
      asked.facts,
    ),
    sentence: undefined,
    isRetiring: granting.some(({ isRetiring }) => isRetiring),
  };
}

function compile(program: Program): CompiledProgram {
  const known = compiledPrograms.get(program);
  if (known !== undefined) return known;
  const compiled = program.declarations.map((declaration): Compiled => {
    const { requires, allows, denies } = declaration;
    const clauses = [...requires, ...allows, ...denies].sort(byLine).map(({ text, when }) => ({
      text: fixedJson(text),
      judge: when === undefined ? undefined : judgeOf(when),
    }));
    return { declaration, clauses };
  });
  const revoked = new Map(program.modules.map((module) => [module.name, revokedSetsOf(module)]));
  const made = { inScope: createScopeIndex(compiled), revoked };
  compiledPrograms.set(program, made);
  return made;
}

/** As they stand in the source: all clauses of a declaration are placed in one file. */
function byLine(a: Clause, b: Clause): number {
  return lineOf(a) - lineOf(b);
}

function lineOf({ text }: Clause): number {
  return Number(text.at.slice(text.at.lastIndexOf(":") + 1));
}

function revokedSetsOf({ revocable }: Module): readonly RevokedSet[] {
  return revocable.flatMap(({ name, field, entries }) => {
    const byValue = new Map(
      entries
        .filter(({ state }) => state === "revoked")
        .map(({ value, label, at }) => [value, { set: name, label, field, at }] as const),
    );
    return byValue.size === 0 ? [] : [{ field, byValue }];
  });
}

function requestOf(program: Program, { facts, now }: Asked): Request {
  const nameOf = (field: string | undefined): string | undefined => {
    const value = field === undefined ? undefined : facts.get(field);
    return typeof value === "string" ? value : undefined;
  };
  return {
    facts,
    now,
    product: nameOf(program.productField),
    silicon: nameOf(program.siliconField),
    isRetiring: false,
  };
}

function judge(compiled: Compiled, request: Request): Judged {
  const { declaration } = compiled;
  const clauses = compiled.clauses.map(({ text: clause, judge: judgeClause }): ClauseTrace => {
    if (judgeClause === undefined) return { clause, verdict: "ok" };
    const when = judgeClause(request);
    return { clause, verdict: when.verdict, when };
  });
  const failures = clauses.filter(isFailing);
  const { kind, name, module } = declaration;
  return {
    compiled,
    trace: { kind, name, module, passes: failures.length === 0, clauses },
    failures,
    allows: clauses.filter(({ clause, verdict }) => clause.kind === "allow" && verdict === "ok"),
    isRetiring: request.isRetiring,
  };
}

/** Unknown never satisfies a require, and does fire a deny (rule 5). */
function isFailing({ clause, verdict }: ClauseTrace): boolean {
  if (clause.kind === "require") return verdict !== "ok";
  return clause.kind === "deny" && verdict !== "x";
}

function hasFired({ clause, verdict }: ClauseTrace): boolean {
  return clause.kind === "deny" && verdict !== "x";
}

/** Every require true and some allow true; that no deny fires is asked of everything in scope. */
function isGranting({ trace, failures, allows }: Judged): boolean {
  return (
    trace.kind === "policy" && allows.length > 0 && !failures.some(({ clause }) => clause.kind === "require")
  );
}

/** Why not; `undefined` is yes (rule 2). Order of rules, files and imports never matters. */
function codeOf(
  judged: readonly Judged[],
  revoked: readonly RevocationTrace[],
  granting: readonly Judged[],
): DecisionCode | undefined {
  const policies = judged.filter(({ trace }) => trace.kind === "policy");
  const guards = judged.filter(({ trace }) => trace.kind === "guard");
  if (policies.length === 0) return "no-policy";
  if (revoked.length > 0) return "revoked";
  if (guards.some(({ failures }) => failures.some(({ clause }) => clause.kind === "require")))
    return "guard-failed";
  if (judged.some(({ failures }) => failures.some(hasFired))) return "denied";
  if (granting.length > 0) return undefined;
  return policies.some(({ failures }) => failures.length === 0) ? "no-allow" : "require-failed";
}

/** Each revoked entry that the request's facts equal, for every module that has something in scope (rule 6). */
function revocationsOf(
  { revoked }: CompiledProgram,
  inScope: readonly Compiled[],
  facts: Facts,
): readonly RevocationTrace[] {
  const modules = new Set(inScope.map(({ declaration }) => declaration.module));
  const sets = new Set([...modules].flatMap((module) => revoked.get(module) ?? []));
  const found = [...sets].flatMap(({ field, byValue }) => {
    const value = facts.get(field);
    const entry = typeof value === "string" ? byValue.get(value) : undefined;
    return entry === undefined ? [] : [entry];
  });
  const unique = new Map(found.map((entry) => [`${entry.at} ${entry.set} ${entry.label}`, entry]));
  return [...unique.keys()].sort().flatMap((key) => unique.get(key) ?? []);
}

function grantsOf({ compiled: { declaration }, allows }: Judged): readonly Grant[] {
  const { module, name } = declaration;
  return allows.map(({ clause }) => ({ module, policy: name, label: clause.label }));
}

/** The one text for the guest: guards first, then the policy with the fewest failures, then by name and line. */
function sentenceOf(judged: readonly Judged[]): string | undefined {
  const failing = judged.filter(({ failures }) => failures.length > 0);
  const guards = failing.filter(({ trace }) => trace.kind === "guard");
  const policies = failing.filter(({ trace }) => trace.kind === "policy");
  const ranked = [...guards, ...policies.sort((a, b) => a.failures.length - b.failures.length)];
  for (const { failures } of ranked) {
    const reason = failures.find(({ clause }) => clause.reason !== undefined)?.clause.reason;
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function internal(resource: string): Decision {
  return {
    isAllowed: false,
    code: "internal",
    allowedBy: [],
    trace: { resource, declarations: [], revoked: [] },
    obligations: NO_OBLIGATIONS,
    sentence: undefined,
    isRetiring: false,
  };
}
