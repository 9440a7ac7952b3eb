/** How does the part of the Store contract about guests look without a database? For tests only, like `memory.ts`. */
import type { Instant } from "../base/time.ts";
import {
  type FleetStore,
  GUESTS_KEPT_SECONDS,
  type GuestPosition,
  type StoredGuest,
} from "../broker/fleet-store.ts";

interface MemoryFleet extends FleetStore {
  /** What `prune` of the whole store does here. */
  readonly forgetGuests: (now: Instant) => void;
}

export function createMemoryFleet(): MemoryFleet {
  const guests = new Map<string, StoredGuest>();
  return {
    putGuests: async (put) => {
      for (const one of put) if ((guests.get(one.id)?.seq ?? -1) < one.seq) guests.set(one.id, { ...one });
    },
    guest: async (id) => guests.get(id),
    newestGuest: async (place) =>
      [...guests.values()]
        .filter((one) => one.place === place)
        .toSorted((a, b) => b.lastAt - a.lastAt || b.seq - a.seq)[0],
    guests: async (after, limit) =>
      [...guests.values()]
        .filter((one) => after === undefined || order(after, one) < 0)
        .toSorted(order)
        .slice(0, limit),
    forgetGuests: (now) => {
      for (const [id, { lastAt }] of guests) if (lastAt < now - GUESTS_KEPT_SECONDS) guests.delete(id);
    },
  };
}

function order(a: GuestPosition, b: GuestPosition): number {
  if (a.place !== b.place) return a.place < b.place ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
