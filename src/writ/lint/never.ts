/** Which policies can never release anything, and which of their lines exclude each other? E0601 (WRIT section 12). */
import { advice } from "../diagnostics/findings.ts";
import type { Clause } from "../program.ts";
import type { Region } from "../solver/space.ts";
import { besides, type LintDesk, type Told, warn } from "./desk.ts";
import { isFromPlatform, type PolicyStudy, type Study, yesOf } from "./study.ts";

/** E0601 of one policy: nothing it says can ever come true together. @returns Whether it can release by itself. */
export function lintNever(desk: LintDesk, study: Study, one: PolicyStudy): boolean {
  const { policy, granted } = one;
  const question = { subject: policy, code: "E0601" };
  if (!study.isEmpty(granted, question)) return true;
  const told = {
    code: "E0601",
    severity: "error",
    message: `policy \`${policy.name}\` can never allow anything`,
  } as const;
  const core = coreOf(study, one);
  if (core.length === 0) {
    warn(
      desk,
      { file: policy.origin.file, span: policy.nameSpan },
      {
        ...told,
        label: "no request makes every require and some allow true",
        notes: ["shown impossible by the solver"],
        helps: advice("see what excludes what with `ostiary writ explain`"),
      },
    );
  } else tellCore(desk, { study, one, core }, told);
  return false;
}

/** One line that nothing makes true, or two that exclude each other; those of the source before those of its platform. */
function coreOf(study: Study, one: PolicyStudy): readonly Clause[] {
  const { space } = study;
  const [allow, ...more] = one.policy.allows;
  const own = one.policy.requires.toSorted((a, b) => Number(isFromPlatform(a)) - Number(isFromPlatform(b)));
  const clauses = allow !== undefined && more.length === 0 ? [...own, allow] : own;
  const regions = clauses.map((clause) => space.and(one.scope, yesOf(study, clause)));
  const isNever = (region: Region): boolean => study.isEmpty(region, { subject: one.policy, code: "E0601" });
  const alone = clauses.find((_, at) => isNever(regions[at] ?? space.everything));
  if (alone !== undefined) return [alone];
  for (const [at, right] of regions.entries()) {
    const left = regions.slice(0, at).findIndex((other) => isNever(space.and(other, right)));
    if (left >= 0) return clauses.filter((_, index) => index === left || index === at);
  }
  return [];
}

interface Core {
  readonly study: Study;
  readonly one: PolicyStudy;
  readonly core: readonly Clause[];
}

function tellCore(desk: LintDesk, { study, one, core }: Core, told: Omit<Told, "label">): void {
  const [first, second] = core;
  if (first === undefined) return;
  const [asks, asked] = [asksOf(study, first), second === undefined ? undefined : asksOf(study, second)];
  const also =
    asked === undefined ? `… and this excludes ${asks === undefined ? "the other" : "it"}` : `… but ${asked}`;
  const mended = core.every((clause) => isMendedWithout(study, one, clause));
  const remedy = second === undefined ? "removing it" : "removing either line";
  const known = mended
    ? [`shown impossible by the solver; ${remedy} makes the policy satisfiable`]
    : ["shown impossible by the solver"];
  const marks =
    second === undefined
      ? { secondary: [], notes: [] }
      : besides(first.origin, [{ place: second.origin, at: nameOf(second), text: also }]);
  warn(desk, first.origin, {
    ...told,
    label: second === undefined ? "no request makes this true" : `${asks ?? "this"} …`,
    secondary: marks.secondary,
    notes: [...marks.notes, ...known],
  });
}

function nameOf({ text }: Clause): string {
  return text.from === undefined ? `${text.at}: ${text.text}` : `${text.from}: ${text.text}`;
}

/** What a line asks, in words that end in what matters; nothing where its own text says it best. */
function asksOf({ vocabulary }: Study, { when }: Clause): string | undefined {
  if (when?.kind !== "atom" || when.isNegated) return undefined;
  const { field, test } = when;
  if (test.kind === "one-of" && field.name === vocabulary.productField)
    return `this requires ${test.values.map(titled).join(" or ")}`;
  if (test.kind !== "floor") return undefined;
  const rows = test.rows.flatMap(({ name, least }) => (least === undefined ? [] : [`\`${name}\``]));
  if (rows.length === 0) return "this floor refuses everything";
  return `this floor has only ${rows.length === 1 ? "a" : "the"} ${rows.join(" and ")} row${rows.length === 1 ? "" : "s"}`;
}

/** A product's name as it begins a sentence. */
export function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function isMendedWithout(
  { space, ...study }: Study,
  { policy, scope }: PolicyStudy,
  without: Clause,
): boolean {
  const yes = (clause: Clause): Region => yesOf({ ...study, space }, clause);
  const requires = policy.requires.filter((clause) => clause !== without).map(yes);
  const allows = policy.allows.filter((clause) => clause !== without).map(yes);
  const allowed = allows.length === 0 ? space.everything : space.or(...allows);
  return study.isInhabited(space.and(scope, ...requires, allowed), { subject: policy, code: "E0601" });
}
