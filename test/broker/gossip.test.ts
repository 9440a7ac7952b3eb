/** Brokers that hear each other's heads: a fork is named by its entry, shown to anybody, and ends readiness; nobody else's word does. */
import { describe, expect, it } from "vitest";
import { createPeer, listenTo } from "../../src/broker/gossip.ts";
import { keepHead } from "../../src/broker/rollback.ts";
import { logAt } from "../../src/client/log-files.ts";
import { verifyProofFile } from "../../src/ledger/proof-file.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { grow } from "../cli/ledger-run.ts";
import { type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";

const ORIGIN = "broker.example/c/0001";
const PLACE = "https://broker.example";

/** Brokers at hand have one ledger key, and a log each: what must never be. */
async function brokerOf(size: number, prefix?: string, change = {}): Promise<BrokerAtHand> {
  const broker = brokerAtHand(() => change, { ledgerReaders: "anyone" });
  await grow(broker, size, prefix);
  await keepHead(broker.world);
  return broker;
}

const peerAt = ({ app, world }: BrokerAtHand) => ({
  url: `${PLACE}/v1/ledger`,
  key: { name: ORIGIN, spki: world.ledgerSigner.spki },
  read: logAt({
    url: `${PLACE}/v1/ledger`,
    fetch: async (url, init) => app.request(url, init as RequestInit),
    signal: () => AbortSignal.timeout(5000),
  }),
});

const readiness = async ({ app }: BrokerAtHand) => (await app.request(`${PLACE}/readyz`)).status;
const forkOf = async ({ app }: BrokerAtHand) =>
  JSON.parse(await (await app.request(`${PLACE}/v1/ledger/fork`)).text());

describe("a peer with our own log", () => {
  it("is one with us where its log is ours, or begins it", async () => {
    const [one, other] = [await brokerOf(300), await brokerOf(200)];
    expect(await listenTo(peerAt(other), one.world)).toBe("same");
    expect(await listenTo(peerAt(one), one.world)).toBe("same");
    expect(await readiness(one)).toBe(200);
    expect(await forkOf(one)).toEqual({});
  });

  it("shows a fork: the entry is named, two proofs convict the key, and we are not ready", async () => {
    const [one, other] = [await brokerOf(280), await brokerOf(280)];
    await grow(one, 20);
    await grow(other, 90, "other");
    expect(await listenTo(peerAt(other), one.world)).toBe("fork");
    const { kind, entry, evidence } = await forkOf(one);
    expect([kind, entry]).toEqual(["fork", 280]);
    const key = { name: ORIGIN, spki: one.world.ledgerSigner.spki };
    const shown = await Promise.all(
      evidence.map(async (text: string) => (await verifyProofFile(text, key, nodePrimitives)).entry),
    );
    expect(shown.map(({ seq }) => seq)).toEqual([280, 280]);
    expect(shown.map(({ subject }) => subject)).toEqual(["prod/disk-280@1", "other/disk-280@1"]);
    expect(await readiness(one)).toBe(503);
    expect(one.lines.find(({ event }) => event === "ledger-forked")).toMatchObject({
      level: "error",
      entry: 280,
    });
  });

  it("shows a cut: a head over entries that our database has not", async () => {
    const [one, other] = [await brokerOf(10), await brokerOf(12)];
    expect(await listenTo(peerAt(other), one.world)).toBe("cut");
    expect(await forkOf(one)).toMatchObject({ kind: "cut", entry: 10 });
    expect(await readiness(one)).toBe(503);
  });

  it("convicts nobody by what our key did not sign", async () => {
    const [one, other] = [await brokerOf(10), await brokerOf(10, "other")];
    const stranger = { ...peerAt(other), read: async () => new TextEncoder().encode(`${ORIGIN}\n9\n`) };
    expect(await codeOfPromise(listenTo(stranger, one.world))).toBe("ledger/malformed");
    const { read, ...peer } = peerAt(other);
    const lying = {
      ...peer,
      read: async (name: string, most: number) => {
        const bytes = await read(name, most);
        return name.startsWith("tile/0") ? bytes?.map((byte) => byte ^ 1) : bytes;
      },
    };
    expect(await codeOfPromise(listenTo(lying, one.world))).toBe("ledger/inconsistent");
    expect(await readiness(one)).toBe(200);
  });
});

describe("a peer with another log", () => {
  const others = createEd25519Signer("other", generateEd25519Pem());

  it("has to continue what was heard of it; where it does not, it is told of, and we stay ready", async () => {
    const listener = await brokerOf(5);
    const other = await brokerOf(100, "prod", { ledgerSigner: others });
    expect(await listenTo(peerAt(other), listener.world)).toBe("same");
    await grow(other, 30);
    expect(await listenTo(peerAt(other), listener.world)).toBe("same");
    const forked = await brokerOf(140, "other", { ledgerSigner: others });
    expect(await listenTo(peerAt(forked), listener.world)).toBe("fork");
    const cut = await brokerOf(120, "prod", { ledgerSigner: others });
    expect(await listenTo(peerAt(cut), listener.world)).toBe("cut");
    expect(await readiness(listener)).toBe(200);
    expect(listener.lines.filter(({ event }) => event === "peer-forked").map(({ kind }) => kind)).toEqual([
      "fork",
      "cut",
    ]);
    const heads = await listener.world.store.meta(`heard-otherwise ${ORIGIN}`);
    expect(heads?.match(/^\d+$/gm)).toEqual(["130", "140"]);
  });
});

describe("a peer that is told our heads", () => {
  it("is asked each ten seconds, never twice at once, and left alone where it is away", async () => {
    let asked = 0;
    const other = await brokerOf(3);
    const plan = {
      ...peerAt(other),
      read: async () => {
        asked += 1;
        throw new Error("away");
      },
    };
    const broker = await brokerOf(3, "prod", { anchors: [createPeer(plan)] });
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    await settled();
    for (let second = 0; second < 21; second += 1) {
      await keepHead(broker.world); // in order: second by second
      await settled();
      broker.pass(1);
    }
    expect(asked).toBe(3);
    let hanging = 0;
    const silent = await brokerOf(3, "prod", {
      anchors: [
        createPeer({
          ...plan,
          read: () => {
            hanging += 1;
            return new Promise(() => undefined);
          },
        }),
      ],
    });
    silent.pass(600);
    expect(await keepHead(silent.world)).toContain("\n3\n");
    expect(hanging).toBe(1);
  });
});
