/** What do drills plant? Entries of the inventory that are not good, each with the name of its drill, until the drill ends. */
import { addSeconds } from "../../base/time.ts";
import type { Drill } from "../../broker/credential-store.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import type { DrillKind } from "../../wire/drill-messages.ts";
import type { InventoryPorts, Source } from "./ports.ts";

/** Whoever planted them, and whatever became of that: an entry is there while its drill lasts. */
export const plantedCredentials: Source = async (ports, now) =>
  (await ports.store.drills(now)).flatMap((drill) => plantedOf(drill, ports));

type Plant = (drill: Drill) => Partial<Credential> & Pick<Credential, "kind">;

const DAY = 86_400;
/** Before the end of anything there is enough lead for this to be late. */
const LEFT_SECONDS = 3600;

/** Other kinds are planted where other scans look. */
const PLANTS: Readonly<Partial<Record<DrillKind, Plant>>> = {
  certificate: ({ plantedAt }) => ({
    kind: "watched",
    notBefore: addSeconds(plantedAt, -365 * DAY),
    notAfter: addSeconds(plantedAt, LEFT_SECONDS),
  }),
  "weak-key": () => ({ kind: "watched", algorithm: "RSA", bits: 1024 }),
  "stale-crl": ({ plantedAt }) => ({
    kind: "crl",
    notBefore: addSeconds(plantedAt, -30 * DAY),
    notAfter: addSeconds(plantedAt, 30 * DAY),
    obtainedAt: addSeconds(plantedAt, -2 * DAY),
  }),
};

function plantedOf(drill: Drill, ports: InventoryPorts): readonly Credential[] {
  const plants: Readonly<Record<string, Plant>> = PLANTS;
  const plant = Object.hasOwn(plants, drill.kind) ? plants[drill.kind] : undefined;
  if (plant === undefined) return []; // of a later version, or of another scan
  const planted = plant(drill);
  return [
    {
      name: `drill/${drill.id}/${drill.kind}`,
      fingerprint: drill.id,
      owner: ports.ownerOf(planted.kind),
      algorithm: "EC P-256",
      bits: 256,
      scope: "nothing: a drill planted it",
      neededBy: [`drill ${drill.id}`],
      since: drill.plantedAt,
      breaks: "nothing: a drill planted it",
      drill: drill.id,
      ...planted,
    },
  ];
}
