/** What of a policy did decisions use? Policies, allows, patterns and reference values that nothing of what was allowed rested on. */
import type { ClauseText, ClauseTrace, DeclarationTrace } from "../writ/decision.ts";
import { meets, parseResource } from "../writ/patterns.ts";
import type { Declaration, Origin, Pattern, Refset } from "../writ/program.ts";
import { patternText } from "../writ/solver/resources.ts";
import { outcomeOver, type Seen } from "./appraise.ts";
import type { Bundle } from "./bundle.ts";

/** Something that could be taken away: nobody who was let in needed it. */
export type Unused = { readonly name: string; readonly file: string } & (
  | { readonly kind: "policy" | "allow" | "entry"; readonly origin: Origin }
  /** One pattern of a policy that is used for others. */
  | { readonly kind: "resource"; readonly policy: Declaration; readonly pattern: string }
);

export interface PolicyUse {
  /** Tells what was let in. What this bundle refuses uses nothing of it. */
  readonly note: (seen: Seen) => void;
  /** In order of file and place. */
  readonly unused: () => readonly Unused[];
}

type Judge = Pick<Bundle, "program" | "vcpus">;

/** @param bundle - By it, decisions are judged again: what another one let in counts where this one does too. */
export function useOf(bundle: Judge): PolicyUse {
  const { declarations, refsets } = bundle.program;
  const policies = declarations.filter(({ kind }) => kind === "policy");
  const byName = new Map(policies.map((one) => [nameOf(one), one]));
  const known: Known = {
    allows: new Set(),
    patterns: new Map(),
    values: new Map(refsets.map(({ field }) => [field, new Set()])),
  };
  return {
    note: (seen) => {
      const { isAllowed, trace } = outcomeOver(seen, bundle);
      if (!isAllowed) return;
      for (const granted of trace.declarations.filter(isGrant)) {
        noteGrant(granted, byName.get(nameOf(granted)), trace.resource, known);
      }
      for (const [field, values] of known.values) values.add(String(seen.facts.get(field)));
    },
    unused: () => [
      ...policies.flatMap((policy) => unusedOf(policy, known)),
      ...refsets.flatMap((set) => unusedEntries(set, known.values.get(set.field))),
    ],
  };
}

/** What was seen in use so far. */
interface Known {
  /** By {@link keyOf}. */
  readonly allows: Set<string>;
  readonly patterns: Map<Declaration, Set<string>>;
  /** Field of a reference set → its values that came. */
  readonly values: Map<string, Set<string>>;
}

function noteGrant(
  { clauses }: DeclarationTrace,
  policy: Declaration | undefined,
  resource: string,
  { allows, patterns }: Known,
): void {
  if (policy === undefined) return;
  const own = patterns.get(policy) ?? new Set();
  for (const pattern of patternsOver(policy, resource)) own.add(pattern);
  patterns.set(policy, own);
  for (const trace of clauses.filter(isHeldAllow)) allows.add(keyOf(trace.clause));
}

function isHeldAllow({ clause, verdict }: ClauseTrace): boolean {
  return clause.kind === "allow" && verdict === "ok";
}

function keyOf({ at, text }: Pick<ClauseText, "at" | "text">): string {
  return `${at} ${text}`;
}

function nameOf({ module, name }: Pick<Declaration, "module" | "name">): string {
  return `${module}/${name}`;
}

function isGrant({ kind, passes, clauses }: DeclarationTrace): boolean {
  return kind === "policy" && passes && clauses.some(isHeldAllow);
}

function patternsOver({ patterns }: Declaration, resource: string): readonly string[] {
  const segments = parseResource(resource);
  if (segments === undefined) return [];
  const exact: Pattern = { segments, isOpen: false };
  return patterns.filter((pattern) => meets(pattern, exact)).map(patternText);
}

function unusedOf(policy: Declaration, { allows, patterns }: Known): readonly Unused[] {
  const { file } = policy.origin;
  const name = nameOf(policy);
  const used = patterns.get(policy);
  if (used === undefined) return [{ kind: "policy", name, file, origin: policy.origin }];
  const idle = policy.allows.filter(({ text }) => !allows.has(keyOf(text)));
  const own = idle.filter(({ origin }) => origin.written === undefined && origin.file === file);
  const scopes = policy.patterns.map(patternText).filter((pattern) => !used.has(pattern));
  return [
    ...scopes.map((pattern): Unused => {
      const about = `${name} for ${pattern}`;
      return { kind: "resource", name: about, file, policy, pattern };
    }),
    ...own.map(({ text, origin, whole }): Unused => {
      const label = text.label === undefined ? text.at : JSON.stringify(text.label);
      return { kind: "allow", name: `${name} allow ${label}`, file, origin: { ...origin, span: whole } };
    }),
  ];
}

/** A revoked entry refuses: it is used by being there. A set of which nothing would be left is no set, and stays whole. */
function unusedEntries({ name, entries }: Refset, seen: ReadonlySet<string> | undefined): readonly Unused[] {
  const idle = entries.filter(({ value, state }) => state !== "revoked" && seen?.has(value) !== true);
  if (idle.length === entries.length) return [];
  return idle.map(({ label, origin }) => ({
    ...{ kind: "entry", name: `${name} ${JSON.stringify(label)}`, file: origin.file, origin },
  }));
}
