/** What is particular to policies of a platform? W0726, W0728, W0729 (WRIT section 7.1). */

import { atomsOf } from "../conditions.ts";
import { advice } from "../diagnostics/findings.ts";
import type { Atom, Condition } from "../program.ts";
import type { Region } from "../solver/space.ts";
import { type LintDesk, warn } from "./desk.ts";
import { flagRegion, lacks, type Paths, platformsOf, reaches, tell } from "./reach.ts";
import type { LintRules } from "./rules.ts";
import { atomOn, type PolicyStudy, type Study, valuesOf } from "./study.ts";

/** W0726, W0728, W0729, and W0701 where everybody carries what is denied. */
export function lintPlatforms(desk: LintDesk, study: Study, one: PolicyStudy): void {
  const rules = study.vocabulary.lints;
  if (rules === undefined) return;
  const paths: Paths = { desk, study, one, rules };
  for (const platform of platformsOf(one, rules)) {
    const on = { paths, platform };
    lintCover(on);
    lintPins(on);
    lintEmptyPins(on);
    lintWanted(on);
    lintCarried(on);
  }
}

interface OnPlatform {
  readonly paths: Paths;
  readonly platform: LintRules["platforms"][number];
}

/** W0726. */
function lintCover({ paths, platform }: OnPlatform): void {
  const { study } = paths;
  const missing = platform.covers.filter((fields) => {
    const unpinned = study.space.not(study.pinned(fields));
    return reaches(paths, unpinned, "W0726");
  });
  if (missing.length === 0) return;
  const wanted = missing.map((fields) => fields.map((name) => `\`${name}\``).join(" or ")).join(", and ");
  tell(paths, {
    code: "W0726",
    message: `the operating system is not covered by what is pinned on \`${platform.platform}\``,
    label: platform.coversWhy,
    helps: advice(`pin ${wanted} too`),
  });
}

/** W0729. */
function lintPins({ paths, platform }: OnPlatform): void {
  const { study, one } = paths;
  for (const { field, why } of platform.pins) {
    const unpinned = study.space.not(study.pinned([field]));
    if (!reaches(paths, unpinned, "W0729")) continue;
    tell(paths, {
      code: "W0729",
      message: `nothing pins \`${field}\` on \`${platform.platform}\``,
      label: why,
      helps: advice(`add \`require has ${field} and ${field} in <reference set>\``),
    });
  }
  const { requires, allows } = one.policy;
  const beside = requires.flatMap(({ when }) => (when === undefined ? [] : conjuncts(when)));
  for (const { field, needs, why } of platform.beside) {
    const isHelped = beside.some((atom) => atom.field.name === needs);
    const alone = [...requires, ...allows].flatMap(({ when }) =>
      when === undefined ? [] : aloneIn(when, { field, needs, isHelped }),
    );
    for (const atom of alone) {
      const message = `\`${field}\` is compared without \`${needs}\` beside it`;
      warn(paths.desk, atom.origin, { code: "W0729", message, label: why });
    }
  }
}

/** Atoms that a condition, when true, makes true. */
function conjuncts(condition: Condition): readonly Atom[] {
  if (condition.kind === "atom") return condition.isNegated ? [] : [condition];
  return condition.kind === "and" || condition.kind === "all" ? condition.members.flatMap(conjuncts) : [];
}

/** Atoms over `field` that no atom over `needs` stands beside, in the same conjunction or around it. */
function aloneIn(
  condition: Condition,
  look: { readonly field: string; readonly needs: string; readonly isHelped: boolean },
): readonly Atom[] {
  if (condition.kind === "atom") {
    return condition.field.name === look.field && condition.test.kind !== "has" && !look.isHelped
      ? [condition]
      : [];
  }
  const isHelped = look.isHelped || conjuncts(condition).some(({ field }) => field.name === look.needs);
  return condition.members.flatMap((member) => aloneIn(member, { ...look, isHelped }));
}

/** W0728 on a pin. */
function lintEmptyPins({ paths, platform }: OnPlatform): void {
  const { requires, allows } = paths.one.policy;
  const atoms = [...requires, ...allows].flatMap(({ when }) => (when === undefined ? [] : atomsOf(when)));
  for (const { field, why } of platform.empty) {
    for (const atom of atoms.filter((one) => one.field.name === field && one.test.kind !== "has")) {
      const message = `a pin of \`${field}\` means little on \`${platform.platform}\``;
      warn(paths.desk, atom.origin, { code: "W0728", message, label: why });
    }
  }
}

/** W0728 on an omission: only where the policy chooses among products, and this one is among them. */
function lintWanted({ paths, platform }: OnPlatform): void {
  const { study } = paths;
  const { space, vocabulary, fieldOf } = study;
  const field = vocabulary.productField === undefined ? undefined : fieldOf(vocabulary.productField);
  if (field === undefined) return;
  const isProduct = (name: string): Region =>
    space.truthOf(atomOn(field, { kind: "one-of", values: [name] })).yes;
  const isChosen = valuesOf(field).some((name) => lacks(paths, isProduct(name), "W0728"));
  for (const { product, flag, why } of platform.wanted) {
    const without = space.without(isProduct(product), flagRegion(study, flag));
    if (!isChosen || !reaches(paths, without, "W0728")) continue;
    tell(paths, {
      code: "W0728",
      message: `\`${flag}\` is not asked of \`${product}\``,
      label: why,
      helps: advice(`add \`require ${flag} or ${field.name} != ${product}\``),
    });
  }
}

/** W0701 on a platform where every request carries what is refused. */
function lintCarried({ paths, platform }: OnPlatform): void {
  const { study, one } = paths;
  for (const flag of platform.carries) {
    const carried = flagRegion(study, flag);
    const question = { subject: one.policy, code: "W0701" };
    if (!lacks(paths, carried, "W0701")) continue;
    if (!study.isInhabited(study.space.and(one.scope, carried), question)) continue;
    tell(paths, {
      code: "W0701",
      message: `every allow here is shadowed on \`${platform.platform}\``,
      label: `its requests all carry \`${flag}\`, which is refused`,
      helps: advice(`leave \`${flag}\` out of what is refused for these resources`),
    });
  }
}
