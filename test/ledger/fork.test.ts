/** Two logs under one key: the first entry that is another is found by halves, and two proofs convict whoever signed both. */
import { describe, expect, it } from "vitest";
import { encodeEntry, type LedgerEntry } from "../../src/ledger/entry.ts";
import { firstDifference, provenEntry, type TiledLog } from "../../src/ledger/fork.ts";
import { verifyProofFile } from "../../src/ledger/proof-file.ts";
import { openPublishedLog } from "../../src/ledger/published-log.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../support/faults.ts";
import { logOf } from "./entries.ts";
import { KEY } from "./exports.ts";
import { filesOf, readerOf } from "./published.ts";

const { digest } = nodePrimitives;

describe("two logs", () => {
  it.each([
    [700, 700, 0],
    [700, 700, 699],
    [700, 300, 299],
    [257, 700, 256],
    [256, 700, 255],
    [1, 700, 0],
    [513, 512, 100],
  ])("of %i and %i entries part where entry %i is another", async (size, otherSize, seq) => {
    const [one, other] = [await tiled(logOf(size)), await tiled(forkedAt(seq, logOf(otherSize)))];
    expect(await firstDifference(one, other, digest)).toBe(seq);
    expect(await firstDifference(other, one, digest)).toBe(seq);
  });

  it("are one where the longer continues the other", async () => {
    for (const size of [0, 1, 255, 256, 257, 700]) {
      const [one, other] = [await tiled(logOf(size)), await tiled(logOf(700))];
      expect(await firstDifference(one, other, digest)).toBeUndefined();
    }
  });

  it("part at whichever entry of a log was forged", async () => {
    const log = logOf(30);
    const whole = await tiled(log);
    for (let seq = 0; seq < 30; seq += 1) {
      expect(await firstDifference(whole, await tiled(forkedAt(seq, log)), digest)).toBe(seq);
    }
  });

  it("are told apart by some tiles of each, not by all", async () => {
    const files = await filesOf(forkedAt(1000, logOf(5000)));
    const reader = readerOf(files);
    const other = await openedAs("other", reader);
    expect(await firstDifference(await tiled(logOf(5000)), other, digest)).toBe(1000);
    expect(reader.names.length).toBeLessThan(8);
  });

  it("are not compared by tiles that are not those under their own heads", async () => {
    const files = new Map(await filesOf(forkedAt(10, logOf(700))));
    for (const name of ["tile/0/000", "tile/1/000.p/2"]) {
      const lying = new Map(files).set(
        name,
        (files.get(name) ?? new Uint8Array(0)).map((byte) => byte ^ 1),
      );
      const other = await openedAs("other", readerOf(lying));
      expect(await codeOfPromise(firstDifference(await tiled(logOf(700)), other, digest))).toBe(
        "ledger/inconsistent",
      );
    }
  });
});

describe("a log whose tiles nobody signed", () => {
  it("parts from no other, however well its tiles fit together", async () => {
    const log = logOf(700);
    const files = new Map(await filesOf(forkedAt(10, log)));
    files.set("checkpoint", (await filesOf(log)).get("checkpoint") ?? new Uint8Array(0));
    const other = await openedAs("other", readerOf(files));
    expect(await codeOfPromise(firstDifference(await tiled(log), other, digest))).toBe("ledger/inconsistent");
  });
});

describe("what convicts a signer of two logs", () => {
  it("are two proofs of one position under one key", async () => {
    const [one, other] = [await tiled(logOf(700)), await tiled(forkedAt(300, logOf(900)))];
    const proofs = [await provenEntry(one, 300, digest), await provenEntry(other, 300, digest)];
    const entries = await Promise.all(
      proofs.map(async (proof) => (await verifyProofFile(proof, KEY, nodePrimitives)).entry),
    );
    expect(entries.map(({ seq }) => seq)).toEqual([300, 300]);
    expect(entries[0]).not.toEqual(entries[1]);
  });

  it("is never made of an entry that the head does not bear out", async () => {
    const one = await tiled(logOf(700));
    const lying: TiledLog = {
      ...one,
      leafAt: async () => encodeEntry(forkedAt(300, logOf(700))[300] as LedgerEntry),
    };
    expect(await codeOfPromise(provenEntry(lying, 300, digest))).toBe("ledger/inconsistent");
  });
});

function forkedAt(seq: number, log: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return log.map((entry) => (entry.seq === seq ? { ...entry, time: entry.time + 1 } : entry));
}

async function tiled(log: readonly LedgerEntry[]): Promise<TiledLog> {
  return openedAs("a log", readerOf(await filesOf(log)));
}

async function openedAs(name: string, reader: ReturnType<typeof readerOf>): Promise<TiledLog> {
  const { note, checkpoint, tile, bundle } = await openPublishedLog(reader, KEY, nodePrimitives);
  const leafAt = async (seq: number): Promise<Uint8Array> => {
    const position = Math.floor(seq / 256);
    const width = Math.min(checkpoint.size - position * 256, 256);
    return (await bundle({ position, width }))[seq % 256] ?? new Uint8Array(0);
  };
  return { name, note, checkpoint, tile, leafAt };
}
