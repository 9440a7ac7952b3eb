/** How do values become a module in Writ? With where they come from beside each, for a second person to read. */
import { formatInstant, type Instant } from "../base/time.ts";
import { formatSource } from "../writ/formatting/format.ts";
import { type Carried, type CarriedEntry, type CarriedFloor, type CarriedSet, plainLine } from "./carried.ts";

/** How the module and its sets are called, and who answers for them. */
export interface ModuleWords {
  readonly module: string;
  readonly version: string;
  readonly set: string;
  readonly owner: string;
}

/** Where the values come from and how long they hold. */
export interface Origin {
  /** One line, beside each entry. */
  readonly source: string;
  /** Lines at the top, for whoever reads the module. */
  readonly about: readonly string[];
  readonly from: Instant;
  readonly to: Instant;
}

/** Fields that a report may lack: a condition on one of them asks for it first. */
const OPTIONAL = new Set(["id_block.id_key", "id_block.author_key"]);
const SETS_ALONE = 1;

/** The text, formatted. Sets first, then floors, then what a policy `use`s to ask for all of it. */
export function referenceModule(carried: Carried, words: ModuleWords, origin: Origin): string {
  const { sets, floors, notes } = carried;
  const said = [...origin.about, ...notes.map((text) => `not carried over: ${text}`)];
  const lines = [
    "writ 1",
    ...(said.length === 0 ? [] : ["", ...said.map((line) => `# ${plainLine(line)}`)]),
    `module ${words.module} version ${words.version} { owner ${quoted(words.owner)} }`,
    ...sets.flatMap((set) => ["", ...setLines(set, words, origin)]),
    ...floors.flatMap((floor) => ["", ...floorLines(floor, words)]),
    ...templateLines(carried, words),
  ];
  const text = lines.join("\n");
  return formatSource("reference", text).text ?? text;
}

function setLines(
  { field, suffix, entries }: CarriedSet,
  words: ModuleWords,
  origin: Origin,
): readonly string[] {
  return [
    `refset ${words.set}${suffix} of ${field} {`,
    `owner ${quoted(words.owner)}`,
    ...entries.flatMap((entry) => entryLines(entry, origin)),
    "}",
  ];
}

function entryLines(
  { label, value, version, vcpus, tag }: CarriedEntry,
  { source, from, to }: Origin,
): readonly string[] {
  return [
    `${quoted(label)} = hex"${value}"`,
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(vcpus === undefined ? [] : [`vcpus ${vcpus}`]),
    `valid ${momentText(from)} .. ${momentText(to)}`,
    "state active",
    `source ${quoted(tag === undefined ? source : `${source}, tag ${tag}`)}`,
  ];
}

function floorLines(floor: CarriedFloor, words: ModuleWords): readonly string[] {
  return [
    `floor ${floorName(floor, words)} {`,
    `owner ${quoted(words.owner)}`,
    ...[...floor.rows].map(([product, { fmc, bootloader, tee, snp, microcode }]) => {
      const first = fmc === undefined ? "" : `fmc ${fmc}, `;
      return `${product} { ${first}bootloader ${bootloader}, tee ${tee}, snp ${snp}, microcode ${microcode} }`;
    }),
    "}",
  ];
}

/** Where a set is not all that was asked for there, a template asks for everything. */
function templateLines({ sets, floors, conditions }: Carried, words: ModuleWords): readonly string[] {
  if (sets.length + floors.length + conditions.length <= SETS_ALONE) return [];
  return [
    "",
    `template ${words.set}_required() {`,
    ...sets.map(({ field, suffix }) => {
      const asked = OPTIONAL.has(field) ? `has ${field} and ` : "";
      return `require ${asked}${field} in ${words.set}${suffix}`;
    }),
    ...floors.map((floor) => `require tcb.${floor.tcb} at least ${floorName(floor, words)}`),
    ...conditions.map((condition) => `require ${condition}`),
    "}",
  ];
}

function floorName({ tcb }: CarriedFloor, { set }: ModuleWords): string {
  return `${set}_tcb_${tcb}`;
}

/** A date alone where it is midnight. */
function momentText(at: Instant): string {
  return formatInstant(at).replace("T00:00:00Z", "");
}

function quoted(text: string): string {
  return `"${plainLine(text).replaceAll(/["\\]/g, "\\$&")}"`;
}
