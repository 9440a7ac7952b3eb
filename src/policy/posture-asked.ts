/** Does a policy ask guests what they say of themselves? By the lines that stand over a resource at a moment. */
import type { Instant } from "../base/time.ts";
import { atomsOf } from "../writ/conditions.ts";
import { createScopeIndex } from "../writ/evaluation/scope-index.ts";
import type { Declaration, Program } from "../writ/program.ts";

/** Makes the look-up of a program: whether some line over the resource names a field of a posture. */
export function postureAsked(
  { declarations }: Pick<Program, "declarations">,
  now: Instant,
): (resource: string) => boolean {
  const asking = declarations.filter((one) => isInForce(one, now) && namesPosture(one));
  const over = createScopeIndex(asking.map((declaration) => ({ declaration })));
  return (resource) => over(resource).length > 0;
}

function isInForce({ valid }: Declaration, now: Instant): boolean {
  return valid === undefined || (valid.from <= now && (valid.to === undefined || now < valid.to));
}

function namesPosture({ requires, allows, denies }: Declaration): boolean {
  const conditions = [...requires, ...allows, ...denies].flatMap(({ when }) =>
    when === undefined ? [] : [when],
  );
  return conditions.flatMap(atomsOf).some(({ field }) => field.name.startsWith("posture."));
}
