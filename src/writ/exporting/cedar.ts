/** What do policies say in Cedar? For a second engine's analysis; nothing that is exported is ever loaded (WRIT section 17). */
import { termText } from "../diff/term-text.ts";
import type { Clause, Declaration, Module, Pattern, Program } from "../program.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type Choosers, truthOf } from "./cedar-conditions.ts";
import { ALWAYS, attribute, during, every, not, presence, quoted, some } from "./cedar-terms.ts";

const HEADER = `// A request is \`Action::"ask"\` with a context that holds each fact under the name of its field: digests as lower-case hexadecimal text,
// durations in milliseconds, times as datetime, versions as { major, minor, patch }, sets of bits as sets of their numbers, TCB vectors as
// records of those components that the product has, and the path as its number of segments and the segments by their position from 0.
// Where Writ says unknown, neither formula of a condition holds here: a permit asks that it is true, a forbid that it is not false.
`;

/** Attribute under which a context holds the path. */
export const PATH_LENGTH = "length";

/** A policy set as Cedar text, deterministic: a permit for each allow, a forbid for each deny, guard's require and revoked value. */
export function cedarPolicies(program: Program, vocabulary: Vocabulary): string {
  const by = { ...program, components: vocabulary.components.map(({ name }) => name) };
  const rules = program.declarations.flatMap((declaration) => rulesOf(by, declaration));
  const revoked = program.modules.flatMap((module) => revocationsOf(program, module));
  return [HEADER, ...rules, ...revoked].join("\n");
}

interface Rule {
  readonly effect: "permit" | "forbid";
  readonly id: string;
  readonly annotations: readonly (readonly [name: string, value: string])[];
  /** All of them. */
  readonly when: readonly string[];
}

function written({ effect, id, annotations, when }: Rule): string {
  const names = new Set<string>();
  const notes = [["id", id] as const, ...annotations].map(([name, value]) => {
    let unique = name;
    for (let count = 2; names.has(unique); count += 1) unique = `${name}_${count}`;
    names.add(unique);
    return `@${unique}(${quoted(value)})\n`;
  });
  return `${notes.join("")}${effect} (principal is Guest, action == Action::"ask", resource is Secret)\nwhen { ${lines(when)} };\n`;
}

/** One condition a line; a rule without any always applies. */
function lines(parts: readonly string[]): string {
  const told = parts.filter((part) => part !== ALWAYS);
  return told.length === 0 ? ALWAYS : told.join("\n    && ");
}

function rulesOf(by: Program & Choosers, of: Declaration): readonly string[] {
  const scope = scopeText(by, of);
  const yes = (clause: Clause): string => (clause.when === undefined ? "true" : truthOf(clause.when, by).yes);
  const no = (clause: Clause): string => (clause.when === undefined ? "false" : truthOf(clause.when, by).no);
  const name = `${of.module}/${of.name}`;
  const denies = of.denies.map((clause, at) => ({
    effect: "forbid" as const,
    id: `${name}/deny ${at + 1}`,
    annotations: sourceOf(clause),
    when: [scope, not(no(clause))],
  }));
  if (of.kind === "guard") {
    const requires = of.requires.map((clause, at) => ({
      effect: "forbid" as const,
      id: `${name}/require ${at + 1}`,
      annotations: sourceOf(clause),
      when: [scope, not(yes(clause))],
    }));
    return [...requires, ...denies].map(written);
  }
  const terms = of.obligations.map((one) => [one.kind, termText(one)] as const);
  const allows = of.allows.map((clause, at) => ({
    effect: "permit" as const,
    id: `${name}/allow ${at + 1}`,
    annotations: [...sourceOf(clause), ...terms],
    when: [scope, ...of.requires.map(yes), yes(clause)],
  }));
  return [...allows, ...denies].map(written);
}

function sourceOf({ text }: Clause): readonly (readonly [string, string])[] {
  const reason = text.reason === undefined ? [] : [["reason", text.reason] as const];
  return [["source", `${text.at}: ${text.text}`], ...reason];
}

function scopeText({ resourceField, timeField }: Program, { patterns, valid }: Declaration): string {
  return every(
    some(...patterns.map((one) => patternCondition(resourceField, one))),
    during(attribute(timeField), valid),
  );
}

function patternCondition(resourceField: string, { segments, isOpen }: Pattern): string {
  const path = attribute(resourceField);
  const length = `${path}[${quoted(PATH_LENGTH)}] ${isOpen ? ">" : "=="} ${segments.length}`;
  const fixed = segments.flatMap((segment, at) =>
    segment === "*"
      ? []
      : [`${path} has ${quoted(String(at))} && ${path}[${quoted(String(at))}] == ${quoted(segment)}`],
  );
  return every(length, ...fixed);
}

/** A revoked value denies wherever a declaration of the module applies. */
function revocationsOf(program: Program, module: Module): readonly string[] {
  const scopes = program.declarations
    .filter((one) => one.module === module.name)
    .map((one) => scopeText(program, one));
  if (scopes.length === 0) return [];
  return module.revocable.flatMap(({ name, field, entries }) =>
    entries
      .filter(({ state }) => state === "revoked")
      .map(({ label, value, at }) =>
        written({
          effect: "forbid",
          id: `${module.name}/${name}/revoked ${label}`,
          annotations: [["source", at]],
          when: [some(...scopes), presence(field), `${attribute(field)} == ${quoted(value)}`],
        }),
      ),
  );
}
