/** Which allows can never take effect, and what stands in their way? W0701 (WRIT section 12). */
import { advice } from "../diagnostics/findings.ts";
import type { Clause, Declaration } from "../program.ts";
import type { Region } from "../solver/space.ts";
import { besides, type LintDesk, warn } from "./desk.ts";
import { firesOf, type PolicyStudy, type Study, yesOf } from "./study.ts";

/** W0701 of each allow that would hold for some request, were nothing over it. */
export function lintShadows(desk: LintDesk, study: Study, one: PolicyStudy): void {
  const { space } = study;
  const question = { subject: one.policy, code: "W0701" };
  const required = space.and(one.scope, ...one.policy.requires.map((clause) => yesOf(study, clause)));
  for (const allow of one.policy.allows) {
    const path = space.and(required, yesOf(study, allow));
    if (study.isEmpty(path, question) || !study.isEmpty(space.and(path, one.open), question)) continue;
    const shadow = shadowsOver(study, one).find(({ stops }) =>
      study.isEmpty(space.without(path, stops), question),
    );
    tell(desk, allow, shadow);
  }
}

/** One clause that refuses by itself, and what it refuses. */
interface Shadow {
  readonly kind: "deny" | "guard";
  readonly clause: Clause;
  readonly stops: Region;
}

function shadowsOver(study: Study, { policy }: PolicyStudy): readonly Shadow[] {
  return [policy, ...study.stoppersOver(policy.patterns).filter((one) => one !== policy)].flatMap((one) =>
    shadowsOf(study, one),
  );
}

function shadowsOf(study: Study, of: Declaration): readonly Shadow[] {
  const { space } = study;
  const scope = space.scopeOf(of);
  const denies = of.denies.map((clause) => ({
    kind: "deny" as const,
    clause,
    stops: space.and(scope, firesOf(study, clause)),
  }));
  if (of.kind === "policy") return denies;
  const requires = of.requires.map((clause) => ({
    kind: "guard" as const,
    clause,
    stops: space.without(scope, yesOf(study, clause)),
  }));
  return [...denies, ...requires];
}

function tell(desk: LintDesk, allow: Clause, shadow: Shadow | undefined): void {
  const place = { file: allow.origin.file, span: allow.whole };
  if (shadow === undefined) {
    warn(desk, place, {
      code: "W0701",
      message: "this allow is shadowed: what refuses always wins",
      label: "never takes effect: denies, guards and revoked values together refuse all of it",
      helps: advice("delete the allow, or narrow what refuses it"),
    });
    return;
  }
  const { kind, clause } = shadow;
  const text = kind === "deny" ? "denies everything this would allow" : "refuses everything this would allow";
  const at = `${clause.text.at}: \`${clause.text.text}\``;
  warn(desk, place, {
    code: "W0701",
    message: `this allow is shadowed: a ${kind} always wins`,
    label: "never takes effect",
    ...besides(place, [{ place: clause.origin, at, text }]),
    helps: advice(`delete the allow, or narrow the ${kind}`),
  });
}
