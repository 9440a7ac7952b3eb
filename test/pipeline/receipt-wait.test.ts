/** A receipt that waits for witnesses: as many as are wanted on one head, no longer than is said, whatever witnesses do; a release waits for none. */
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { keepHead } from "../../src/broker/rollback.ts";
import type { ReceiptWait } from "../../src/broker/world.ts";
import { openCosignature } from "../../src/ledger/cosignature.ts";
import { verifyProofFile } from "../../src/ledger/proof-file.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeReleaseRequest } from "../../src/wire/release.ts";
import { codeOfPromise } from "../support/faults.ts";
import { attemptOf, type GuestBroker, guestBroker, post, releaseOf } from "./guest-at-hand.ts";
import { type Witness, witnessAtHand } from "./witness-at-hand.ts";

const ORIGIN = "broker.example/c/0001";
const MOST_MS = 5000;

/** Time that passes when somebody sleeps; whatever else is to happen meanwhile is told of it. */
function waitAtHand(witnesses: number, meanwhile: (ms: number) => Promise<void> = async () => undefined) {
  let ms = 0;
  const wait: ReceiptWait = {
    witnesses,
    mostMs: MOST_MS,
    milliseconds: () => ms,
    sleep: async (step) => {
      ms += step;
      await meanwhile(ms);
    },
    waiting: { count: 0 },
  };
  return { wait, passed: () => ms };
}

interface Plan {
  readonly witnesses: readonly Witness[];
  readonly wait: ReceiptWait;
}

async function brokerWith({ witnesses, wait }: Plan): Promise<GuestBroker> {
  const anchors = witnesses.map(({ anchor }) => anchor);
  const broker = await guestBroker({ change: () => ({ anchors, receiptWait: wait }) });
  for (const { logs } of witnesses) logs.push({ name: ORIGIN, spki: broker.world.ledgerSigner.spki });
  return broker;
}

async function released(broker: GuestBroker): Promise<string> {
  const { body } = await attemptOf(broker);
  const { decision } = await releaseOf(await post(broker, "/v1/release", body));
  const { evidence } = decodeReleaseRequest(utf8(body));
  const report = evidence.format === "raw" ? evidence.report.slice(0, 672) : new Uint8Array(0);
  return `decision=${decision}&evidence=${hexOf(nodePrimitives.digest("sha256", report))}`;
}

async function receiptOf(query: string, broker: GuestBroker) {
  const answer = await broker.app.request(`https://broker.example/v1/ledger/receipt?${query}`);
  expect(answer.status).toBe(200);
  const key = { name: ORIGIN, spki: broker.world.ledgerSigner.spki };
  const { note, checkpoint } = await verifyProofFile(await answer.text(), key, nodePrimitives);
  return { note, checkpoint, said: answer.headers.get("ostiary-witnesses") };
}

const saysSo = (note: string, { key }: Witness) => codeOfPromise(openCosignature(note, key, nodePrimitives));

describe("a receipt", () => {
  it("waits for as many witnesses as are wanted, on one head, and no longer", async () => {
    const two = [witnessAtHand("one"), witnessAtHand("two")] as const;
    const { wait, passed } = waitAtHand(2, async (ms) => {
      if (ms >= 1000) await keepHead(broker.world);
    });
    const broker = await brokerWith({ witnesses: two, wait });
    const { note, said } = await receiptOf(await released(broker), broker);
    for (const witness of two) expect(await saysSo(note, witness)).toBeUndefined();
    expect([said, passed()]).toEqual(["2/2", 1000]);
    expect(wait.waiting.count).toBe(0);
  });

  it("has the head that both have seen, though each has seen newer ones alone", async () => {
    const [quick, slow] = [witnessAtHand("quick"), witnessAtHand("slow")];
    const { wait } = waitAtHand(2);
    const broker = await brokerWith({ witnesses: [quick, slow], wait });
    const query = await released(broker);
    await keepHead(broker.world);
    const both = await broker.world.store.ledgerSize();
    for (let more = 0; more < 5; more += 1) {
      await broker.admin.putSecret(`prod/more-${more}`, { kind: "static", plaintext: new Uint8Array(32) });
      await keepHead({ ...broker.world, anchors: [quick.anchor] }); // in order: it grows
    }
    const { checkpoint, said } = await receiptOf(query, broker);
    expect([said, checkpoint.size]).toEqual(["2/2", both]);
  });

  it("gives what is there, and says so, when a witness hangs; a release before it waited for nobody", async () => {
    const hanging = witnessAtHand("hanging", () => new Promise(() => undefined));
    const good = witnessAtHand("good");
    const { wait, passed } = waitAtHand(2, async () => {
      void keepHead({ ...broker.world, anchors: [hanging.anchor] });
      await keepHead({ ...broker.world, anchors: [good.anchor] });
    });
    const broker = await brokerWith({ witnesses: [good, hanging], wait });
    const query = await released(broker);
    expect(passed()).toBe(0);
    const { note, said } = await receiptOf(query, broker);
    expect([said, passed()]).toEqual(["1/2", MOST_MS]);
    expect(await saysSo(note, good)).toBeUndefined();
    expect(await saysSo(note, hanging)).toBe("ledger/inconsistent");
  });

  it.each<readonly [string, (answer: string, other: Witness) => string]>([
    ["signs with another key", (answer, other) => answer.replace(/^— \S+/, `— ${other.key.name}`)],
    ["signs nothing", () => ""],
    ["bends its signature", (answer) => answer.replace(/.{8}\n$/, "AAAAAAA=\n")],
  ])("counts no witness that lies: one that %s", async (_, lie) => {
    const [good, other] = [witnessAtHand("good"), witnessAtHand("other")];
    const liar = witnessAtHand("liar", undefined, (answer) => lie(answer, other));
    const { wait } = waitAtHand(2, async () => void (await keepHead(broker.world).catch(() => "")));
    const broker = await brokerWith({ witnesses: [good, liar], wait });
    const { note, said } = await receiptOf(await released(broker), broker);
    expect(said).toBe("1/2");
    expect(await saysSo(note, liar)).not.toBeUndefined();
  });

  it.each<readonly [string, string, (notes: readonly string[]) => string]>([
    [
      "the same word twice, once with a line behind it",
      "1/2",
      (notes) => JSON.stringify([...notes, `${notes[0]}— x AAAAAAAA\n`]),
    ],
    [
      "a word that another key signed",
      "0/2",
      (notes) => JSON.stringify(notes.map((note) => note.replace(/.{12}\n$/, "AAAAAAAAAAA=\n"))),
    ],
    [
      "heads of another log",
      "0/2",
      () => JSON.stringify(["other.example\n1\nAAAA\n\n— other.example AAAAAAAA\n"]),
    ],
    ["what is no list", "0/2", () => "[{"],
    ["what is no note", "0/2", () => JSON.stringify([1, null, "", "x", {}])],
  ])("believes no database: %s", async (_, said, change) => {
    const witness = witnessAtHand("one");
    const { wait } = waitAtHand(2);
    const broker = await brokerWith({ witnesses: [witness], wait });
    const query = await released(broker);
    await keepHead(broker.world);
    const name = `cosigned ${witness.key.name}`;
    const kept = (await broker.world.store.meta(name)) ?? "[]";
    await broker.world.store.putMeta(name, kept, change(JSON.parse(kept)));
    expect((await receiptOf(query, broker)).said).toBe(said);
  });

  it("is given at once where nobody is waited for, and where too many wait already", async () => {
    const broker = await guestBroker();
    expect((await receiptOf(await released(broker), broker)).said).toBe("0/0");
    const { wait, passed } = waitAtHand(1);
    wait.waiting.count = 256;
    const crowded = await brokerWith({ witnesses: [witnessAtHand("one")], wait });
    expect((await receiptOf(await released(crowded), crowded)).said).toBe("0/1");
    expect([passed(), wait.waiting.count]).toEqual([0, 256]);
  });

  it("takes what an earlier version kept of a witness", async () => {
    const witness = witnessAtHand("one");
    const { wait } = waitAtHand(1);
    const broker = await brokerWith({ witnesses: [witness], wait });
    const query = await released(broker);
    await keepHead(broker.world);
    const name = `cosigned ${witness.key.name}`;
    const kept = (await broker.world.store.meta(name)) ?? "[]";
    await broker.world.store.putMeta(name, kept, JSON.parse(kept)[0]);
    expect((await receiptOf(query, broker)).said).toBe("1/1");
  });
});
