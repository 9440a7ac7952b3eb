/** Does a witness keep a log from being cut back, forked or replaced, without ever holding the broker up? */
import { beforeEach, describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { keepHead } from "../../src/broker/rollback.ts";
import { beginEpoch } from "../../src/broker/startup.ts";
import type { Store } from "../../src/broker/store.ts";
import { type AskWitness, createWitness } from "../../src/broker/witness.ts";
import type { Anchor, World } from "../../src/broker/world.ts";
import { createWitnessApp, type WitnessMemory } from "../../src/http/witness.ts";
import type { Checkpoint } from "../../src/ledger/checkpoint.ts";
import { originOf } from "../../src/ledger/checkpoint.ts";
import { openCosignature } from "../../src/ledger/cosignature.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";

const ROLLED_BACK = { code: "ledger/rolled-back" };
const URL_OF_WITNESS = "https://witness.example/w1";
const SIGNER = createEd25519Signer("witness", generateEd25519Pem());
const KEY = { name: "witness.example/w1", spki: SIGNER.spki };

let broker: BrokerAtHand;
let heads: Map<string, Checkpoint>;
let asked: string[];
let ask: AskWitness;
let world: World;

beforeEach(() => {
  heads = new Map();
  asked = [];
  broker = brokerAtHand();
  ask = witnessed(heads);
  world = { ...broker.world, anchors: [anchor()] };
});

describe("a broker with a witness", () => {
  it("lets it cosign each head, and keeps what it said", async () => {
    await beginEpoch(world);
    for (let i = 0; i < 300; i += 1)
      await world.store.appendEntry({ ...adminDraft(`a-${i}`), time: world.now() }); // in order: the log is
    const note = await keepHead(world);
    expect(heads.get(originOf(AUDIENCE))?.size).toBe(301);
    const said = await world.anchors?.[0]?.said?.(world);
    expect(said?.startsWith(note)).toBe(true);
    expect(await openCosignature(said ?? "", KEY, nodePrimitives)).toBe(world.now());
    const { app } = brokerAtHand(() => ({ store: world.store, anchors: world.anchors ?? [] }), {
      ledgerReaders: "anyone",
    });
    expect(await (await app.request("/v1/ledger/cosigned")).json()).toEqual({ notes: [said] });
    const before = asked.length;
    await keepHead(world); // nothing new, nothing asked
    expect(asked.length).toBe(before);
    expect(asked.at(-1)).toMatch(/^old 1\n(?:\S{44}\n)+\n/);
  });

  it("starts again where it was, or where the witness missed some heads", async () => {
    await beginEpoch(world);
    await write("a", 20);
    await keepHead({ ...world, anchors: [] });
    await beginEpoch({ ...world, anchors: [anchor()] });
    expect(heads.get(originOf(AUDIENCE))?.size).toBe(22);
    await beginEpoch({ ...world, anchors: [anchor()] });
  });

  it("is refused on an empty database, an older one, and one that grew again another way", async () => {
    await beginEpoch(world);
    await write("a", 20);
    await keepHead(world);
    await expect(startOn(createMemoryStore())).rejects.toMatchObject(ROLLED_BACK);
    for (const [count, more] of [
      [10, 0],
      [10, 10],
      [10, 40],
    ] as const) {
      const forked = createMemoryStore();
      for (const { draft } of await world.store.entries(0, count)) await forked.appendEntry(draft); // in order: the log is
      await write("other", more, forked);
      await keepHead({ ...world, store: forked, anchors: [] });
      const size = await forked.ledgerSize();
      await expect(startOn(forked), `${count} and ${more}`).rejects.toMatchObject(ROLLED_BACK);
      expect(await forked.ledgerSize()).toBe(size); // nothing was written, and no head signed
    }
    expect(heads.get(originOf(AUDIENCE))?.size).toBe(21);
  });

  it("is refused where an earlier head was put back over the same entries", async () => {
    await beginEpoch(world);
    const before = await world.store.checkpoint();
    await write("a", 20);
    await keepHead(world);
    const back: Partial<Store> = { checkpoint: async () => before };
    await expect(startOn({ ...world.store, ...back })).rejects.toMatchObject(ROLLED_BACK);
  });

  it("does not start where the witness cannot be asked, unless it may", async () => {
    const silent: AskWitness = async () => {
      throw new Fault("witness/unreachable", "nobody answers");
    };
    await expect(startOn(world.store, anchor(silent))).rejects.toMatchObject({ code: "witness/unreachable" });
    for (const status of [429, 500, 503]) {
      const busy = anchor(async () => ({ status, body: "" }));
      await expect(startOn(world.store, busy)).rejects.toMatchObject({ code: "witness/unreachable" });
    }
    expect(await world.store.ledgerSize()).toBe(0);
    await startOn(world.store, anchor(silent, false));
    expect(broker.lines).toContainEqual(
      expect.objectContaining({ level: "error", event: "witness-not-asked" }),
    );
    expect(await world.store.ledgerSize()).toBe(1);
  });

  it("does not start where the witness will not have its log, or another key answers", async () => {
    const refused = { code: "witness/refused" };
    for (const status of [400, 403, 404, 418]) {
      await expect(
        startOn(
          world.store,
          anchor(async () => ({ status, body: "" })),
        ),
      ).rejects.toMatchObject(refused);
      await expect(
        startOn(
          world.store,
          anchor(async () => ({ status, body: "" }), false),
        ),
      ).rejects.toMatchObject(refused);
    }
    const impostor = witnessed(new Map(), createEd25519Signer("impostor", generateEd25519Pem()));
    await expect(startOn(world.store, anchor(impostor))).rejects.toMatchObject(refused);
    await expect(
      startOn(
        world.store,
        anchor(async () => ({ status: 200, body: "" })),
      ),
    ).rejects.toMatchObject(refused);
    for (const body of ["", "7", "x\n", "-1\n", "7\n7\n"]) {
      await expect(
        startOn(
          world.store,
          anchor(async () => ({ status: 409, body })),
        ),
      ).rejects.toMatchObject(refused);
    }
    expect(await world.store.meta("cosigned witness.example/w1")).toBeUndefined();
  });

  it("takes no cosignature that was made before, whoever answers with it again", async () => {
    await beginEpoch(world);
    const [older, said] = [await world.store.checkpoint(), await world.anchors?.[0]?.said?.(world)];
    const replayed = anchor(async () => ({ status: 200, body: (said ?? "").slice(older?.note.length) }));
    await write("a", 5);
    await keepHead(world);
    const back: Store = { ...world.store, checkpoint: async () => older };
    await replayed.check({ ...world, store: back }); // within the minutes by which clocks may differ
    broker.pass(301);
    await expect(replayed.check({ ...world, store: back })).rejects.toMatchObject({
      code: "witness/refused",
    });
  });

  it("gives up where a witness names another size each time", async () => {
    await write("a", 20);
    let size = 0;
    const fickle: AskWitness = async () => {
      size += 1;
      return { status: 409, body: `${size}\n` };
    };
    await keepHead({ ...world, anchors: [] });
    await expect(startOn(world.store, anchor(fickle))).rejects.toMatchObject({ code: "witness/unreachable" });
    expect(size).toBe(5);
  });

  it("goes on beside another broker of the same log, whoever is quicker", async () => {
    const other: World = { ...world, anchors: [anchor()] };
    await beginEpoch(world);
    await beginEpoch(other);
    for (let i = 0; i < 6; i += 1) {
      await write(`a-${i}`, 3);
      await Promise.all([keepHead(world), keepHead(other)]); // in order: heads of one database
    }
    expect(heads.get(originOf(AUDIENCE))?.size).toBe(20);
    await beginEpoch({ ...world, anchors: [anchor()] });
  });

  it("believes a witness that is ahead of a head it read, once the database is there too", async () => {
    await beginEpoch(world);
    const stale = await world.store.checkpoint();
    await write("a", 5);
    await keepHead(world);
    let reads = 0;
    const checkpoint: Store["checkpoint"] = async () => {
      reads += 1;
      return reads === 1 ? stale : world.store.checkpoint();
    };
    await anchor().check({ ...world, store: { ...world.store, checkpoint } });
  });

  it("has one request under way at most, and waits longer after each failure", async () => {
    let requests = 0;
    let isDown = true;
    let release = (): void => undefined;
    const slow: AskWitness = async (body) => {
      requests += 1;
      if (isDown) throw new Fault("witness/unreachable", "nobody answers");
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return ask(body);
    };
    const own = anchor(slow, false);
    const turns = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i += 1) {
        await own.keep(await keepHead({ ...world, anchors: [] }), world); // in order: one turn a second
        broker.pass(1);
      }
    };
    await turns(60);
    expect(requests).toBe(5); // after 0, 2, 6, 14 and 30 seconds
    isDown = false;
    broker.pass(300);
    const note = await keepHead({ ...world, anchors: [] });
    const first = own.keep(note, world);
    await own.keep(note, world);
    await own.keep(note, world);
    expect(requests).toBe(6);
    release();
    await first;
    expect(heads.size).toBe(1);
  });

  it("says so at each turn where the database was put back while it runs", async () => {
    await beginEpoch(world);
    await write("a", 5);
    await keepHead(world);
    const own = anchor();
    const older = createMemoryStore();
    await write("b", 2, older);
    const swapped = { ...world, store: older, anchors: [own] };
    await expect(keepHead(swapped)).rejects.toMatchObject(ROLLED_BACK);
    broker.pass(10);
    await expect(keepHead(swapped)).rejects.toMatchObject(ROLLED_BACK);
  });
});

function anchor(answers: AskWitness = ask, isRequired = true): Anchor {
  return createWitness({ url: URL_OF_WITNESS, key: KEY, isRequired, ask: answers });
}

function startOn(store: Store, own: Anchor = anchor()): Promise<void> {
  return beginEpoch({ ...world, store, anchors: [own] });
}

async function write(act: string, count: number, store = world.store): Promise<void> {
  for (let i = 0; i < count; i += 1)
    await store.appendEntry({ ...adminDraft(`${act}-${i}`), time: world.now() }); // in order: the log is
}

/** The witness itself, without a socket between. */
function witnessed(kept: Map<string, Checkpoint>, signer = SIGNER): AskWitness {
  const memory: WitnessMemory = {
    last: (origin) => kept.get(origin),
    keep: async (checkpoint) => void kept.set(checkpoint.origin, checkpoint),
  };
  const app = createWitnessApp({
    name: KEY.name,
    signer,
    logs: [{ name: originOf(AUDIENCE), spki: broker.world.ledgerSigner.spki }],
    memory,
    primitives: nodePrimitives,
    now: broker.world.now,
    rateLimit: () => ({ isAllowed: true }),
    log: () => undefined,
  });
  return async (body) => {
    asked.push(body);
    const response = await app(
      new Request(`${URL_OF_WITNESS.replace("/w1", "")}/add-checkpoint`, { method: "POST", body }),
      "",
    );
    return { status: response.status, body: await response.text() };
  };
}
