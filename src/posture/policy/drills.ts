/** What do drills plant beside the live policy? Two small sources that differ, which are compared as real ones are and never live. */
import { utf8 } from "../../base/bytes.ts";
import type { Drill } from "../../broker/credential-store.ts";
import type { World } from "../../broker/world.ts";
import type { Sighting } from "../../wire/finding-messages.ts";
import { driftSighting } from "./drift-sighting.ts";

function sourceOf(requires: string): ReadonlyMap<string, Uint8Array> {
  const text = `writ 1
module drill version 1.0.0 { owner "drill" }
policy planted {
  for resource "drill/**"
  require ${requires}
  allow "never" when request.op == release
}
`;
  return new Map([["drill.writ", utf8(text)]]);
}

/** A drill of another kind is nothing here. */
export async function plantedDrifts(
  drills: readonly Drill[],
  { primitives, owner }: Pick<World, "primitives"> & { readonly owner: string },
): Promise<readonly Sighting[]> {
  const own = drills.filter(({ kind }) => kind === "policy-drift");
  if (own.length === 0) return [];
  const { driftOf } = await import("../../policy/drift.ts");
  const drift = driftOf(sourceOf("vmpl == 0"), sourceOf("vmpl == 1"), primitives.digest);
  return own.map(({ id, plantedAt }) => ({
    ...driftSighting({ name: "a drill", changedAt: plantedAt }, drift, { owner }),
    subject: `drill/${id}`,
    drill: id,
  }));
}
