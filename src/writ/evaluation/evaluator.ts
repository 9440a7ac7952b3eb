/** May this request have what it asks for? One walk that gives both the decision and its trace (WRIT sections 2 and 10). */
import type { Decision, DecisionCode, RevocationTrace } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Declaration, Program } from "../program.ts";
import { type DeclarationJudge, declarationJudge, grantsOf, type Judged } from "./declarations.ts";
import { mergeObligations, NO_OBLIGATIONS } from "./obligations.ts";
import { isWithin, type Request } from "./request.ts";
import { type RevokedSet, revocationsIn, revokedSetsOf } from "./revocations.ts";
import { createScopeIndex } from "./scope-index.ts";

/** A declaration with its closure, and the revoked entries that its module binds it to. */
interface Compiled {
  readonly declaration: Declaration;
  readonly judge: DeclarationJudge;
  readonly revoked: readonly RevokedSet[];
}

type CompiledProgram = (resource: string) => readonly Compiled[];

const compiledPrograms = new WeakMap<Program, CompiledProgram>();

/**
 * Decides a request. Total: an impossible state is a refusal with code `internal`.
 *
 * @param facts - Hold the vocabulary's resource and time fields (`request.resource`, `now`); every other field may be absent.
 */
export function evaluate(program: Program, facts: Facts): Decision {
  const resource = facts.get(program.resourceField);
  const now = facts.get(program.timeField);
  if (typeof resource !== "string" || typeof now !== "number") return refusal("internal", emptyTrace(""));
  try {
    return decide(program, resource, requestOf(program, facts, now));
  } catch {
    return refusal("internal", emptyTrace(resource));
  }
}

function decide(program: Program, resource: string, request: Request): Decision {
  const inScope = compile(program)(resource).filter(({ declaration }) =>
    isWithin(declaration.valid, request.now),
  );
  const judged = inScope.map(({ judge }) => judge(request));
  const revoked = revocationsIn(inScope, request.facts);
  const trace = { resource, declarations: judged.map((one) => one.trace), revoked };
  const code = codeOf(judged, revoked);
  if (code !== undefined) return refusal(code, trace, sentenceOf(judged));
  const granting = judged.filter(isGranting);
  return {
    isAllowed: true,
    code: undefined,
    allowedBy: granting.flatMap(grantsOf),
    trace,
    obligations: mergeObligations(
      granting.map(({ declaration }) => declaration),
      request.facts,
    ),
    sentence: undefined,
    isRetiring: granting.some(({ isRetiring }) => isRetiring),
  };
}

/** A program is compiled when it is first asked, and kept for as long as it lives. */
function compile(program: Program): CompiledProgram {
  const known = compiledPrograms.get(program);
  if (known !== undefined) return known;
  const revoked = new Map(program.modules.map((module) => [module.name, revokedSetsOf(module)]));
  const made = createScopeIndex(
    program.declarations.map(
      (declaration): Compiled => ({
        declaration,
        judge: declarationJudge(declaration),
        revoked: revoked.get(declaration.module) ?? [],
      }),
    ),
  );
  compiledPrograms.set(program, made);
  return made;
}

function requestOf(program: Program, facts: Facts, now: number): Request {
  const nameOf = (field: string | undefined): string | undefined => {
    const value = field === undefined ? undefined : facts.get(field);
    return typeof value === "string" ? value : undefined;
  };
  const product = nameOf(program.productField);
  return { facts, now, product, silicon: nameOf(program.siliconField), isRetiring: false };
}

/** Every require true and some allow true; that no deny fires is asked of everything in scope. */
function isGranting({ declaration, hasFailedRequire, holdsAllow }: Judged): boolean {
  return declaration.kind === "policy" && holdsAllow && !hasFailedRequire;
}

/** Why not; `undefined` is yes (rule 2). Order of rules, files and imports never matters. */
function codeOf(judged: readonly Judged[], revoked: readonly RevocationTrace[]): DecisionCode | undefined {
  if (!judged.some(isPolicy)) return "no-policy";
  if (revoked.length > 0) return "revoked";
  if (judged.some((one) => one.hasFailedRequire && !isPolicy(one))) return "guard-failed";
  if (judged.some(({ hasFired }) => hasFired)) return "denied";
  if (judged.some(isGranting)) return undefined;
  return judged.some((one) => isPolicy(one) && one.failures === 0) ? "no-allow" : "require-failed";
}

function isPolicy({ declaration }: Judged): boolean {
  return declaration.kind === "policy";
}

/** The one text for the guest: guards first, then the policy with the fewest failures, then by name and line. */
function sentenceOf(judged: readonly Judged[]): string | undefined {
  let best: Judged | undefined;
  for (const one of judged) {
    if (one.reason === undefined) continue;
    if (!isPolicy(one)) return one.reason;
    if (best === undefined || one.failures < best.failures) best = one;
  }
  return best?.reason;
}

function emptyTrace(resource: string): Decision["trace"] {
  return { resource, declarations: [], revoked: [] };
}

function refusal(code: DecisionCode, trace: Decision["trace"], sentence?: string): Decision {
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
