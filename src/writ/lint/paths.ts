/** What does some path to an allow let through that no path should? Identity, danger, firmware, binding, age (WRIT section 12). */

import { atomsOf } from "../conditions.ts";
import { advice } from "../diagnostics/findings.ts";
import type { Atom, Condition } from "../program.ts";
import type { Region } from "../solver/space.ts";
import { type LintDesk, warn } from "./desk.ts";
import { flagRegion, nameOf, type Paths, platformsOf, reaches, tell } from "./reach.ts";
import type { FieldReason } from "./rules.ts";
import { atomOn, NO_BOUND, type PolicyStudy, type Study, someLevel, valuesOf } from "./study.ts";

/** W0710, W0711, W0712, W0714, W0716, W0718, W0719 and W0733 of one policy that can release something. */
export function lintPaths(desk: LintDesk, study: Study, one: PolicyStudy): void {
  const rules = study.vocabulary.lints;
  if (rules === undefined) return;
  const paths: Paths = { desk, study, one, rules };
  lintIdentity(paths);
  lintOwnWord(paths);
  lintDangers(paths);
  lintLevels(paths);
  lintProvisional(paths);
  lintBinding(paths);
  lintAge(paths);
}

/** W0710. */
function lintIdentity(paths: Paths): void {
  const { study, rules } = paths;
  const pinned = study.pinned(rules.identity.fields);
  if (!reaches(paths, study.space.not(pinned), "W0710")) return;
  const [first = ""] = rules.identity.fields;
  tell(paths, {
    code: "W0710",
    message: rules.identity.message,
    label: rules.identity.label,
    notes: [`counterexample: ${first} (any), everything else as required, is allowed`],
    helps: advice(`add \`require ${first} in <reference set>\``),
  });
}

/** W0733: where the path rests on it, whether the policy says so or a guard over it. */
function lintOwnWord(paths: Paths): void {
  const { study, one, rules } = paths;
  const { prefix, message, label } = rules.ownWord;
  const atom = atomsOver(paths).find(({ field }) => field.key.startsWith(prefix));
  const pinned = study.pinned(rules.identity.fields);
  if (atom === undefined || !reaches(paths, study.space.not(pinned), "W0733")) return;
  const [first = ""] = rules.identity.fields;
  warn(paths.desk, atom.origin.file === one.policy.origin.file ? atom.origin : nameOf(paths), {
    code: "W0733",
    message,
    label,
    helps: advice(`add \`require ${first} in <reference set>\``),
  });
}

/** What the policy asks, and what is asked over it. */
function atomsOver({ study, one }: Paths): readonly Atom[] {
  return [one.policy, ...study.stoppersOver(one.policy.patterns)].flatMap(({ requires, allows, denies }) =>
    [...requires, ...allows, ...denies].flatMap(({ when }) => (when === undefined ? [] : atomsOf(when))),
  );
}

/** W0711. */
function lintDangers(paths: Paths): void {
  const { study, rules, one } = paths;
  const carried = platformsOf(one, rules).flatMap(({ carries }) => carries);
  const open = rules.dangers.filter(
    ({ field }) => !carried.includes(field) && reaches(paths, flagRegion(study, field), "W0711"),
  );
  if (open.length === 0) return;
  const names = open.map(({ field }) => `\`${field}\``).join(" and ");
  tell(paths, {
    code: "W0711",
    message: `a path to an allow lets ${names} through`,
    label: open.map(({ why }) => why).join("; "),
    helps: advice(`add \`require none { ${open.map(({ field }) => field).join(", ")} }\``),
  });
}

/** W0712 and W0714. */
function lintLevels(paths: Paths): void {
  const { study, rules } = paths;
  const { space } = study;
  const free = ({ field }: FieldReason): Region => space.not(space.truthOf(someLevel(study, field)).yes);
  const { trusted, others } = rules.levels;
  if (study.fieldOf(trusted.field) === undefined || !reaches(paths, free(trusted), "W0712")) return;
  const all = space.and(free(trusted), ...others.map(free));
  if (reaches(paths, all, "W0714")) {
    tell(paths, {
      code: "W0714",
      message: `a path to an allow has no ${study.vocabulary.vector} floor`,
      label: "any firmware passes, however old",
      helps: advice(`add \`require ${trusted.field} at least <floor>\``),
    });
  } else tellWrongLevel(paths);
}

function tellWrongLevel(paths: Paths): void {
  const { study, one, rules } = paths;
  const { trusted, others } = rules.levels;
  const clauses = [one.policy, ...study.stoppersOver(one.policy.patterns)].flatMap(({ requires, allows }) => [
    ...requires,
    ...allows,
  ]);
  const atoms = clauses.flatMap(({ when }) => (when === undefined ? [] : atomsOf(when)));
  for (const { field, why } of others) {
    const atom = atoms.find(({ field: { key }, test }) => key === field && test.kind !== "has");
    if (atom === undefined) continue;
    const place = atom.origin.file === one.policy.origin.file ? atom.origin : nameOf(paths);
    const better = `${trusted.field}${atom.field.name.slice(field.length)} ${atom.text.wanted}`;
    warn(paths.desk, place, {
      code: "W0712",
      message: `only \`${field}\` has a floor`,
      label: why,
      notes: [trusted.why],
      helps: advice(`also require \`${better}\``),
    });
    return;
  }
}

/** W0716. */
function lintProvisional(paths: Paths): void {
  const { study, rules } = paths;
  const { field, why } = rules.provisional;
  if (!reaches(paths, flagRegion(study, field), "W0716")) return;
  tell(paths, {
    code: "W0716",
    message: `a path to an allow lets \`${field}\` through`,
    label: why,
    helps: advice(`add \`require not ${field}\`, best in a guard`),
  });
}

/** W0718: of one allow, every value of the binding is possible. */
function lintBinding(paths: Paths): void {
  const { study, one, rules } = paths;
  const { space } = study;
  const field = study.fieldOf(rules.binding.field);
  const values = valuesOf(field);
  if (field === undefined || values.length === 0) return;
  const channels = values.map(
    (value) => space.truthOf(atomOn(field, { kind: "one-of", values: [value] })).yes,
  );
  const isOpen = (when: Condition | undefined): boolean => {
    const path = when === undefined ? space.everything : space.truthOf(when).yes;
    return channels.every((channel) => reaches(paths, space.and(path, channel), "W0718"));
  };
  if (!one.policy.allows.some(({ when }) => isOpen(when))) return;
  tell(paths, {
    code: "W0718",
    message: `no path to an allow bounds \`${field.name}\``,
    label: rules.binding.why,
    helps: advice(`add \`require ${field.name} in [${values.slice(0, -1).join(", ")}]\`, or fewer`),
  });
}

/** W0719. */
function lintAge(paths: Paths): void {
  const { study, rules } = paths;
  const field = study.fieldOf(rules.age.field);
  if (field === undefined) return;
  const old = study.space.truthOf(atomOn(field, { kind: "interval", intervals: [{ least: NO_BOUND }] })).yes;
  if (!reaches(paths, old, "W0719")) return;
  tell(paths, {
    code: "W0719",
    message: `nothing bounds \`${field.name}\``,
    label: rules.age.why,
    helps: advice(`add \`require ${field.name} <= 24h\`, best in a guard`),
  });
}
