/** A log in files, as C2SP tlog-tiles lays them: whole it is verified, and whatever was done to it is named by its place. */
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { encodeEntry } from "../../src/ledger/entry.ts";
import { encodeBundle, parseBundle } from "../../src/ledger/log-files.ts";
import { openPublishedLog, verifyPublishedLog } from "../../src/ledger/published-log.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../support/faults.ts";
import { logOf } from "./entries.ts";
import { KEY, noteOver } from "./exports.ts";
import { type Files, filesOf, readerOf } from "./published.ts";

const LOG = logOf(600);
const WHOLE = await filesOf(LOG);
const SHORTER = await noteOver(LOG.slice(0, 599));
const OTHER = await noteOver(
  LOG.map((entry) => (entry.seq === 599 ? { ...entry, time: entry.time + 1 } : entry)),
);

describe("a log in files", () => {
  it.each([0, 1, 255, 256, 257, 600])("of %i entries is verified", async (size) => {
    const counts = await verify(await filesOf(logOf(size)));
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(size);
  });

  it("is verified where a log that grew has the wider files only", async () => {
    const [old, grown] = [await filesOf(logOf(300)), await filesOf(logOf(512))];
    const kept = ["checkpoint", "tile/1/000.p/1"].map((name) => [name, fileOf(old, name)] as const);
    expect(await verify(new Map([...grown, ...kept]))).toBeDefined();
  });

  const bundle = "tile/entries/001";
  const forged = encodeBundle(
    LOG.slice(256, 512).map((entry) =>
      encodeEntry(entry.seq === 300 ? { ...entry, time: entry.time + 1 } : entry),
    ),
  );
  const stretched = concatBytes(fileOf(WHOLE, bundle), utf8("\0\u0001x"));
  it.each([
    ["an entry edited", { [bundle]: forged }, "entry 300"],
    ["a bundle cut off", { [bundle]: fileOf(WHOLE, bundle).slice(0, -1) }, "bundle 1"],
    ["a bundle stretched", { [bundle]: stretched }, "bundle 1"],
    ["a bundle of others", { [bundle]: fileOf(WHOLE, "tile/entries/000") }, "entry 256"],
    ["a bundle gone", { [bundle]: undefined }, "tile/entries/001"],
    ["a tile of entries gone", { "tile/0/001": undefined }, "tile/0/001"],
    [
      "a tile of entries edited",
      { "tile/0/001": flipped(fileOf(WHOLE, "tile/0/001"), 44 * 32) },
      "entry 300",
    ],
    ["a tile of entries cut off", { "tile/0/001": fileOf(WHOLE, "tile/0/001").slice(32) }, "tile 0/1"],
    ["an upper tile edited", { "tile/1/000.p/2": flipped(fileOf(WHOLE, "tile/1/000.p/2"), 3) }, "tile 1/0"],
    ["an upper tile gone", { "tile/1/000.p/2": undefined }, "tile/1/000.p/2"],
    ["a head over fewer", { checkpoint: utf8(SHORTER) }, "tile/entries/002.p/87"],
    ["a head over others", { checkpoint: utf8(OTHER) }, "checkpoint"],
  ])("%s is named by its place", async (_, changes, place) => {
    const files = new Map(WHOLE);
    for (const [name, bytes] of Object.entries(changes)) {
      if (bytes === undefined) files.delete(name);
      else files.set(name, bytes);
    }
    await expect(verify(files)).rejects.toMatchObject({ code: "ledger/inconsistent", detail: { place } });
  });

  it("is none without a head, or under another key's", async () => {
    expect(await codeOfPromise(verify(new Map()))).toBe("ledger/malformed");
    const other = openPublishedLog(readerOf(WHOLE), { ...KEY, name: "other.example" }, nodePrimitives);
    expect(await codeOfPromise(other)).toBe("ledger/inconsistent");
  });

  it("takes the memory of a few files, whatever its length", async () => {
    const reader = readerOf(WHOLE);
    await verifyPublishedLog(await openPublishedLog(reader, KEY, nodePrimitives), nodePrimitives);
    expect(new Set(reader.names).size).toBe(reader.names.length);
  });
});

describe("a bundle of entries", () => {
  it("is read as it was written, and no other way", () => {
    const leaves = [utf8("a"), utf8(""), utf8("bcd")];
    const bytes = encodeBundle(leaves);
    expect(parseBundle(bytes, { position: 0, width: 3 })).toEqual(leaves);
    for (const width of [2, 4]) expect(() => parseBundle(bytes, { position: 0, width })).toThrow(Fault);
    for (let size = 0; size < bytes.length; size += 1) {
      expect(() => parseBundle(bytes.slice(0, size), { position: 0, width: 3 })).toThrow(Fault);
    }
  });
});

async function verify(files: Files) {
  return verifyPublishedLog(await openPublishedLog(readerOf(files), KEY, nodePrimitives), nodePrimitives);
}

function fileOf(files: Files, name: string): Uint8Array {
  return files.get(name) ?? new Uint8Array(0);
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}
