/** Is firmware below what a bulletin asks for, and does one edition of the advisory ask for less than the one before? */
import type { TcbFact } from "../writ/facts.ts";
import { type Advisory, type Bulletin, type Figure, figureKey, GRADES } from "./advisory.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

/** Which TCB of a report a level was read from. */
const JUDGED_TCBS = ["reported", "committed", "launch"] as const;
export type JudgedTcb = (typeof JUDGED_TCBS)[number];

/** What is known of a guest's firmware. A report of version 2 does not say its silicon. */
export interface Firmware {
  readonly product?: string | undefined;
  readonly silicon?: string | undefined;
  readonly tcbs: Readonly<Partial<Record<JudgedTcb, TcbFact>>>;
}

/** One level that is below a figure. */
export interface Shortfall {
  readonly figure: Figure;
  readonly tcb: JudgedTcb;
  readonly level: number;
}

export interface Verdict {
  readonly shortfalls: readonly Shortfall[];
  /** Whether each figure for it could be looked at; where not, nothing says that it is good. */
  readonly isWhole: boolean;
}

/**
 * Compares component by component, in each TCB that the report tells. Levels of microcode count within one silicon line: where nobody
 * knows that, the other components are judged by the figures of the line that the product is named after.
 *
 * @returns `undefined` where the bulletin says nothing about this processor, or nobody knows which it is.
 */
export function judgeFirmware(bulletin: Bulletin, { product, silicon, tcbs }: Firmware): Verdict | undefined {
  const line = silicon ?? product;
  const figures = bulletin.floors.filter((figure) => figure.line === line);
  if (figures.length === 0) return undefined;
  const judged = silicon === undefined ? figures.filter((figure) => !isPerSilicon(figure)) : figures;
  const shortfalls = JUDGED_TCBS.flatMap((tcb) => shortfallsIn(tcbs[tcb], judged, tcb));
  return { shortfalls, isWhole: judged.length === figures.length && tcbs.reported !== undefined };
}

function shortfallsIn(
  levels: TcbFact | undefined,
  figures: readonly Figure[],
  tcb: JudgedTcb,
): readonly Shortfall[] {
  if (levels === undefined) return [];
  return figures.flatMap((figure) => {
    const level = levels[figure.component] ?? 0;
    return level < figure.least ? [{ figure, tcb, level }] : [];
  });
}

function isPerSilicon({ component }: Figure): boolean {
  return SNP_VOCABULARY.components.some((one) => one.name === component && one.isPerSilicon === true);
}

/** Figures that the edition before has, and the next one lowers or leaves out without saying so. */
export function loweredFigures(before: Advisory, next: Advisory): readonly string[] {
  const withdrawn = new Set(next.withdrawn.map((one) => figureKey(one.bulletin, one)));
  const levels = levelsOf(next);
  return [...levelsOf(before)].flatMap(([key, least]) =>
    (levels.get(key) ?? 0) < least && !withdrawn.has(key) ? [key] : [],
  );
}

function levelsOf({ bulletins }: Advisory): ReadonlyMap<string, number> {
  return new Map(bulletins.flatMap(({ id, floors }) => floors.map((one) => [figureKey(id, one), one.least])));
}

/** What several bulletins together ask of one silicon line: of each component the highest level, and the bulletin that asks it. */
export interface LineFloor {
  readonly line: string;
  readonly figures: readonly (Figure & { readonly bulletin: string })[];
}

/** In the order of the vocabulary, and only lines that have a figure. */
export function lineFloors(bulletins: readonly Bulletin[]): readonly LineFloor[] {
  const all = bulletins.flatMap(({ id, floors }) => floors.map((figure) => ({ ...figure, bulletin: id })));
  return SNP_VOCABULARY.products.flatMap(({ silicon, components }) =>
    silicon.flatMap((line) => {
      const own = all.filter((figure) => figure.line === line);
      const figures = components.flatMap((component) =>
        highest(own.filter((one) => one.component === component)),
      );
      return figures.length === 0 ? [] : [{ line, figures }];
    }),
  );
}

/** Of equal ones the surest. */
function highest(figures: readonly (Figure & { readonly bulletin: string })[]) {
  const sorted = figures.toSorted(
    (a, b) => b.least - a.least || GRADES.indexOf(a.sure) - GRADES.indexOf(b.sure),
  );
  return sorted.slice(0, 1);
}

/** Silicon lines of these products about which nothing is said: a row for the product would speak for them. */
export function silentLines(floors: readonly LineFloor[]): readonly string[] {
  const named = new Set(floors.map(({ line }) => line));
  return SNP_VOCABULARY.products
    .filter(({ silicon }) => silicon.some((line) => named.has(line)))
    .flatMap(({ silicon }) => silicon.filter((line) => !named.has(line)));
}
