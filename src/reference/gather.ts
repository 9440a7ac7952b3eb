/** How do values out of many triples become sets, floors and conditions? Gathered one by one, then seen together. */
import type { ProductLine } from "../attestation/snp/product.ts";
import { formatTcb, isSameTcb, type TcbVersion } from "../attestation/snp/tcb.ts";
import { type Carried, type CarriedEntry, plainLine } from "./carried.ts";
import type { SnpElement, TcbName } from "./snp-profile.ts";

/** What was found so far. It is filled by the functions of this file alone. */
export interface Gathered {
  readonly sets: Map<string, { readonly suffix: string; readonly entries: Map<string, CarriedEntry> }>;
  readonly floors: Map<TcbName, Map<ProductLine, TcbVersion>>;
  /** Condition → the triples that it stands in. */
  readonly conditions: Map<string, Set<number>>;
  readonly notes: Set<string>;
  /** Labels that are given, each with the number that the next of its name may have. */
  readonly labels: Map<string, number>;
  triples: number;
}

type SetElement = Extract<SnpElement, { readonly kind: "set" }>;

const MAX_NOTES = 100;
const COMPONENTS = ["bootloader", "tee", "snp", "microcode"] as const;

export function newGathered(): Gathered {
  return {
    sets: new Map(),
    floors: new Map(),
    conditions: new Map(),
    notes: new Set(),
    labels: new Map(),
    triples: 0,
  };
}

export function note(gathered: Gathered, text: string): void {
  gathered.notes.add(plainLine(text));
}

/** A value of a set. The same bytes stand once, under the first label. */
export function addEntry(gathered: Gathered, element: SetElement, entry: CarriedEntry): void {
  const { field, suffix } = element;
  const set = gathered.sets.get(field) ?? { suffix, entries: new Map<string, CarriedEntry>() };
  gathered.sets.set(field, set);
  const known = set.entries.get(entry.value);
  if (known === undefined) {
    set.entries.set(entry.value, { ...entry, label: freshLabel(gathered, field, entry.label) });
  } else if (known.label !== entry.label) {
    note(gathered, `the label "${entry.label}": its bytes stand as "${known.label}"`);
  }
}

/** A least level. Of two for one product the higher one counts, component by component. */
export function addFloor(
  gathered: Gathered,
  at: { readonly tcb: TcbName; readonly product: ProductLine },
  least: TcbVersion,
): void {
  const rows = gathered.floors.get(at.tcb) ?? new Map<ProductLine, TcbVersion>();
  gathered.floors.set(at.tcb, rows);
  const known = rows.get(at.product);
  rows.set(at.product, known === undefined ? least : higher(known, least));
  if (known !== undefined && !isSameTcb(known, least))
    note(
      gathered,
      `several least levels of tcb.${at.tcb} on ${at.product}: the floor holds the highest, received { ${formatTcb(least)} }`,
    );
}

export function addCondition(gathered: Gathered, condition: string): void {
  const triples = gathered.conditions.get(condition) ?? new Set<number>();
  gathered.conditions.set(condition, triples.add(gathered.triples));
}

/** Everything together: a condition that not all triples have binds none, since it would bind all. */
export function carriedOf(gathered: Gathered): Carried {
  const { sets, floors, conditions, triples } = gathered;
  const shared = [...conditions]
    .filter(([, those]) => those.size === triples)
    .map(([condition]) => condition);
  for (const [condition, { size }] of conditions) {
    if (size !== triples)
      note(gathered, `\`${condition}\`: ${size} of ${triples} groups of values ask for it`);
  }
  if (sets.size > 1 && triples > 1)
    note(gathered, "which values of several sets belong together: each set stands for itself");
  return {
    sets: [...sets].map(([field, { suffix, entries }]) => ({
      field,
      suffix,
      entries: [...entries.values()],
    })),
    floors: [...floors].map(([tcb, rows]) => ({ tcb, rows })),
    conditions: shared,
    notes: fewNotes([...gathered.notes]),
  };
}

/** INVARIANT: the numbers go on where they were for the same label, so that ten thousand of one label take no square of that. */
function freshLabel({ labels }: Gathered, field: string, label: string): string {
  const first = `${field}\n${label}`;
  for (let number = labels.get(first) ?? 1; ; number += 1) {
    const fresh = number === 1 ? label : `${label} (${number})`;
    const key = `${field}\n${fresh}`;
    if (labels.has(key)) continue;
    labels.set(key, 1);
    labels.set(first, number + 1);
    return fresh;
  }
}

function higher(a: TcbVersion, b: TcbVersion): TcbVersion {
  const [bootloader, tee, snp, microcode] = COMPONENTS.map((name) => Math.max(a[name], b[name]));
  const fmc = Math.max(a.fmc ?? 0, b.fmc ?? 0);
  return {
    ...(a.fmc === undefined && b.fmc === undefined ? {} : { fmc }),
    bootloader: bootloader ?? 0,
    tee: tee ?? 0,
    snp: snp ?? 0,
    microcode: microcode ?? 0,
  };
}

function fewNotes(notes: readonly string[]): readonly string[] {
  if (notes.length <= MAX_NOTES) return notes;
  return [...notes.slice(0, MAX_NOTES), `and ${notes.length - MAX_NOTES} more`];
}
