/** Are the reference values sound, and what are they? Refsets and floors: lengths, duplicates, products, revocations. */

import { advice, fix } from "../diagnostics/findings.ts";
import type { Entry, FieldRef, Floor, FloorRow, Refset, Window } from "../program.ts";
import type { EntryItem, FloorItem, RefsetItem, RowItem } from "../syntax/ast.ts";
import type { Product } from "../vocabulary.ts";
import { bytesOf, levelsOf } from "./constants.ts";
import { type Desk, fieldOf, meantName, originOf, tell, whereOf } from "./desk.ts";
import { warnOfSharedLevels, warnOfShortRow } from "./warnings.ts";

/** Reports what is wrong with a set and gives its entries. */
export function refsetOf(desk: Desk, item: RefsetItem): Refset | undefined {
  const field = fieldOf(desk, item.field)?.ref;
  if (field === undefined) return undefined;
  if (field.type.kind !== "bytes") {
    const message = `a reference set holds bytes, and \`${field.name}\` has none`;
    tell(desk, { code: "E0312", span: item.field.span, message, label: "not a field of bytes" });
    return undefined;
  }
  const entries: Entry[] = [];
  const seen = { labels: new Set<string>(), values: new Map<string, string>() };
  for (const one of item.entries) {
    const entry = entryOf(desk, field, one);
    if (entry !== undefined && isNew(desk, one, { entry, seen })) entries.push(entry);
  }
  const owner = item.meta.find(({ key }) => key.text === "owner")?.value.value;
  const origin = originOf(desk, item.headSpan);
  const set = { name: item.name.text, module: desk.file.module, field: field.name, entries, origin };
  return owner === undefined ? set : { ...set, owner };
}

function entryOf(desk: Desk, field: FieldRef, item: EntryItem): Entry | undefined {
  const value = bytesOf(desk, field, item.value);
  if (value === undefined) return undefined;
  return {
    label: item.label.value,
    value,
    state: item.state ?? "active",
    at: whereOf(desk, item.span.start),
    origin: originOf(desk, item.span),
    ...(item.version === undefined ? {} : { version: item.version }),
    ...(item.vcpus === undefined ? {} : { vcpus: item.vcpus }),
    ...(item.valid === undefined ? {} : { valid: windowOf(item.valid) }),
    ...(item.source === undefined ? {} : { source: item.source }),
  };
}

function windowOf({ from, to }: Window): Window {
  return to === undefined ? { from } : { from, to };
}

function isNew(
  desk: Desk,
  item: EntryItem,
  {
    entry,
    seen,
  }: {
    readonly entry: Entry;
    readonly seen: { readonly labels: Set<string>; readonly values: Map<string, string> };
  },
): boolean {
  const { labels, values } = seen;
  const isLabelKnown = labels.has(entry.label);
  const same = values.get(entry.value);
  labels.add(entry.label);
  values.set(entry.value, entry.label);
  if (isLabelKnown) {
    const message = `two entries are called "${entry.label}"`;
    tell(desk, { code: "E0331", span: item.label.span, message, label: "labels are unique in a set" });
  } else if (same !== undefined) {
    const message = `these bytes are in this set already, as "${same}"`;
    tell(desk, { code: "E0331", span: item.value.span, message, label: "bytes are unique in a set" });
  }
  return !isLabelKnown && same === undefined;
}

/** Reports what is wrong with a floor. */
export function floorOf(desk: Desk, item: FloorItem): Floor {
  const rows = new Map<string, FloorRow>();
  for (const row of item.rows) {
    const least = row.least === undefined ? undefined : levelsOf(desk, row.least);
    reportRow(desk, row, least);
    if (rows.has(row.name.text)) {
      const message = `floor \`${item.name.text}\` has two rows for \`${row.name.text}\``;
      tell(desk, { code: "E0331", span: row.name.span, message, label: "given before" });
    }
    rows.set(row.name.text, { name: row.name.text, least, origin: originOf(desk, row.span) });
  }
  warnOfSharedLevels(desk, item);
  const origin = originOf(desk, item.headSpan);
  return { name: item.name.text, module: desk.file.module, rows: [...rows.values()], origin };
}

function reportRow(desk: Desk, row: RowItem, least: FloorRow["least"]): void {
  const { products } = desk.table.vocabulary;
  const product = products.find((one) => one.name === row.name.text || one.silicon.includes(row.name.text));
  if (product === undefined) reportUnknownRow(desk, row, products);
  else if (least !== undefined) reportLevels(desk, row, { product, least });
}

function reportUnknownRow(desk: Desk, { name }: RowItem, products: readonly Product[]): void {
  const names = [...new Set(products.flatMap((product) => [product.name, ...product.silicon]))];
  const meant = meantName(desk, name.text, names);
  tell(desk, {
    code: "E0304",
    span: name.span,
    message: `\`${name.text}\` is neither a product nor a silicon line`,
    label: `expected one of: ${names.join(", ")}`,
    helps: meant === undefined ? [] : fix(`did you mean \`${meant}\`?`, name.span, meant),
  });
}

function reportLevels(
  desk: Desk,
  row: RowItem,
  { product, least }: { readonly product: Product; readonly least: NonNullable<FloorRow["least"]> },
): void {
  const foreign = row.least?.items.find(({ component }) => !product.components.includes(component.text));
  if (foreign !== undefined) {
    const name = foreign.component.text;
    const message = `\`${row.name.text}\` has no component \`${name}\``;
    const helps = advice(`its components are ${product.components.join(", ")}`);
    tell(desk, { code: "E0313", span: foreign.component.span, message, label: "not on this product", helps });
  }
  warnOfShortRow(desk, row, { product, least });
  if (Object.values(least).some((level) => level > 0)) return;
  const message = `the row of \`${row.name.text}\` is all zero and lets every firmware pass`;
  const helps = advice(`name the levels, or \`${row.name.text} refuse\``);
  tell(desk, { code: "E0715", span: row.span, message, label: "no level at all", helps });
}

/** A set with the place that it is declared at. */
export interface PlacedSet {
  readonly desk: Desk;
  readonly item: RefsetItem;
  readonly set: Refset;
}

/** E0330: the same bytes of the same field revoked in one set and live in another. */
export function reportHalfRevoked(sets: readonly PlacedSet[]): void {
  const live = new Map<string, string>();
  for (const { set } of sets) {
    for (const { state, value, label, at } of set.entries) {
      if (state !== "revoked") live.set(`${set.field} ${value}`, `"${label}" of \`${set.name}\` (${at})`);
    }
  }
  for (const placed of sets) reportLiveTwins(placed, live);
}

function reportLiveTwins({ desk, item, set }: PlacedSet, live: ReadonlyMap<string, string>): void {
  const spans = new Map(item.entries.map(({ label }) => [label.value, label.span]));
  for (const { state, label, value } of set.entries) {
    const other = state === "revoked" ? live.get(`${set.field} ${value}`) : undefined;
    const span = spans.get(label);
    if (other === undefined || span === undefined) continue;
    const message = `"${label}" is revoked here, and the same bytes are live in another set`;
    const notes = [`they are ${other}; a revoked value denies for ever, so one of the two is wrong`];
    tell(desk, { code: "E0330", span, message, label: "revoked here", notes });
  }
}
