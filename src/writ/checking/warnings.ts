/** What is legal and yet looks like a slip, as far as names and types show it? Warnings of the checker (WRIT section 12). */

import type { Span } from "../diagnostics/diagnostic.ts";
import { advice } from "../diagnostics/findings.ts";
import type { TcbFact } from "../facts.ts";
import type { Entry } from "../program.ts";
import type { Expression, FieldName, FloorItem, RowItem } from "../syntax/ast.ts";
import type { Product } from "../vocabulary.ts";
import { type Desk, tell } from "./desk.ts";
import type { KnownField } from "./fields.ts";

/** W0706: `has` on a field that is never absent. `around` is the expression that it is a part of. */
export function warnOfHas(
  desk: Desk,
  { field, span }: { readonly field: FieldName; readonly span: Span },
  { known, around }: { readonly known: KnownField; readonly around: Expression | undefined },
): void {
  if (known.absence !== undefined) return;
  const cut = cutOf(desk, span, around);
  tell(desk, {
    code: "W0706",
    severity: "warning",
    span,
    message: `\`${field.text}\` is never absent`,
    label: "always true",
    helps: [{ text: "leave it out", fixes: cut === undefined ? [] : [[{ span: cut, text: "" }]] }],
  });
}

/** What to take away with a conjunct so that the rest still reads; nothing where a comment would go with it. */
function cutOf({ file }: Desk, span: Span, around: Expression | undefined): Span | undefined {
  if (around?.kind !== "and" && around?.kind !== "all") return undefined;
  const at = around.members.findIndex((member) => member.span.start === span.start);
  const [before, after] = [around.members[at - 1], around.members[at + 1]];
  const cut =
    before === undefined
      ? { start: span.start, end: after?.span.start ?? span.start }
      : { start: before.span.end, end: span.end };
  const isWhole = cut.end > cut.start && !file.text.slice(cut.start, cut.end).includes("#");
  return isWhole ? cut : undefined;
}

/** W0725 on a literal outside a floor: a component that every product has is not compared. */
export function warnOfLeftOut(desk: Desk, span: Span, named: TcbFact): void {
  const { components } = desk.table.vocabulary;
  const missing = components.filter(({ name, absence }) => absence === undefined && !(name in named));
  tellLeftOut(
    desk,
    span,
    missing.map(({ name }) => name),
  );
}

/** W0725 on a floor's row: a component that its product has is not compared. */
export function warnOfShortRow(
  desk: Desk,
  { span }: RowItem,
  row: { readonly product: Product; readonly least: TcbFact },
): void {
  tellLeftOut(
    desk,
    span,
    row.product.components.filter((name) => !(name in row.least)),
  );
}

function tellLeftOut(desk: Desk, span: Span, missing: readonly string[]): void {
  if (missing.length === 0) return;
  const names = missing.map((name) => `\`${name}\``).join(", ");
  tell(desk, {
    code: "W0725",
    severity: "warning",
    span,
    message: `this leaves out ${names}`,
    label: "what is not named is not compared: any level passes",
    helps: advice(
      `name every component; \`${missing.map((name) => `${name} 0`).join(", ")}\` says on purpose that any level passes`,
    ),
  });
}

/** W0732: a level that means another thing on each silicon line, given once for the whole product. */
export function warnOfSharedLevels(desk: Desk, item: FloorItem): void {
  const { products, components } = desk.table.vocabulary;
  const named = new Set(item.rows.map(({ name }) => name.text));
  for (const row of item.rows) {
    const product = products.find(({ name }) => name === row.name.text);
    const others = product?.silicon.filter((name) => !named.has(name)) ?? [];
    const level = row.least?.items.find(({ component, level: least }) =>
      components.some(
        ({ name, isPerSilicon }) => name === component.text && isPerSilicon === true && least > 0,
      ),
    );
    if (level === undefined || others.length === 0) continue;
    tell(desk, {
      code: "W0732",
      severity: "warning",
      span: row.span,
      message: `the row \`${row.name.text}\` also counts for ${others.map((name) => `\`${name}\``).join(" and ")}`,
      label: `levels of \`${level.component.text}\` compare only within one silicon line`,
      helps: advice(
        `add ${others.map((name) => `a row \`${name}\``).join(" and ")}, or leave \`${level.component.text}\` out of this one`,
      ),
    });
  }
}

/** W0727: entries that `where version` can never choose, because they say no version. */
export function warnOfUnversioned(desk: Desk, span: Span, entries: readonly Entry[]): void {
  const skipped = entries.filter(({ state, version }) => state !== "revoked" && version === undefined);
  const [first] = skipped;
  if (first === undefined) return;
  const more = skipped.length === 1 ? "" : ` and ${skipped.length - 1} more`;
  tell(desk, {
    code: "W0727",
    severity: "warning",
    span,
    message: `\`where version\` skips "${first.label}"${more}`,
    label: "an entry without a version never matches",
    notes: [`"${first.label}" stands in ${first.at}`],
    helps: advice("give the entry its `version`"),
  });
}
