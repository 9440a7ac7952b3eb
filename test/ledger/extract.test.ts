/** An auditor with a part of a log, one public key and the head of last month: what is not that part, there, is found. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { encodeEntry, type LedgerEntry } from "../../src/ledger/entry.ts";
import { type ExtractHead, encodeExtractHead, type Held, verifyExtract } from "../../src/ledger/extract.ts";
import type { NoteKey } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { ReferenceTree } from "../support/rfc9162.ts";
import { logOf } from "./entries.ts";
import { exportOf, KEY, lineOf, linesAsBytes, noteOver, ORIGIN, VERIFIER_KEY } from "./exports.ts";

const LOG = logOf(20);

describe("a good extract, made as RFC 9162 defines its proofs", () => {
  it("is verified, wherever it lies in whichever log, beside whichever head is held", async () => {
    const place = fc.integer({ min: 1, max: 70 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        from: fc.integer({ min: 0, max: size - 1 }),
        to: fc.integer({ min: 1, max: size }),
        since: fc.integer({ min: 1, max: size }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(place, async ({ size, from, to, since }) => {
        fc.pre(from < to);
        const log = logOf(size);
        const verified = await verify(await extractOf(log, { from, to, since }), heldOf(log, since, to));
        expect(verified).toMatchObject({ from, to, since, key: KEY, checkpoint: { origin: ORIGIN, size } });
        expect(Object.values(verified.counts).reduce((sum, count) => sum + count, 0)).toBe(to - from);
      }),
      { numRuns: 200 },
    );
  });

  it("needs no head that is held, and says then that it continues none", async () => {
    const verified = await verify(await extractOf(LOG, { from: 7, to: 13, since: 7 }), undefined);
    expect(verified.since).toBeUndefined();
  });
});

interface Tampering {
  readonly name: string;
  readonly tamper: (lines: readonly string[]) => readonly string[] | Promise<readonly string[]>;
  readonly entry?: number;
  readonly place: string;
}

/** Of entries 7 to 12 of 20: entry n stands on line n - 6. */
const RANGE = { from: 7, to: 13, since: 7 };

const TAMPERINGS: readonly Tampering[] = [
  ...[
    {
      name: "the first entry deleted",
      tamper: (lines: readonly string[]) => lines.toSpliced(1, 1),
      entry: 7,
    },
    { name: "a gap", tamper: (lines: readonly string[]) => lines.toSpliced(3, 2), entry: 9 },
    { name: "the end cut off", tamper: (lines: readonly string[]) => lines.slice(0, -2), entry: 11 },
    {
      name: "an entry twice",
      tamper: (lines: readonly string[]) => lines.toSpliced(3, 0, at(lines, 2)),
      entry: 9,
    },
    { name: "two entries swapped", tamper: (lines: readonly string[]) => swapped(lines, 2, 5), entry: 8 },
    {
      name: "an entry of the log too many",
      tamper: (lines: readonly string[]) => [...lines, lineOf(entryOf(13))],
      entry: 13,
    },
    {
      name: "an entry ahead of it",
      tamper: (lines: readonly string[]) => lines.toSpliced(1, 0, lineOf(entryOf(6))),
      entry: 7,
    },
    {
      name: "a leaf edited",
      tamper: (lines: readonly string[]) => edited(lines, 3, '"v":1', '"v":2'),
      entry: 9,
    },
    { name: "an empty line", tamper: (lines: readonly string[]) => lines.toSpliced(4, 0, ""), entry: 10 },
  ].map((one) => ({ ...one, place: `entry ${one.entry}` })),
  {
    name: "a leaf edited with its hash",
    tamper: (lines) => lines.with(3, lineOf({ ...entryOf(9), time: 1_790_000_005 })),
    place: "checkpoint",
  },
  {
    name: "a hash on the left swapped",
    tamper: (lines) => headed(lines, ({ left }) => ({ left: left.toReversed() })),
    place: "checkpoint",
  },
  {
    name: "a hash on the left too few",
    tamper: (lines) => headed(lines, ({ left }) => ({ left: left.slice(1) })),
    place: "left",
  },
  {
    name: "the proof on the right swapped",
    tamper: (lines) => headed(lines, ({ right }) => ({ right: right.toReversed() })),
    place: "checkpoint",
  },
  {
    name: "the proof on the right taken out",
    tamper: (lines) => headed(lines, () => ({ right: [] })),
    place: "checkpoint",
  },
  {
    name: "a head that says another end",
    tamper: (lines) => headed(lines, () => ({ to: 12 })),
    place: "entry 12",
    entry: 12,
  },
  {
    name: "a head that says another beginning",
    tamper: (lines) => headed(lines, () => ({ from: 11 })),
    place: "entry 7",
    entry: 7,
  },
  {
    name: "an end beyond the signed head",
    tamper: (lines) => headed(lines, () => ({ to: 21 })),
    place: "head",
  },
  { name: "no entries", tamper: (lines) => headed(lines.slice(0, 1), () => ({ to: 7 })), place: "head" },
  {
    name: "the proof for the head that is held taken out",
    tamper: (lines) => withoutSince(lines),
    place: "since",
  },
  {
    name: "the proof for another head",
    tamper: (lines) => headed(lines, ({ since }) => ({ since: { size: 8, proof: since?.proof ?? [] } })),
    place: "since",
  },
  {
    name: "the proof for that head bent",
    tamper: (lines) =>
      headed(lines, ({ since }) => ({ since: { size: 7, proof: (since?.proof ?? []).toReversed() } })),
    place: "since",
  },
  {
    name: "an older signed head",
    tamper: async (lines) => resigned(lines, await noteOver(LOG.slice(0, 15))),
    place: "since",
  },
  {
    name: "the head of another history",
    tamper: async (lines) => resigned(lines, await noteOver(LOG.toReversed())),
    place: "since",
  },
  {
    name: "the head of another log",
    tamper: async (lines) => resigned(lines, await noteOver(LOG, "other.example")),
    place: "checkpoint",
  },
  {
    name: "an origin that is not the key's",
    tamper: (lines) => headed(lines, () => ({ origin: "other.example" })),
    place: "checkpoint",
  },
];

describe("of a hostile extract the place is named", () => {
  it.each(TAMPERINGS)("$name", async ({ tamper, entry, place }) => {
    const lines = await tamper(await extractOf(LOG, RANGE));
    const said = await refusalOf(lines, heldOf(LOG, 7));
    expect(said).toEqual({ code: "ledger/inconsistent", entry, place });
  });

  it("wherever in whichever entry a character was changed", async () => {
    const good = await extractOf(LOG, RANGE);
    for (const [number, line] of good.entries()) {
      for (let i = 0; number > 0 && i < line.length; i += 3) {
        const changed = `${line.slice(0, i)}\u0001${line.slice(i + 1)}`;
        const { entry } = await refusalOf(good.with(number, changed), heldOf(LOG, 7));
        expect(entry, `line ${number}, character ${i}`).toBe(number + 6);
      }
    }
  });

  it("where it leaves a gap behind what is held, however genuine it is", async () => {
    const genuine = await extractOf(LOG, { from: 9, to: 13, since: 7 });
    expect(await refusalOf(genuine, heldOf(LOG, 7))).toEqual({
      code: "ledger/inconsistent",
      entry: 7,
      place: "entry 7",
    });
    expect((await verify(genuine, undefined)).from).toBe(9);
  });

  it("where the auditor holds another history under the same key", async () => {
    const theirs = heldOf(LOG.with(3, { ...entryOf(3), time: 1_790_000_005 }), 7);
    expect(await refusalOf(await extractOf(LOG, RANGE), theirs)).toMatchObject({ place: "since" });
  });

  it("whatever else its lines hold", async () => {
    const [head = ""] = await extractOf(LOG, RANGE);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: "binary" }), { maxLength: 4 }), async (hostile) => {
        expect((await refusalOf(hostile, undefined)).code).toMatch(/^ledger\//);
        expect((await refusalOf([head, ...hostile], undefined)).entry).toBe(7);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what is no extract", () => {
  it.each<readonly [string, (head: ExtractHead) => object]>([
    [
      "a whole export",
      ({ v: _, from: _f, to: _t, left: _l, right: _r, since: _s, ...head }) => ({ v: 1, ...head }),
    ],
    ["a position that is no whole number", (head) => ({ ...head, from: 7.5 })],
    ["a position below zero", (head) => ({ ...head, from: -1 })],
    ["more hashes than any log has", (head) => ({ ...head, right: Array(65).fill(head.left[0]) })],
    ["a hash of another size", (head) => ({ ...head, left: ["AAAA"] })],
    ["a member more", (head) => ({ ...head, note: "x" })],
  ])("is refused as such: %s", async (_name, change) => {
    const lines = await extractOf(LOG, RANGE);
    const head = JSON.stringify(change(headIn(lines)));
    expect((await refusalOf(lines.with(0, head), undefined)).code).toBe("ledger/malformed");
  });

  it("is refused as such: an export, a file without a line", async () => {
    expect((await refusalOf(await exportOf(LOG), undefined)).code).toBe("ledger/malformed");
    expect((await refusalOf([], undefined)).code).toBe("ledger/malformed");
  });
});

/** By the definitions of the RFC alone. */
async function extractOf(
  log: readonly LedgerEntry[],
  { from, to, since }: { readonly from: number; readonly to: number; readonly since: number },
): Promise<readonly string[]> {
  const tree = new ReferenceTree(log.map(encodeEntry));
  const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString("base64");
  // PATH of the first entry, leaf to root, without what stands on its right: subtrees of sizes that are the binary digits of `from`.
  const left: string[] = [];
  for (let width = 2 ** 10, before = 0; width >= 1; width /= 2) {
    if (before + width > from) continue;
    left.push(base64(tree.root(before, before + width)));
    before += width;
  }
  const head: ExtractHead = {
    v: 2,
    origin: ORIGIN,
    checkpoint: await noteOver(log),
    key: VERIFIER_KEY,
    from,
    to,
    left,
    right: tree.subproof(to, 0, log.length).map(base64),
    since: { size: since, proof: tree.subproof(since, 0, log.length).map(base64) },
  };
  return [new TextDecoder().decode(encodeExtractHead(head)), ...log.slice(from, to).map(lineOf)];
}

function heldOf(log: readonly LedgerEntry[], size: number, end = size): Held {
  const tree = new ReferenceTree(log.map(encodeEntry));
  return {
    checkpoint: { origin: ORIGIN, size, root: Uint8Array.from(tree.root(0, size)) },
    end: Math.max(end, size),
  };
}

function verify(lines: readonly string[], held: Held | undefined, trusted: NoteKey | undefined = KEY) {
  return verifyExtract(linesAsBytes(lines), { trusted, held }, nodePrimitives);
}

async function refusalOf(lines: readonly string[], held: Held | undefined) {
  try {
    await verify(lines, held);
    return { code: undefined, entry: undefined, place: undefined };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    const { entry, place = "checkpoint" } = thrown.detail;
    return { code: thrown.code, entry, place };
  }
}

function headIn([first = ""]: readonly string[]): ExtractHead {
  return JSON.parse(first);
}

function headed(
  lines: readonly string[],
  change: (head: ExtractHead) => Partial<ExtractHead>,
): readonly string[] {
  const head = headIn(lines);
  return lines.with(0, JSON.stringify({ ...head, ...change(head) }));
}

function withoutSince(lines: readonly string[]): readonly string[] {
  const { since: _, ...head } = headIn(lines);
  return lines.with(0, JSON.stringify(head));
}

function resigned(lines: readonly string[], checkpoint: string): readonly string[] {
  return headed(lines, () => ({ checkpoint }));
}

function at(lines: readonly string[], number: number): string {
  return lines[number] ?? "";
}

function swapped(lines: readonly string[], a: number, b: number): readonly string[] {
  return lines.with(a, at(lines, b)).with(b, at(lines, a));
}

function edited(lines: readonly string[], number: number, from: string, to: string): readonly string[] {
  if (!at(lines, number).includes(from)) throw new Error(`line ${number} has no ${from}`);
  return lines.with(number, at(lines, number).replace(from, to));
}

function entryOf(seq: number): LedgerEntry {
  const entry = LOG[seq];
  if (entry === undefined) throw new Error("the log is shorter");
  return entry;
}
