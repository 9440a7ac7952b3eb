/** Is an older database noticed that somebody put back, and a log that went another way since? */
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { createHeadAnchor, keepHead } from "../../src/broker/rollback.ts";
import { beginEpoch, joinEpoch } from "../../src/broker/startup.ts";
import type { Anchor, HeadKeeper, World } from "../../src/broker/world.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";

const ROLLED_BACK = { code: "ledger/rolled-back" };

/** A broker whose head is kept apart, and what is kept. */
function keeping() {
  const kept: { note?: string } = {};
  const heads: HeadKeeper = {
    read: async () => kept.note,
    keep: async (note) => {
      kept.note = note;
    },
  };
  const { world } = brokerAtHand(() => ({ anchors: [createHeadAnchor(heads)] }));
  const on = (store: World["store"]): World => ({ ...world, store });
  const write = async (act: string, count: number, store = world.store): Promise<void> => {
    for (let i = 0; i < count; i += 1)
      await store.appendEntry({ ...adminDraft(`${act}-${i}`), time: world.now() }); // in order
  };
  return { world, kept, on, write };
}

describe("a head that is kept apart from the database", () => {
  it("lets the same database start again, whether a head more was signed in it or not", async () => {
    const { world, write } = keeping();
    await beginEpoch(world);
    await write("a", 3);
    await keepHead(world);
    await beginEpoch(world);
    await write("b", 1500);
    await advanceCheckpoint(world); // the broker stopped before it kept this one
    await beginEpoch(world);
  });

  it("refuses an empty database, and an older one", async () => {
    const { world, on, write } = keeping();
    await write("a", 2);
    await keepHead(world);
    await expect(beginEpoch(on(createMemoryStore()))).rejects.toMatchObject(ROLLED_BACK);
    const older = createMemoryStore();
    await write("a", 1, older);
    await expect(beginEpoch(on(older))).rejects.toMatchObject(ROLLED_BACK);
    await expect(joinEpoch(on(older))).rejects.toMatchObject(ROLLED_BACK);
    expect(await older.ledgerSize()).toBe(1);
  });

  it("refuses an older one that grew again, by as many entries or by more", async () => {
    const { world, on, write } = keeping();
    await write("a", 3);
    await keepHead(world);
    for (const more of [2, 40]) {
      const forked = createMemoryStore();
      await write("a", 1, forked);
      await write("c", more, forked);
      await advanceCheckpoint(on(forked));
      await expect(beginEpoch(on(forked))).rejects.toMatchObject(ROLLED_BACK);
    }
  });

  it("takes no head that another key signed, and none that is none", async () => {
    const { world, kept, write } = keeping();
    await write("a", 2);
    const own = await advanceCheckpoint(world);
    const signedByAnother = own.replace(/.{8}(?=\n$)/, "AAAAAAAA");
    for (const note of ["nothing\n", "", signedByAnother]) {
      kept.note = note;
      await expect(beginEpoch(world)).rejects.toMatchObject({ code: expect.stringMatching(/^ledger\//) });
    }
  });

  it("says so where there is none yet", async () => {
    const { world, kept } = keeping();
    const lines: string[] = [];
    await beginEpoch({ ...world, log: (_level, event) => void lines.push(event) });
    expect(lines).toContain("no-head-kept-yet");
    expect(kept.note).toContain("\n1\n");
  });

  it("refuses what any of several anchors shows, and hands each head to all of them", async () => {
    const { world, kept, on, write } = keeping();
    const gone = new Fault("file/unusable", "this anchor is gone");
    const broken: Anchor = { name: "broken", check: async () => {}, keep: () => Promise.reject(gone) };
    const both = { ...world, anchors: [broken, ...(world.anchors ?? [])] };
    await write("a", 2);
    await expect(keepHead(both)).rejects.toBe(gone);
    expect(kept.note).toContain("\n2\n");
    const empty = { ...on(createMemoryStore()), anchors: both.anchors };
    await expect(beginEpoch(empty)).rejects.toMatchObject(ROLLED_BACK);
  });
});
