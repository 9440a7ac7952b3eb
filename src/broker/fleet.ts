/** Which guests are there? What the scan `fleet` read off decisions, with what the live policy says of their images now. */
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { imagesOf } from "../policy/images.ts";
import { decodeGuest } from "../wire/fleet.ts";
import type { FleetPage, Guest, Image, SeenGuest } from "../wire/fleet-messages.ts";
import type { Program } from "../writ/program.ts";
import type { GuestPosition } from "./fleet-store.ts";
import type { World } from "./world.ts";

/** How far the log was read for guests. */
export const FLEET_CURSOR = "fleet-read";

/** The position behind the last entry that was read. */
export function readUpTo(kept: string | undefined): number {
  return /^\d{1,15}$/.test(kept ?? "") ? Number(kept) : 0;
}

/** The most that one answer holds. */
const PAGE = 200;

type Asked = Pick<World, "store" | "liveBundle" | "now">;

/** One page of guests, those behind `after`. */
export async function listFleet(after: GuestPosition | undefined, world: Asked): Promise<FleetPage> {
  const rows = await world.store.guests(after, PAGE);
  const imageAt = imageJudge((await world.liveBundle())?.program, world.now());
  const guests = rows.map(({ about }) => seenGuest(decodeGuest(about), imageAt));
  const last = rows.length < PAGE ? undefined : rows.at(-1);
  return {
    guests,
    ...(last === undefined ? {} : { next: `${last.place}.${last.id}` }),
    behind: await behindOf(world),
  };
}

/** @throws {@link Fault} `fleet/unknown`. */
export async function showGuest(id: string, world: Asked): Promise<FleetPage> {
  const row = await world.store.guest(id);
  if (row === undefined) throw new Fault("fleet/unknown", `expected the id of a guest, received \`${id}\``);
  const imageAt = imageJudge((await world.liveBundle())?.program, world.now());
  return { guests: [seenGuest(decodeGuest(row.about), imageAt)], behind: await behindOf(world) };
}

async function behindOf({ store }: Asked): Promise<number> {
  return Math.max(0, (await store.ledgerSize()) - readUpTo(await store.meta(FLEET_CURSOR)));
}

function seenGuest(guest: Guest, imageAt: (measurement: string) => Image): SeenGuest {
  return { ...guest, image: imageAt(guest.measurement) };
}

/** What a policy says of images at a moment. Without a policy, or one that lists none, nobody can say. */
export function imageJudge(program: Program | undefined, now: Instant): (measurement: string) => Image {
  if (program === undefined) return () => ({ state: "unknown" });
  const images = imagesOf(program);
  return (measurement) => images.at(measurement, now) ?? { state: images.hasSets ? "unlisted" : "unknown" };
}
