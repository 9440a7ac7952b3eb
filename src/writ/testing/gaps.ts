/** Which requests would show what no test has shown? For each gap the regions to look in, the most telling first. */
import type { Clause, Condition, Declaration, FieldRef, Program } from "../program.ts";
import type { Region, Space } from "../solver/space.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { CoverageRow, Way } from "./coverage.ts";

export interface GapParts {
  readonly space: Space;
  /** What the suggested test loads. */
  readonly part: Program;
  readonly declaration: Declaration;
  readonly vocabulary: Vocabulary;
}

/** Regions of requests that show one way of a clause, where everything else of the policy is in order first. */
export function clauseRegions(
  clause: Clause,
  way: Way,
  { space, part, declaration }: GapParts,
): readonly Region[] {
  const scope = space.scopeOf(declaration);
  const { yes, no } = truth(space, clause, part);
  const shows =
    way === "true" || way === "fires" ? on(clause, { space, yes, no }) : off(clause, { space, yes, no });
  const others = declaration.requires
    .filter((one) => one !== clause)
    .map((one) => truth(space, one, part).yes);
  return [
    space.and(space.allowed(part), scope, shows),
    space.and(scope, shows, ...others),
    space.and(scope, shows),
  ];
}

interface Truth {
  readonly space: Space;
  readonly yes: Region;
  readonly no: Region;
}

/** A deny fires on unknown too. */
function on({ text }: Clause, { space, yes, no }: Truth): Region {
  return text.kind === "deny" ? space.not(no) : yes;
}

function off({ text }: Clause, { space, yes, no }: Truth): Region {
  return text.kind === "deny" ? no : space.not(yes);
}

function truth(space: Space, { when }: Clause, part: Program): Pick<Truth, "yes" | "no"> {
  return when === undefined ? { yes: space.everything, no: space.nothing } : space.truthOf(when, part);
}

/** Regions in which a reference value is used, or a row of a floor is looked at. */
export function referenceRegions(
  condition: Condition,
  { space, part, declaration }: GapParts,
): readonly Region[] {
  const { yes } = space.truthOf(condition, part);
  const scope = space.scopeOf(declaration);
  return [space.and(space.allowed(part), scope, yes), space.and(scope, yes)];
}

/** The condition under which an entry is used or a row is looked at; `undefined` for a clause. */
export function referenceCondition(
  row: CoverageRow,
  program: Program,
  vocabulary: Vocabulary,
): Condition | undefined {
  if (row.kind === "row") {
    const isSilicon = vocabulary.products.some(
      ({ name, silicon }) => silicon.includes(row.text) && name !== row.text,
    );
    const field = isSilicon ? vocabulary.siliconField : vocabulary.productField;
    return field === undefined ? undefined : isOneOf(field, row.text, vocabulary);
  }
  if (row.kind !== "entry") return undefined;
  const set = program.refsets.find(({ module, name }) => `${module}/${name}` === row.of);
  const entry = set?.entries.find(({ at, label }) => at === row.at && row.text === `"${label}"`);
  return set === undefined || entry === undefined ? undefined : isOneOf(set.field, entry.value, vocabulary);
}

function isOneOf(name: string, value: string, vocabulary: Vocabulary): Condition | undefined {
  const known = vocabulary.fields.find((field) => field.name === name.replace(/\[\d+\]$/, ""));
  if (known === undefined) return undefined;
  const field: FieldRef = { name, key: name, type: known.type };
  const text = { at: "1:1", field: name, wanted: `== ${value}` };
  const origin = { file: "", span: { start: 0, end: 0 } };
  return { kind: "atom", field, test: { kind: "one-of", values: [value] }, isNegated: false, text, origin };
}
