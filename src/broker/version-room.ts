/** Is there room for one more version of a path? Where there is none, the oldest one goes that everybody who read it has replaced. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { MAX_WRITTEN_VERSIONS } from "../wire/limits.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

/** Guests confirm upwards, so that what is replaced is old. */
const LOOKED_AT = 32;

/**
 * Destroys at most one version. Never one that nobody has read, since nobody has said that it is replaced either, and never one
 * that a reader still holds: losing it would keep a database from starting.
 *
 * @throws {@link Fault} `secret/versions-full`.
 */
export async function makeRoom(path: string, actor: Actor, world: World): Promise<void> {
  const { store } = world;
  const kept = (await store.secretVersions(path)).filter(({ state }) => state !== "destroyed");
  if (kept.length < MAX_WRITTEN_VERSIONS) return;
  const digest = hexOf(world.primitives.digest("sha256", utf8("destroyed")));
  for (const { version } of kept.slice(0, Math.min(LOOKED_AT, kept.length - 1))) {
    const [first] = await store.readersOf(path, version, 1); // in order: the oldest that may go
    if (first?.confirmedAt === undefined) continue;
    const entry = adminEntry(
      { act: "secret-destroyed", subject: `${path}@${version}`, digest },
      actor,
      world,
    );
    if (await store.destroyVersion({ path, version, despite: 0 }, entry)) return;
  }
  throw new Fault(
    "secret/versions-full",
    `expected fewer than ${MAX_WRITTEN_VERSIONS} versions of \`${path}\`, or an old one that everybody has replaced`,
  );
}
