/** The Store contract: sessions of the KBS exchange, each with the token of its guest. */
import { describe, expect, it } from "vitest";
import { instant } from "../../../src/base/time.ts";
import type { OpenStore } from "../store.ts";
import { T0 } from "./examples.ts";

const SESSION = { id: "0123456789abcdef0123456789abcdef", token: "a.b.c", until: instant(T0 + 300) };

export function kbsContract(open: OpenStore): void {
  describe("sessions of the KBS exchange", () => {
    it("are kept with their first token, whoever comes later", async () => {
      const store = await open();
      expect(await store.kbsSession(SESSION.id)).toBeUndefined();
      await store.keepKbsSession(SESSION);
      await store.keepKbsSession({ ...SESSION, token: "d.e.f", until: instant(T0 + 900) });
      expect(await store.kbsSession(SESSION.id)).toEqual(SESSION);
      expect(await store.kbsSession(SESSION.id.toUpperCase())).toBeUndefined();
    });

    it("are forgotten once their token has ended", async () => {
      const store = await open();
      await store.keepKbsSession(SESSION);
      await store.prune(SESSION.until, T0);
      expect(await store.kbsSession(SESSION.id)).toEqual(SESSION);
      await store.prune(instant(SESSION.until + 1), T0);
      expect(await store.kbsSession(SESSION.id)).toBeUndefined();
    });
  });
}
