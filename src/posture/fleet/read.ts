/** Which guests came? Read off decisions where the last turn ended, a page at a time, and kept one row each. */
import { hexOf } from "../../base/bytes.ts";
import { canonicalJsonBytes } from "../../base/canonical-json.ts";
import type { Primitives } from "../../base/primitives.ts";
import { FLEET_CURSOR, readUpTo } from "../../broker/fleet.ts";
import type { Store } from "../../broker/store.ts";
import type { World } from "../../broker/world.ts";
import { decodeGuest, encodeGuest } from "../../wire/fleet.ts";
import type { Guest } from "../../wire/fleet-messages.ts";
import { guestAfter } from "./merge.ts";
import { type Seen, seenOf } from "./seen.ts";

export interface FleetPorts extends Pick<World, "chipIds"> {
  readonly store: Pick<
    Store,
    | "meta"
    | "putMeta"
    | "entries"
    | "decisionsFrom"
    | "ledgerSize"
    | "guest"
    | "newestGuest"
    | "putGuests"
    | "guests"
  >;
  readonly primitives: Primitives;
}

const PAGE = 200;
/** What one turn reads: a broker that decides more often than that needs turns more often. */
const PAGES_AT_ONCE = 50;
/** A database may count each statement of a batch. */
const BATCH = 16;
const PLACE_BYTES = 16;

/** What another broker read meanwhile is read again, which changes nothing: a guest knows its newest decision. */
export async function readFleet(ports: FleetPorts): Promise<void> {
  const { store } = ports;
  for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
    const kept = await store.meta(FLEET_CURSOR); // in order: page after page
    const from = readUpTo(kept);
    const end = Math.min(from + PAGE, await store.ledgerSize());
    if (end <= from) return;
    const decisions = (await store.decisionsFrom(from, PAGE)).filter(({ seq }) => seq < end);
    await keep(
      decisions.flatMap((one) => seenOf(one, ports) ?? []),
      ports,
    );
    if (!(await store.putMeta(FLEET_CURSOR, kept, String(end)))) return;
  }
}

interface Held {
  readonly seq: number;
  readonly guest: Guest;
}

/** One page: each guest is read once and written once, however often it came. */
async function keep(page: readonly Seen[], ports: FleetPorts): Promise<void> {
  const held = new Map<string, Held>();
  const newest = new Map<string, Guest>();
  const changed = new Set<string>();
  for (const seen of page) {
    const own = held.get(seen.id) ?? (await heldOf(seen.id, ports)); // in order: the later builds on the earlier
    if (own !== undefined && own.seq >= seen.seq) continue;
    const place = own?.guest.place ?? placeOf(seen, ports.primitives);
    const before = own === undefined ? (newest.get(place) ?? (await newestOf(place, ports))) : undefined;
    const guest = guestAfter(seen, place, { own: own?.guest, before });
    held.set(seen.id, { seq: seen.seq, guest });
    newest.set(place, guest);
    changed.add(seen.id);
  }
  const rows = [...changed].flatMap((id) => {
    const one = held.get(id);
    return one === undefined ? [] : [rowOf(one)];
  });
  for (let at = 0; at < rows.length; at += BATCH) await ports.store.putGuests(rows.slice(at, at + BATCH));
}

function rowOf({ seq, guest }: Held) {
  const { id, place, lastAt } = guest;
  return { id, place, seq, lastAt, about: encodeGuest(guest) };
}

async function heldOf(id: string, { store }: FleetPorts): Promise<Held | undefined> {
  const row = await store.guest(id);
  return row && { seq: row.seq, guest: decodeGuest(row.about) };
}

async function newestOf(place: string, { store }: FleetPorts): Promise<Guest | undefined> {
  const row = await store.newestGuest(place);
  return row && decodeGuest(row.about);
}

/** The broker's tenant is not in it: a database is one broker's. */
function placeOf({ hostData, vmpl, cameFor }: Seen, { digest }: Primitives): string {
  const told = canonicalJsonBytes(["ostiary guest place 1", hostData, vmpl, cameFor]);
  return hexOf(digest("sha256", told).slice(0, PLACE_BYTES));
}
