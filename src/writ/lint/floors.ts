/** Does a floor have a row for every product that may ask? W0713 (WRIT section 12). */

import { atomsOf } from "../conditions.ts";
import { advice } from "../diagnostics/findings.ts";
import type { Clause, Declaration, Floor } from "../program.ts";
import type { Product } from "../vocabulary.ts";
import { type LintDesk, warn } from "./desk.ts";
import { titled } from "./never.ts";
import { atomOn, type Study, yesOf } from "./study.ts";

/** W0713 of each floor, for the products that no other line of a policy or guard that uses it excludes. */
export function lintFloors(desk: LintDesk, study: Study): void {
  const { program, vocabulary } = study;
  for (const floor of program.floors) {
    const missing = vocabulary.products.filter((product) => !hasRow(floor, product));
    if (missing.length === 0) continue;
    const uses = usesOf(study, floor);
    const open = missing.filter((product) => uses.some(({ of }) => lets(study, { of, product })));
    if (open.length > 0) tell(desk, floor, { open, uses, asked: vocabulary.productField ?? "" });
  }
}

/** Whether the product has a row itself, or every line of its silicon does. */
function hasRow({ rows }: Floor, { name, silicon }: Product): boolean {
  const named = new Set(rows.map((row) => row.name));
  return named.has(name) || (silicon.length > 0 && silicon.every((line) => named.has(line)));
}

interface Use {
  readonly of: Declaration;
  readonly clause: Clause;
}

function usesOf({ program }: Study, floor: Floor): readonly Use[] {
  return program.declarations.flatMap((of) =>
    [...of.requires, ...of.allows].filter((clause) => isUse(clause, floor)).map((clause) => ({ of, clause })),
  );
}

function isUse({ when }: Clause, { rows }: Floor): boolean {
  return when !== undefined && atomsOf(when).some(({ test }) => test.kind === "floor" && test.rows === rows);
}

/** Whether a product can come as far as the floors of a declaration. */
function lets(
  study: Study,
  { of, product }: { readonly of: Declaration; readonly product: Product },
): boolean {
  const { space, vocabulary, fieldOf } = study;
  const field = vocabulary.productField === undefined ? undefined : fieldOf(vocabulary.productField);
  if (field === undefined) return false;
  const others = of.requires.filter(
    ({ when }) => when === undefined || atomsOf(when).every(({ test }) => test.kind !== "floor"),
  );
  const isProduct = space.truthOf(atomOn(field, { kind: "one-of", values: [product.name] })).yes;
  const region = space.and(space.scopeOf(of), isProduct, ...others.map((clause) => yesOf(study, clause)));
  return study.isInhabited(region, { subject: of, code: "W0713" });
}

interface Gap {
  readonly open: readonly Product[];
  readonly uses: readonly Use[];
  readonly asked: string;
}

function tell(desk: LintDesk, { name, origin }: Floor, { open, uses, asked }: Gap): void {
  const names = open.map((product) => `\`${product.name}\``).join(" and ");
  const guests = open.map((product) => titled(product.name)).join(" and ");
  const rows = open.map(
    (product) => `\`${product.name} { ${product.components.map((one) => `${one} …`).join(", ")} }\``,
  );
  const refusals = open.map((product) => `\`${product.name} refuse\``).join(" and ");
  warn(desk, origin, {
    code: "W0713",
    message: `floor \`${name}\` has no row for ${names}`,
    label: `${guests} guests will always be refused`,
    notes: [
      `\`${asked}\` is not restricted by any policy that uses this floor (${placesOf(origin.file, uses)})`,
    ],
    helps: advice(`add ${rows.join(" and ")}, or ${refusals} to say so on purpose`),
  });
}

/** How many uses, and where the first ones stand. */
function placesOf(file: string, uses: readonly Use[]): string {
  const places = uses
    .slice(0, MAX_PLACES)
    .map(({ clause: { origin, text } }) =>
      origin.file === file ? `line ${text.at.replace(/^.*:/, "")}` : text.at,
    );
  const more = uses.length > MAX_PLACES ? ", …" : "";
  return `${uses.length} use${uses.length === 1 ? "" : "s"}, ${places.join(", ")}${more}`;
}

const MAX_PLACES = 3;
