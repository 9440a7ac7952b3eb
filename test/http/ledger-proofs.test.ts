/** What does the broker hand out about its tree, to whom, and for how long may it be kept? */
import { describe, expect, it } from "vitest";
import { parseBase64Url } from "../../src/base/bytes.ts";
import { openCheckpoint, originOf } from "../../src/ledger/checkpoint.ts";
import { leafHash } from "../../src/ledger/merkle.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { adminDraft } from "../contract/store/examples.ts";
import { ReferenceTree, rootOfInclusion } from "../support/rfc9162.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand } from "./broker-at-hand.ts";

const KEPT = "max-age=31536000, immutable";

describe("proofs over HTTP", () => {
  it("show an entry that was just written under the head that comes with it", async () => {
    const { app, world, tree } = await openBroker(300);
    const answer = JSON.parse(await (await app.request("/v1/ledger/inclusion?seq=299")).text());
    const own = { origin: originOf(AUDIENCE), spki: world.ledgerSigner.spki };
    const head = await openCheckpoint(answer.checkpoint, own, nodePrimitives);
    expect([answer.seq, answer.size, head.size]).toEqual([299, 300, 300]);
    const made = rootOfInclusion(bytes(answer.leaf), 299, 300, answer.proof.map(bytes));
    expect(made).toEqual(Buffer.from(head.root));
    expect(bytes(answer.root)).toEqual(head.root);
    const earlier = JSON.parse(await (await app.request("/v1/ledger/inclusion?seq=7&size=100")).text());
    expect(answer.checkpoint).toBe(earlier.checkpoint);
    expect(rootOfInclusion(bytes(earlier.leaf), 7, 100, earlier.proof.map(bytes))).toEqual(tree.root(0, 100));
  });

  it("show that the log continues what it was", async () => {
    const { app, tree } = await openBroker(300);
    const { from, size, fromRoot, root, proof } = JSON.parse(
      await (await app.request("/v1/ledger/consistency?from=77")).text(),
    );
    expect([from, size]).toEqual([77, 300]);
    expect([bytes(fromRoot), bytes(root)]).toEqual([tree.root(0, 77), tree.root(0, 300)].map(plain));
    expect(proof.map(bytes)).toEqual(tree.subproof(77, 0, 300).map(plain));
    const part = JSON.parse(await (await app.request("/v1/ledger/consistency?from=77&size=80")).text());
    expect(part.proof.map(bytes)).toEqual(tree.subproof(77, 0, 80).map(plain));
  });

  it("are refused for what is not there, and for what is no number", async () => {
    const { app } = await openBroker(10);
    const statusOf = async (path: string) => (await app.request(`/v1/ledger/${path}`)).status;
    for (const path of [
      "inclusion?seq=10",
      "inclusion?seq=3&size=11",
      "inclusion?seq=3&size=3",
      "consistency?from=11",
    ]) {
      expect(await statusOf(path), path).toBe(404);
    }
    for (const path of [
      "inclusion",
      "inclusion?seq=",
      "inclusion?seq=-1",
      "inclusion?seq=1&seq=2",
      "consistency?from=0",
      "consistency?from=1&to=2",
      "inclusion?seq=9999999999999999",
    ]) {
      expect(await statusOf(path), path).toBe(400);
    }
    expect(
      (await brokerAtHand(undefined, { ledgerReaders: "anyone" }).app.request("/v1/ledger/inclusion?seq=0"))
        .status,
    ).toBe(404);
  });
});

describe("tiles over HTTP", () => {
  it("are the bytes that C2SP tlog-tiles names, to be kept for ever", async () => {
    const { app, tree } = await openBroker(600);
    const full = await app.request("/v1/ledger/tile/0/001");
    expect(full.headers.get("content-type")).toBe("application/octet-stream");
    expect(full.headers.get("cache-control")).toBe(`public, ${KEPT}`);
    const hashes = Array.from({ length: 256 }, (_, i) => tree.root(256 + i, 257 + i));
    expect(await bodyOf(full)).toEqual(Buffer.concat(hashes));
    const part = await app.request("/v1/ledger/tile/1/000.p/2");
    expect(await bodyOf(part)).toEqual(Buffer.concat([tree.root(0, 256), tree.root(256, 512)]));
    const narrow = await app.request("/v1/ledger/tile/0/002.p/5"); // of a head that there was before
    expect(await bodyOf(narrow)).toEqual(
      Buffer.concat(Array.from({ length: 5 }, (_, i) => tree.root(512 + i, 513 + i))),
    );
  });

  it("of entries hold the leaves under a tile, each with its length before it", async () => {
    const { app, world } = await openBroker(300);
    const bundle = await bodyOf(await app.request("/v1/ledger/tile/entries/001.p/44"));
    const leaves: Buffer[] = [];
    for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at)) {
      leaves.push(bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at)));
    }
    expect(leaves.map((leaf) => JSON.parse(String(leaf)).seq)).toEqual(
      Array.from({ length: 44 }, (_, i) => 256 + i),
    );
    const tile = await bodyOf(await app.request("/v1/ledger/tile/0/001.p/44"));
    expect(Buffer.concat(leaves.map((leaf) => leafHash(leaf, world.primitives.digest)))).toEqual(tile);
  });

  it("are not there beyond the head, under another spelling, or for strangers where only admins read", async () => {
    const { app } = await openBroker(600);
    for (const path of [
      "0/003",
      "0/002",
      "0/002.p/89",
      "1/000",
      "2/000.p/1",
      "0/2",
      "0/x000/001",
      "entries/003",
      "0/001.p/256",
      "data/001",
      "",
    ]) {
      const answer = await app.request(`/v1/ledger/tile/${path}`);
      expect([path, answer.status, answer.headers.get("cache-control")]).toEqual([path, 404, "no-store"]);
    }
    for (const path of ["tile/0/000.p/1", "inclusion?seq=0", "consistency?from=1", "cosigned"]) {
      expect((await brokerAtHand().app.request(`/v1/ledger/${path}`)).status).toBe(401);
    }
  });

  it("are refused, and kept by nobody, where the database has others than were signed", async () => {
    const { app, world } = await openBroker(600);
    const tile = await world.store.tile({ level: 0, position: 1 });
    const hostile = brokerAtHand(
      () => ({
        ledgerSigner: world.ledgerSigner,
        store: {
          ...world.store,
          tile: async (place) =>
            place.level === 0 && place.position === 1 && tile !== undefined
              ? { ...tile, hashes: tile.hashes.with(40, (tile.hashes[40] ?? 0) ^ 1) }
              : world.store.tile(place),
          entries: async (from, limit) =>
            (await world.store.entries(from, limit)).map((entry) =>
              entry.seq === 9 ? { ...entry, draft: adminDraft("edited") } : entry,
            ),
        },
      }),
      { ledgerReaders: "anyone" },
    );
    for (const path of [
      "tile/0/001",
      "tile/0/001.p/200",
      "tile/entries/001",
      "tile/entries/000",
      "inclusion?seq=9",
      "inclusion?seq=300",
    ]) {
      const answer = await hostile.app.request(`/v1/ledger/${path}`);
      expect([path, answer.status, answer.headers.get("cache-control")]).toEqual([path, 500, "no-store"]);
    }
    expect((await hostile.app.request("/v1/ledger/tile/0/000")).status).toBe(200);
    expect((await app.request("/v1/ledger/tile/0/001")).status).toBe(200);
  });
});

/** A broker whose log anybody may read, and the tree of its leaves as the definition has it. */
async function openBroker(size: number): Promise<BrokerAtHand & { readonly tree: ReferenceTree }> {
  const broker = brokerAtHand(undefined, { ledgerReaders: "anyone" });
  for (let i = 0; i < size; i += 1) await broker.world.store.appendEntry(adminDraft(`act-${i}`)); // in order: the log is
  await broker.admin.checkpoint();
  const pages = await Promise.all([0, 256, 512].map((from) => broker.admin.ledgerPage(from, 256)));
  return { ...broker, tree: new ReferenceTree(pages.flatMap(({ entries }) => entries)) };
}

function bytes(text: string): Uint8Array {
  const parsed = parseBase64Url(text);
  if (parsed === undefined) throw new Error("no base64url");
  return parsed;
}

function plain(bytesOfNode: Buffer): Uint8Array {
  return Uint8Array.from(bytesOfNode);
}

async function bodyOf(response: Response): Promise<Buffer> {
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}
