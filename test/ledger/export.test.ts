/** An auditor with an export and one public key: what was cut out or changed is found, and its place named. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import type { LedgerEntry } from "../../src/ledger/entry.ts";
import { verifyExport } from "../../src/ledger/export.ts";
import type { NoteKey } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { logOf } from "./entries.ts";
import { exportOf, headLine, KEY, lineOf, linesAsBytes, noteOver, ORIGIN, VERIFIER_KEY } from "./exports.ts";

const LOG = logOf(12);

describe("a good export", () => {
  it.each([0, 1, 2, 7, 12, 64, 65])("of %i entries is verified, and counted by kind", async (size) => {
    const { checkpoint, counts, key } = await verify(await exportOf(logOf(size)));
    expect(checkpoint).toMatchObject({ origin: ORIGIN, size });
    expect(key).toEqual(KEY);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(size);
  });

  it("counts what auditors ask first", async () => {
    const { counts } = await verify(await exportOf(logOf(7)));
    expect(counts).toEqual({ allowed: 2, denied: 1, releaseFailed: 1, admin: 2, epoch: 1 });
  });

  it("agrees with itself where no key is given, and says by which key", async () => {
    const { key } = await verify(await exportOf(LOG), "none");
    expect(key).toEqual(KEY);
  });
});

interface Tampering {
  readonly name: string;
  readonly tamper: (lines: readonly string[]) => readonly string[] | Promise<readonly string[]>;
  /** The place that must be named; `undefined` where no entry is to blame. */
  readonly entry: number | undefined;
}

/** Entry n stands on line n + 1. */
const TAMPERINGS: readonly Tampering[] = [
  { name: "the first entry deleted", tamper: (lines) => lines.toSpliced(1, 1), entry: 0 },
  { name: "an entry deleted", tamper: (lines) => lines.toSpliced(6, 1), entry: 5 },
  { name: "the last entry deleted", tamper: (lines) => lines.slice(0, -1), entry: 11 },
  { name: "the second half cut off", tamper: (lines) => lines.slice(0, 7), entry: 6 },
  { name: "every entry cut off", tamper: (lines) => lines.slice(0, 1), entry: 0 },
  { name: "two neighbours swapped", tamper: (lines) => swapped(lines, 4, 5), entry: 3 },
  { name: "first and last swapped", tamper: (lines) => swapped(lines, 1, 12), entry: 0 },
  { name: "an entry twice", tamper: (lines) => lines.toSpliced(5, 0, lines[4] ?? ""), entry: 4 },
  { name: "an entry more", tamper: (lines) => [...lines, lineOf(logOf(13)[12] ?? LOG0)], entry: 12 },
  { name: "an empty line more", tamper: (lines) => [...lines, ""], entry: 12 },
  { name: "an empty line between", tamper: (lines) => lines.toSpliced(3, 0, ""), entry: 2 },
  { name: "a value edited", tamper: (lines) => edited(lines, 3, '"version":3', '"version":4'), entry: 2 },
  {
    name: "an outcome turned",
    tamper: (lines) => edited(lines, 4, '"kind":"decision"', '"kind":"admin"'),
    entry: 3,
  },
  { name: "a deleted entry renumbered over", tamper: renumbered, entry: 5 },
  { name: "an entry that is no JSON", tamper: (lines) => lines.toSpliced(3, 1, "{"), entry: 2 },
  { name: "a space in a leaf", tamper: (lines) => edited(lines, 3, '"v":1', '"v": 1'), entry: 2 },
  {
    name: "a hash edited",
    tamper: (lines) =>
      edited(lines, 3, '{"hash":"', '{"hash":"0').map((line, i) =>
        i === 3 ? line.replace(/^(.{73})./, "$1") : line,
      ),
    entry: 2,
  },
  {
    name: "a line with something after it",
    tamper: (lines) => lines.map((line, i) => (i === 3 ? `${line} ` : line)),
    entry: 2,
  },
  {
    name: "an entry edited together with its hash",
    tamper: (lines) => lines.toSpliced(3, 1, lineOf({ ...LOG2, vmpl: 1 })),
    entry: undefined,
  },
  {
    name: "an older head put in",
    tamper: async (lines) => lines.with(0, headLine(await noteOver(LOG.slice(0, 9)))),
    entry: 9,
  },
  {
    name: "a newer head put in",
    tamper: async (lines) => lines.with(0, headLine(await noteOver(logOf(14)))),
    entry: 12,
  },
  {
    name: "the head of another history",
    tamper: async (lines) => lines.with(0, headLine(await noteOver(LOG.toReversed()))),
    entry: undefined,
  },
  {
    name: "the head of another log",
    tamper: async (lines) => lines.with(0, headLine(await noteOver(LOG, "other.example"))),
    entry: undefined,
  },
  {
    name: "a head whose size was edited",
    tamper: (lines) => edited(lines, 0, "\\n12\\n", "\\n11\\n"),
    entry: undefined,
  },
  {
    name: "a head that names another log",
    tamper: (lines) => edited(lines, 0, '"origin":"broker', '"origin":"breker'),
    entry: undefined,
  },
];

describe("tampering is found and its place named", () => {
  it.each(TAMPERINGS)("$name", async ({ tamper, entry }) => {
    const lines = await tamper(await exportOf(LOG));
    expect(await refusalOf(lines)).toEqual({ code: "ledger/inconsistent", entry });
  });

  it("whichever character of whichever entry was changed", async () => {
    const good = await exportOf(logOf(4));
    for (const [number, line] of good.entries()) {
      for (let at = 0; number > 0 && at < line.length; at += 1) {
        const changed = `${line.slice(0, at)}\u0001${line.slice(at + 1)}`;
        const { code, entry } = await refusalOf(good.with(number, changed));
        expect([code, entry], `line ${number}, character ${at}`).toEqual(["ledger/inconsistent", number - 1]);
      }
    }
  });

  it("when somebody else signed all of it with a key of their own", async () => {
    const stranger = createEd25519Signer("x", generateEd25519Pem());
    const lines = await exportOf(LOG);
    expect((await refusalOf(lines, { name: ORIGIN, spki: stranger.spki })).code).toBe("ledger/inconsistent");
    expect((await refusalOf(lines, { name: "other.example", spki: KEY.spki })).code).toBe(
      "ledger/inconsistent",
    );
  });
});

describe("a log in the order of time", () => {
  const later = (log: readonly LedgerEntry[], seq: number, seconds: number) =>
    log.map((entry) => (entry.seq === seq ? { ...entry, time: entry.time + seconds } : entry));

  it("may hold requests that ended out of turn, and clocks that differ by minutes", async () => {
    expect(await verify(await exportOf(later(LOG, 2, 600)))).toBeDefined();
  });

  it("is none where an entry is long before one ahead of it, and that entry is named", async () => {
    await expect(verify(await exportOf(later(LOG, 2, 1000)))).rejects.toMatchObject({ detail: { entry: 3 } });
  });

  it("begins anew where a broker began", async () => {
    expect(await verify(await exportOf(later(LOG, 6, 1_000_000)))).toBeDefined();
  });
});

describe("a file that is no export", () => {
  it.each([
    { name: "an empty one", lines: [] },
    { name: "one without a head", lines: LOG.map(lineOf) },
    { name: "text", lines: ["hello"] },
    {
      name: "a head with a member more",
      lines: ['{"v":1,"origin":"a","checkpoint":"b","key":"c","note":"d"}'],
    },
    { name: "a head of another version", lines: [headLine("x").replace('"v":1', '"v":2')] },
    { name: "a head without a note", lines: [headLine("x")] },
    { name: "a head of 200 kB", lines: [headLine("x".repeat(200_000))] },
  ])("is refused as such: $name", async ({ lines }) => {
    expect((await refusalOf(lines)).code).toBe("ledger/malformed");
  });

  it("is refused when its key is none and no other was given", async () => {
    const lines = [headLine(await noteOver([]), "nonsense")];
    expect((await refusalOf(lines, "none")).code).toBe("ledger/malformed");
    expect(VERIFIER_KEY).toContain(ORIGIN);
  });

  it("is refused with a Fault of the ledger whatever it holds", async () => {
    const lines = fc.array(fc.string({ unit: "binary" }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lines, async (hostile) => {
        expect((await refusalOf(hostile, "none")).code).toMatch(/^ledger\//);
        const [head = ""] = await exportOf(LOG);
        expect((await refusalOf([head, ...hostile])).code).toBe("ledger/inconsistent");
      }),
      { numRuns: 50 },
    );
  });
});

describe("docs/ledger-export.md", () => {
  it("shows a line that is one", () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/ledger-export.md"), "utf8");
    expect(document).toContain(
      `\n${lineOf({ v: 1, seq: 0, time: 1_790_000_000, kind: "epoch", act: "start" })}\n`,
    );
  });
});

describe("a long log", () => {
  it("is read one line at a time, and no further than its head reaches", async () => {
    const [head = "", ...entries] = await exportOf(LOG);
    let given = 0;
    async function* endless() {
      yield* linesAsBytes([head]);
      for (;;) {
        given += 1;
        yield* linesAsBytes([entries[given - 1] ?? entries[0] ?? ""]);
      }
    }
    await expect(verifyExport(endless(), KEY, nodePrimitives)).rejects.toMatchObject({
      detail: { entry: 12 },
    });
    expect(given).toBe(13);
  });
});

const LOG0 = entryOf(0);
const LOG2 = decisionAt(2);

function verify(lines: readonly string[], trusted: NoteKey | "none" = KEY) {
  return verifyExport(linesAsBytes(lines), trusted === "none" ? undefined : trusted, nodePrimitives);
}

async function refusalOf(lines: readonly string[], trusted: NoteKey | "none" = KEY) {
  try {
    await verify(lines, trusted);
    return { code: undefined, entry: undefined };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { code: thrown.code, entry: thrown.detail["entry"] };
  }
}

function swapped(lines: readonly string[], a: number, b: number): readonly string[] {
  return lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "");
}

function edited(lines: readonly string[], at: number, from: string, to: string): readonly string[] {
  const line = lines[at] ?? "";
  if (!line.includes(from)) throw new Error(`line ${at} has no ${from}`);
  return lines.with(at, line.replace(from, to));
}

/** One who deletes entry 5 and counts the others down, but leaves their hashes. */
function renumbered(lines: readonly string[]): readonly string[] {
  return lines
    .toSpliced(6, 1)
    .map((line, i) => (i < 6 ? line : line.replace(`"seq":${i}`, `"seq":${i - 1}`)));
}

function entryOf(seq: number): LedgerEntry {
  const entry = LOG[seq];
  if (entry === undefined) throw new Error("the log is shorter");
  return entry;
}

function decisionAt(seq: number) {
  const entry = entryOf(seq);
  if (entry.kind !== "decision") throw new Error("no decision there");
  return entry;
}
