/** Are tiles those of C2SP tlog-tiles, whatever a log's size and however it grew? */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, u32be } from "../../src/base/bytes.ts";
import { appendLeaf, emptyFrontier, type Frontier, leafHash, rootOf } from "../../src/ledger/merkle.ts";
import { parseTilePath, tilePath } from "../../src/ledger/tile-path.ts";
import {
  type Edge,
  edgePlaces,
  grownTiles,
  isEdgeOf,
  perfectHash,
  type Tile,
  tilesFor,
  widthIn,
} from "../../src/ledger/tiles.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const { digest } = nodePrimitives;
const LEAVES = Array.from({ length: 70_000 }, (_, i) => leafHash(u32be(i), digest));

describe("tiles", () => {
  it("are as many and as wide as the specification's example of 70,000 entries says", () => {
    const tiles = [...grownInSteps([70_000]).values()];
    const widthsOf = (level: number) =>
      tiles.filter((tile) => tile.level === level).map(({ hashes }) => hashes.length / 32);
    expect(widthsOf(0)).toEqual([...Array.from({ length: 273 }, () => 256), 112]);
    expect(widthsOf(1)).toEqual([256, 17]);
    expect(widthsOf(2)).toEqual([1]);
    expect(widthsOf(3)).toEqual([]);
  });

  it("of a log of 256 entries are a full one, and one of a single hash above it", () => {
    const tiles = grownInSteps([256]);
    expect(tiles.get("0/0")?.hashes.length).toBe(256 * 32);
    expect(hexOf(tiles.get("1/0")?.hashes ?? new Uint8Array(0))).toBe(
      hexOf(rootOf(LEAVES.slice(0, 256), digest)),
    );
    expect(tiles.size).toBe(2);
  });

  it("hold the hashes that the specification defines, on every level", () => {
    const tiles = grownInSteps([70_000]);
    const defined = (level: number, at: number) =>
      rootOf(LEAVES.slice(at * 256 ** level, (at + 1) * 256 ** level), digest);
    for (const [level, at] of [
      [0, 0],
      [0, 69_999],
      [1, 0],
      [1, 200],
      [1, 272],
      [2, 0],
    ] as const) {
      const tile = tiles.get(`${level}/${Math.floor(at / 256)}`);
      const hash = tile?.hashes.slice((at % 256) * 32, ((at % 256) + 1) * 32) ?? new Uint8Array(0);
      expect(hexOf(hash), `${level} ${at}`).toBe(hexOf(defined(level, at)));
    }
  });

  it("are the same however the log grew", () => {
    const steps = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(steps, (sizes) => {
        const inSteps = grownInSteps(sizes);
        const atOnce = grownInSteps([sizes.reduce((a, b) => a + b)]);
        expect(textsOf(inSteps)).toEqual(textsOf(atOnce));
      }),
      { numRuns: 40 },
    );
  });

  it("give the hash of every perfect range of leaves", () => {
    const tiles = grownInSteps([70_000]);
    const ranges = [
      [0, 1],
      [69_999, 70_000],
      [0, 256],
      [256, 288],
      [0, 65_536],
      [65_536, 69_632],
      [4, 8],
      [65_792, 66_048],
    ] as const;
    for (const [start, end] of ranges) {
      const needs = tilesFor([{ start, end }]);
      const made = perfectHash({ start, end }, (place) => cutTile(tiles, place, needs), digest);
      expect(needs.length).toBe(1);
      expect(hexOf(made), `${start}-${end}`).toBe(hexOf(rootOf(LEAVES.slice(start, end), digest)));
    }
  });

  it("are asked for once, as wide as the widest need, on the highest level that has the hash", () => {
    expect(tilesFor([{ start: 0, end: 65_536 }])).toEqual([{ level: 2, position: 0, width: 1 }]);
    const within = [
      { start: 0, end: 4 },
      { start: 8, end: 16 },
    ];
    expect(tilesFor(within)).toEqual([{ level: 0, position: 0, width: 16 }]);
  });
});

describe("the edge of a tree", () => {
  it("is known by its frontier, at every size", () => {
    let frontier: Frontier = emptyFrontier();
    for (let size = 0; size <= 600; size += 1) {
      const edge = edgeAt(size);
      expect(isEdgeOf(edge, frontier, digest), String(size)).toBe(true);
      frontier = appendLeaf(frontier, LEAVES[size] ?? new Uint8Array(0), digest);
      expect(isEdgeOf(edge, frontier, digest), String(size)).toBe(false);
    }
  });

  it("is another as soon as one bit of one hash is", () => {
    const edge = edgeAt(66_001);
    const frontier = frontierAt(66_001);
    expect(isEdgeOf(edge, frontier, digest)).toBe(true);
    for (const [at, tile] of edge.entries()) {
      for (let byte = 0; byte < tile.hashes.length; byte += 37) {
        const hashes = tile.hashes.map((value, i) => (i === byte ? value ^ 1 : value));
        expect(isEdgeOf(edge.toSpliced(at, 1, { ...tile, hashes }), frontier, digest)).toBe(false);
      }
    }
    expect(isEdgeOf(edge.slice(1), frontier, digest)).toBe(false);
  });

  it("has a tile where a level's is not full, and none where it is", () => {
    expect(edgePlaces(0)).toEqual([]);
    expect(edgePlaces(256)).toEqual([{ level: 1, position: 0, width: 1 }]);
    expect(edgePlaces(70_000)).toEqual([
      { level: 0, position: 273, width: 112 },
      { level: 1, position: 1, width: 17 },
      { level: 2, position: 0, width: 1 },
    ]);
    expect(widthIn(70_000, { level: 0, position: 272 })).toBe(256);
    expect(widthIn(70_000, { level: 0, position: 274 })).toBe(0);
  });
});

describe("the path of a tile", () => {
  it("is read as the specification spells it", () => {
    expect(parseTilePath("0/x001/x234/067")).toEqual({ level: 0, position: 1_234_067, width: 256 });
    expect(parseTilePath("2/000.p/1")).toEqual({ level: 2, position: 0, width: 1 });
    expect(parseTilePath("63/999.p/255")).toEqual({ level: 63, position: 999, width: 255 });
    expect(parseTilePath("entries/x001/000")).toEqual({ level: "entries", position: 1000, width: 256 });
  });

  it("has one spelling", () => {
    const bad =
      "0/1|0/x000/001|0/x001|0/001/002|00/001|64/001|0/001.p/0|0/001.p/256|0/001.p/01|-1/001|0/001.p|0/001/|/0/001|data/001|0/0001|entries/001.p/256|0/001.p/1 |0/٠٠١";
    for (const path of bad.split("|")) expect(parseTilePath(path), path).toBeUndefined();
    const tile = fc.record({
      level: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant("entries" as const)),
      position: fc.integer({ min: 0, max: 999_999_999_999_999 }),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(fc.property(tile, (named) => void expect(parseTilePath(tilePath(named))).toEqual(named)));
    fc.assert(
      fc.property(fc.string(), (text) => {
        const named = parseTilePath(text);
        expect(named === undefined || tilePath(named) === text).toBe(true);
      }),
    );
  });
});

function grownInSteps(sizes: readonly number[]): Map<string, Tile> {
  const tiles = new Map<string, Tile>();
  let size = 0;
  for (const step of sizes) {
    const edge = edgePlaces(size).map((need) => cutTile(tiles, need, [need]));
    for (const tile of grownTiles(edge, size, LEAVES.slice(size, size + step), digest)) {
      tiles.set(`${tile.level}/${tile.position}`, tile);
    }
    size += step;
  }
  return tiles;
}

function cutTile(
  tiles: ReadonlyMap<string, Tile>,
  { level, position }: { readonly level: number; readonly position: number },
  needs: readonly { readonly level: number; readonly position: number; readonly width: number }[],
): Tile {
  const tile = tiles.get(`${level}/${position}`);
  const need = needs.find((one) => one.level === level && one.position === position);
  if (tile === undefined || need === undefined)
    throw new Error(`tile ${level}/${position} was not asked for`);
  return { ...tile, hashes: tile.hashes.slice(0, need.width * 32) };
}

function edgeAt(size: number): Edge {
  const tiles = grownInSteps(size === 0 ? [] : [size]);
  return edgePlaces(size).map((need) => cutTile(tiles, need, [need]));
}

function frontierAt(size: number): Frontier {
  return LEAVES.slice(0, size).reduce((grown, hash) => appendLeaf(grown, hash, digest), emptyFrontier());
}

function textsOf(tiles: ReadonlyMap<string, Tile>): Readonly<Record<string, string>> {
  return Object.fromEntries([...tiles].sort().map(([key, { hashes }]) => [key, hexOf(concatBytes(hashes))]));
}
