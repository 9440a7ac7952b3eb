/** What does a name stand for, with everything that it brings along? One declaration, its references, and what stands over it (WRIT section 18). */
import { atomsOf } from "../conditions.ts";
import { termText } from "../diff/term-text.ts";
import { timeText } from "../diff/value-text.ts";
import { meets } from "../patterns.ts";
import type { Atom, Clause, Declaration, Entry, Program } from "../program.ts";
import { patternText } from "../solver/resources.ts";
import type { SourceTree } from "../syntax/ast.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { floorLines, refsetLines } from "./references.ts";
import { useText, valuedText } from "./uses.ts";

export interface ShowOptions {
  readonly vocabulary: Vocabulary;
  readonly trees: readonly SourceTree[];
  /** Unix seconds: where bars have their mark. */
  readonly now: number;
  /** With every line that a template or a platform brings, and the guards over it. */
  readonly isExpanded: boolean;
}

/** Every name that {@link show} knows, `module/name` for those of two modules. */
export function namesOf({ declarations, refsets, floors }: Program): readonly string[] {
  return [
    ...new Set(
      [...declarations, ...refsets, ...floors].flatMap(({ module, name }) => [name, `${module}/${name}`]),
    ),
  ].sort();
}

/** @returns Text, each part after an empty line; nothing for a name that nothing has. */
export function show(program: Program, name: string, options: ShowOptions): string {
  const isNamed = (one: { readonly module: string; readonly name: string }): boolean =>
    one.name === name || `${one.module}/${one.name}` === name;
  const parts = [
    ...program.declarations.filter(isNamed).flatMap((one) => declarationParts(program, one, options)),
    ...program.refsets.filter(isNamed).map((one) => refsetLines(one, options.now)),
    ...program.floors.filter(isNamed).map(floorLines),
  ];
  return unique(parts.map((lines) => `${lines.join("\n")}\n`)).join("\n");
}

function declarationParts(
  program: Program,
  of: Declaration,
  options: ShowOptions,
): readonly (readonly string[])[] {
  const over = options.isExpanded ? guardsOver(program, of) : [];
  const shown = [of, ...over];
  const atoms = shown.flatMap(({ requires, allows, denies }) =>
    [...requires, ...allows, ...denies].flatMap(({ when }) => (when === undefined ? [] : atomsOf(when))),
  );
  return [
    ...shown.map((one) => [...declarationLines(one, options), ...(one === of ? reminders(of, options) : [])]),
    ...setsIn(program, atoms).map((one) => refsetLines(one, options.now)),
    ...program.floors
      .filter(({ rows }) => atoms.some(({ test }) => test.kind === "floor" && test.rows === rows))
      .map(floorLines),
  ];
}

function guardsOver({ declarations }: Program, of: Declaration): readonly Declaration[] {
  return declarations.filter(
    (one) =>
      one !== of && one.kind === "guard" && one.patterns.some((a) => of.patterns.some((b) => meets(a, b))),
  );
}

function setsIn({ refsets }: Program, atoms: readonly Atom[]): Program["refsets"] {
  const asked = new Set<Entry>(atoms.flatMap(({ test }) => (test.kind === "member" ? test.entries : [])));
  return refsets.filter(({ entries }) => entries.some((entry) => asked.has(entry)));
}

function declarationLines(of: Declaration, options: ShowOptions): readonly string[] {
  const title = of.title === undefined ? "" : ` ${JSON.stringify(of.title)}`;
  const module = of.module === "" ? "" : `   # ${of.module}, ${of.at}`;
  const window =
    of.valid === undefined
      ? []
      : [
          `  valid ${timeText(of.valid.from)} .. ${of.valid.to === undefined ? "" : timeText(of.valid.to)}`.trimEnd(),
        ];
  const terms =
    of.obligations.length === 0
      ? []
      : ["  on release {", ...of.obligations.map((one) => `    ${termText(one)}`), "  }"];
  return [
    `${of.kind} ${of.name}${title}${module}`,
    `  for resource ${of.patterns.map((pattern) => JSON.stringify(patternText(pattern))).join(", ")}`,
    ...window,
    ...clauseLines(of, options),
    ...terms,
  ];
}

/** Where nothing is expanded, what brings lines along stands in their place, once. */
function clauseLines(
  { requires, denies, allows }: Declaration,
  { isExpanded, trees }: ShowOptions,
): readonly string[] {
  return unique(
    [...requires, ...denies, ...allows].map((clause) => {
      const { from, text } = clause.text;
      if (from === undefined) return clauseLine(clause, text);
      return isExpanded
        ? `${clauseLine(clause, valuedText(clause, trees))}   # ${from}`
        : `  ${useText(clause, trees)}`;
    }),
  );
}

function clauseLine({ text: { kind, reason } }: Clause, text: string): string {
  const word = kind === "deny" ? "because" : "else";
  return `  ${text}${reason === undefined ? "" : ` ${word} ${JSON.stringify(reason)}`}`;
}

/** What no report shows, and whoever names a platform should know. */
function reminders({ requires }: Declaration, { vocabulary }: ShowOptions): readonly string[] {
  const named = new Set(requires.map(({ text }) => text.from));
  return vocabulary.platforms.flatMap(({ name, reminder }) =>
    reminder !== undefined && named.has(`platform ${name}`) ? [`  # remember: ${reminder}`] : [],
  );
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
