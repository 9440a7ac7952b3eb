/** The Store contract: guests, as their newest decision left them. */
import { describe, expect, it } from "vitest";
import { type Instant, instant } from "../../../src/base/time.ts";
import { GUESTS_KEPT_SECONDS, type StoredGuest } from "../../../src/broker/fleet-store.ts";
import type { OpenStore } from "../store.ts";
import { T0 } from "./examples.ts";

const later = (seconds: number): Instant => instant(T0 + seconds);

function guestOf(changes: Partial<StoredGuest>): StoredGuest {
  return { id: "a", place: "p", seq: 1, lastAt: T0, about: "{}", ...changes };
}

export function fleetContract(open: OpenStore): void {
  describe("guests", () => {
    it("are kept as the newest decision left them, whoever writes in which order", async () => {
      const store = await open();
      const second = guestOf({ seq: 2, lastAt: later(9), about: '{"n":2}' });
      await store.putGuests([guestOf({}), second]);
      await store.putGuests([guestOf({ about: '{"n":1}' }), { ...second, about: '{"late":2}' }]);
      expect(await store.guest("a")).toEqual(second);
      expect(await store.guest("b")).toBeUndefined();
    });

    it("are told by place, and the one that came last of each", async () => {
      const store = await open();
      const all = [
        guestOf({ id: "c", place: "p", lastAt: later(5) }),
        guestOf({ id: "b", place: "q" }),
        guestOf({ id: "a", place: "q", lastAt: later(1), seq: 7 }),
        guestOf({ id: "d", place: "q", lastAt: later(1), seq: 8 }),
      ];
      await store.putGuests(all);
      expect((await store.guests(undefined, 9)).map(({ id }) => id)).toEqual(["c", "a", "b", "d"]);
      expect((await store.guests({ place: "p", id: "c" }, 2)).map(({ id }) => id)).toEqual(["a", "b"]);
      expect(await store.guests({ place: "q", id: "d" }, 2)).toEqual([]);
      expect((await store.newestGuest("q"))?.id).toBe("d");
      expect(await store.newestGuest("r")).toBeUndefined();
    });

    it("are forgotten long after the last one came", async () => {
      const store = await open();
      await store.putGuests([guestOf({})]);
      await store.prune(later(GUESTS_KEPT_SECONDS), T0);
      expect(await store.guest("a")).toBeDefined();
      await store.prune(later(GUESTS_KEPT_SECONDS + 1), T0);
      expect(await store.guest("a")).toBeUndefined();
    });
  });
}
