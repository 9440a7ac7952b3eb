/** Is the configuration's root the one of before? Whoever can write the configuration can make admins: the log says when that happened. */
import { hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { adminRecord, type Governance } from "../policy/admins.ts";
import { adminEntry } from "./secrets.ts";
import { weaknessesOf } from "./weaknesses.ts";
import type { World } from "./world.ts";

const NAME = "governance-root";
/** Nobody's key id: those have no space. */
const CONFIGURATION = { kid: "configuration" };

/**
 * Notes the root that this broker starts with. One that differs from the last is an entry of the log and a warning; so is one
 * whose predecessor nobody remembers, unless no policy was ever live.
 */
export async function recordRoot(
  world: Pick<World, "store" | "settings" | "primitives" | "now" | "log">,
): Promise<void> {
  const { store, settings, primitives, log } = world;
  const { governance } = settings;
  for (const weakness of weaknessesOf(governance, governance)) log("warn", "governance", { weakness });
  const digest = hexOf(primitives.digest("sha256", canonicalJsonBytes(recordOf(governance))));
  const kept = await store.meta(NAME);
  if (kept === digest) return;
  if (kept !== undefined || (await store.liveActivation()) !== undefined) {
    const people = governance.admins.map(({ kid }) => kid).join(" ");
    await store.appendEntry(
      adminEntry({ act: "root-changed", subject: people.slice(0, 4096), digest }, CONFIGURATION, world),
    );
    log("warn", "root-changed", { admins: people, digest });
  }
  await store.putMeta(NAME, kept, digest);
}

function recordOf({ admins, groups, approvals, rootThreshold, accepts }: Governance) {
  return {
    admins: admins.map(adminRecord),
    groups: groups.map((group) => ({ ...group })),
    approvals,
    rootThreshold,
    accepts: { ...accepts },
  };
}
