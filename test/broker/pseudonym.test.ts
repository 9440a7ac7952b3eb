/** A broker that writes no admin's name into its log: every act stands there under a pseudonym, in the order and form of any log. */
import { describe, expect, it } from "vitest";
import { openingOf, pseudonymOf } from "../../src/ledger/pseudonym.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { ADMIN_KID, brokerAtHand } from "../http/broker-at-hand.ts";

const salt = new Uint8Array(32).fill(9);
const pseudonym = (name: string): string =>
  pseudonymOf(name, openingOf(name, salt, nodePrimitives), nodePrimitives);

describe("a salted log", () => {
  it("names no admin, whatever was done", async () => {
    const { admin, world } = brokerAtHand(() => ({ pseudonym }));
    await admin.putSecret("prod/db", { kind: "static", plaintext: new Uint8Array(32) });
    await admin.addAudience("sts", { aud: "https://sts.example", isBearer: true });
    await admin.changeSecret("prod/db", { leaseSeconds: 60 });
    const entries = await world.store.entries(0, 10);
    expect(entries.map(({ draft }) => draft.kind === "admin" && draft.actor)).toEqual(
      Array(3).fill(pseudonym(ADMIN_KID)),
    );
    expect(JSON.stringify(entries)).not.toContain(ADMIN_KID);
  });

  it("is a broker's that names nobody by the key that it rotates", async () => {
    const { world, admin } = brokerAtHand(() => ({ pseudonym }));
    await admin.putSecret("prod/db", { kind: "static", plaintext: new Uint8Array(32) });
    const stays = brokerAtHand();
    await stays.admin.putSecret("prod/db", { kind: "static", plaintext: new Uint8Array(32) });
    const actorOf = async ({ store }: typeof world) => (await store.entries(0, 1))[0]?.draft;
    expect(await actorOf(world)).toMatchObject({ actor: pseudonym(ADMIN_KID) });
    expect(await actorOf(stays.world)).toMatchObject({ actor: ADMIN_KID });
  });
});
