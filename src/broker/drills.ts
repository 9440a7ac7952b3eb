/** How is something planted that is not good, to see how soon it is found? As a row with an end, which nobody has to be there for. */

import { Fault } from "../base/fault.ts";
import { addSeconds } from "../base/time.ts";
import { DRILL_KINDS, type DrillOrder, type DrillSummary } from "../wire/drill-messages.ts";
import type { Drill } from "./credential-store.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

const MAX_DRILLS = 20;

/** From now on it is there for every scan, until its end. @throws {@link Fault} `request/conflict` while too many run. */
export async function plantDrill(
  { kind, seconds }: DrillOrder,
  plan: { readonly id: string; readonly actor: Actor },
  world: World,
): Promise<DrillSummary> {
  const { id, actor } = plan;
  const plantedAt = world.now();
  if ((await world.store.drills(plantedAt)).length >= MAX_DRILLS) {
    throw new Fault("request/conflict", `expected fewer than ${MAX_DRILLS} drills at a time`);
  }
  const drill = { id, kind, plantedAt, endsAt: addSeconds(plantedAt, seconds), plantedBy: actor.kid };
  await world.store.putDrill(
    drill,
    adminEntry({ act: "drill", subject: `${id}/${kind}`, digest: "" }, actor, world),
  );
  return drill;
}

/** Takes it away before its end. @throws {@link Fault} `request/not-found` where no such drill runs. */
export async function endDrill(id: string, actor: Actor, world: World): Promise<void> {
  const entry = adminEntry({ act: "drill-end", subject: id, digest: "" }, actor, world);
  if (await world.store.endDrill(id, world.now(), entry)) return;
  throw new Fault("request/not-found", `expected a drill that runs, received \`${id}\``);
}

/** Those that run. */
export async function listDrills(world: World): Promise<readonly DrillSummary[]> {
  return (await world.store.drills(world.now())).flatMap(summaryOf);
}

/** A kind of a later version is nothing here. */
function summaryOf({ kind: name, ...drill }: Drill): readonly DrillSummary[] {
  const kind = DRILL_KINDS.find((known) => known === name);
  return kind === undefined ? [] : [{ ...drill, kind }];
}
