/** What does a policy let through, and where is that said? What the lints of paths and platforms share. */
import type { Region } from "../solver/space.ts";
import { type LintDesk, type Place, type Told, warn } from "./desk.ts";
import type { LintRules } from "./rules.ts";
import { atomOn, type PolicyStudy, type Study } from "./study.ts";

export interface Paths {
  readonly desk: LintDesk;
  readonly study: Study;
  readonly one: PolicyStudy;
  readonly rules: LintRules;
}

export function nameOf({ one: { policy } }: Paths): Place {
  return { file: policy.origin.file, span: policy.nameSpan };
}

export function tell(paths: Paths, told: Told): void {
  warn(paths.desk, nameOf(paths), told);
}

/** Whether the policy releases something in a region. */
export function reaches({ study, one }: Paths, region: Region, code: string): boolean {
  return study.isInhabited(study.space.and(one.released, region), { subject: one.policy, code });
}

export function lacks({ study, one }: Paths, region: Region, code: string): boolean {
  return study.isEmpty(study.space.and(one.released, region), { subject: one.policy, code });
}

export function flagRegion({ space, fieldOf }: Study, name: string): Region {
  const field = fieldOf(name);
  return field === undefined ? space.nothing : space.truthOf(atomOn(field, { kind: "flag" })).yes;
}

/** The platforms that a policy names. */
export function platformsOf({ policy }: PolicyStudy, { platforms }: LintRules): LintRules["platforms"] {
  const named = new Set(policy.requires.map(({ text }) => text.from));
  return platforms.filter(({ platform }) => named.has(`platform ${platform}`));
}
