/** How do figures of AMD's bulletins become a floor in Writ, for people to review? Each with the bulletin, the grade and the source it has. */
import { Fault } from "../base/fault.ts";
import { formatSource } from "../writ/formatting/format.ts";
import { type Advisory, type Bulletin, componentsOf } from "./advisory.ts";
import { type LineFloor, lineFloors, silentLines } from "./advisory-floors.ts";

/** What the module is called, and who answers for it. */
export interface FloorNames {
  readonly floor: string;
  readonly module: string;
  readonly owner: string;
}

export interface WrittenFloor {
  /** Formatted: a module with one floor. */
  readonly writ: string;
  /** Silicon lines about which no figure says anything, though the row of their product would speak for them. */
  readonly silent: readonly string[];
}

/**
 * Writes the floor of these bulletins, for all silicon lines or some.
 *
 * @throws {@link Fault} `advisory/unknown` where none of them has a figure for any of the lines.
 */
export function writeFloor(
  { bulletins, edition }: ChosenBulletins,
  names: FloorNames,
  lines: readonly string[] = [],
): WrittenFloor {
  const floors = lineFloors(bulletins).filter(({ line }) => lines.length === 0 || lines.includes(line));
  if (floors.length === 0) {
    throw new Fault(
      "advisory/unknown",
      `expected a figure in ${idsOf(bulletins)} for ${lines.join(", ") || "any line"}`,
    );
  }
  const text = `writ 1
module ${names.module} version ${versionOf(edition)} { owner "${names.owner}" }

${floors.flatMap(remarksOf).join("\n")}
floor ${names.floor} {
  owner "${names.owner}"
  describes "${describe({ bulletins, edition })}"
${floors.map(rowOf).join("\n")}
}
`;
  const { text: writ } = formatSource("floor.writ", text);
  if (writ === undefined)
    throw new Fault("internal/invariant", "a floor of an advisory is a source of the language");
  return { writ, silent: silentLines(floors) };
}

/** Bulletins of one edition. */
export interface ChosenBulletins {
  readonly bulletins: readonly Bulletin[];
  readonly edition: Pick<Advisory, "serial" | "issued">;
}

/** The bulletins of these numbers, or all of them. @throws {@link Fault} `advisory/unknown`. */
export function chooseBulletins(advisory: Advisory, ids: readonly string[]): ChosenBulletins {
  const chosen = advisory.bulletins.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const missing = ids.find((wanted) => !chosen.some(({ id }) => id === wanted));
  if (missing === undefined) return { bulletins: chosen, edition: advisory };
  throw new Fault(
    "advisory/unknown",
    `expected a bulletin of advisory ${advisory.serial}, received ${missing}`,
  );
}

/** Where the figures come from, in a sentence that a string of Writ can hold. */
export function describe({ bulletins, edition: { serial, issued } }: ChosenBulletins): string {
  return `${idsOf(bulletins.filter(({ floors }) => floors.length > 0))}, of advisory ${serial} of ${issued}`;
}

function idsOf(bulletins: readonly Bulletin[]): string {
  return bulletins.map(({ id }) => id).join(", ");
}

/** `2026.11.3` for the third edition, of November 2026. */
function versionOf({ serial, issued }: ChosenBulletins["edition"]): string {
  const [year = "", month = ""] = issued.split("-");
  return `${year}.${Number(month)}.${serial}`;
}

function remarksOf({ line, figures }: LineFloor): readonly string[] {
  return figures.map(
    ({ component, least, bulletin, sure, source }) =>
      `# ${line} ${component} ${least}: ${bulletin}, ${sure} (${asciiOf(source)})`,
  );
}

/** A comment of Writ may hold any letter; one that turns the direction of text is none that a reviewer should see. */
function asciiOf(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}

/** Every component is named: 0 says on purpose that no bulletin asks a level of it. */
function rowOf({ line, figures }: LineFloor): string {
  const levels = componentsOf(line).map(
    (component) => `${component} ${figures.find((one) => one.component === component)?.least ?? 0}`,
  );
  return `  ${line} { ${levels.join(", ")} }`;
}
