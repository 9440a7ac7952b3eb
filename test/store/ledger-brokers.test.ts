/** Do several brokers on one PostgreSQL make one tree, whoever signs a head or fills tiles at the same moment? */
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { checkLog } from "../../src/broker/check-log.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { proveConsistency, proveInclusion } from "../../src/broker/proofs.ts";
import { fillTiles } from "../../src/broker/tiles.ts";
import type { World } from "../../src/broker/world.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";

describeWithPostgres("brokers of one log", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    server.psql("create database broker");
  });
  afterAll(() => server.remove());

  it("append and sign at once, three of them, and every head and tile is that of one tree", async () => {
    const brokers = await Promise.all([broker(), broker(), broker()]);
    await Promise.all(
      brokers.map(async (world, who) => {
        for (let turn = 0; turn < 6; turn += 1) {
          await Promise.all(
            Array.from({ length: 8 }, () => world.store.appendEntry(adminDraft(`by-${who}`))),
          ); // in order: a turn
          await advanceCheckpoint(world);
        }
      }),
    );
    const [first] = brokers;
    if (first === undefined) throw new Error("three brokers were opened");
    expect(await checkLog(first)).toBe(144);
    for (const seq of [0, 100, 143]) expect((await proveInclusion(seq, undefined, first)).size).toBe(144);
    await proveConsistency(100, undefined, first);
  });

  it("fill the tiles of an older database at once, while a third signs heads", async () => {
    const brokers = await Promise.all([broker(), broker(), broker()]);
    const [first, second, third] = brokers;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("three were opened");
    const rows = "insert into ledger_entry select n, d.draft, '', 0 from generate_series(144, 5000) n,";
    server.psql(`${rows} (select draft from ledger_entry where seq = 0) d`, "broker");
    await advanceCheckpoint(first);
    server.psql("delete from ledger_tile", "broker");
    const fill = async (world: World): Promise<void> => {
      for (let done = false; !done; ) {
        const { filled, size } = await fillTiles(world); // in order: each stands on the one before
        done = filled === size;
      }
    };
    const sign = async (): Promise<void> => {
      for (let turn = 0; turn < 10; turn += 1) {
        await third.store.appendEntry(adminDraft("during")); // in order: a turn
        await advanceCheckpoint(third);
      }
    };
    await Promise.all([fill(first), fill(second), sign()]);
    await fill(first);
    expect(await checkLog(first)).toBe(5011);
    expect(server.psql("select count(*) from ledger_tile where length(hashes) = 8192", "broker")).toBe("19");
  });

  /** The same broker each time, as far as its keys go; each has connections of its own. */
  async function broker(): Promise<World> {
    const { host, port } = server;
    const place = { host, port, database: "broker", role: "ostiary", mode: "migrate" } as const;
    const store = await openPostgresStore(place);
    onTestFinished(() => store.close());
    return brokerAtHand(() => ({ store })).world;
  }
});
