/** Do any k of n people have the root key, does anybody with fewer have nothing, and is every false share told? */
import { fc } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { base64UrlOf, concatBytes, parseBase64Url, utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { kekOf, keyIdOf } from "../../src/kek/key.ts";
import { createSealedKek, SHARES_KEPT_SECONDS } from "../../src/kek/sealed.ts";
import { joinShares, parseShare, splitKey } from "../../src/kek/shares.ts";
import { nodeKekParts } from "../../src/runtime/node/open-kek.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { describeKek } from "../contract/kek.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 200 - i);
const idOf = (key: Uint8Array): string => Buffer.from(keyIdOf(key, nodePrimitives)).toString("hex");
const BAD = { code: "kek/bad-share" };

async function sharesOf(
  shares: number,
  threshold: number,
  key: Uint8Array = KEY,
): Promise<readonly string[]> {
  return splitKey(key, { shares, threshold }, nodePrimitives);
}

/** A seal on a clock of the test's. */
function sealAtHand(id = idOf(KEY)) {
  let seconds = 1_795_000_000;
  const { hmac, random } = nodeKekParts;
  const now = () => instant(seconds);
  const pass = (more: number): void => {
    seconds += more;
  };
  const { kek, seal } = createSealedKek(id, { hmac, random, digest: nodePrimitives.digest, now });
  return { kek, seal, pass };
}

async function opened(key: Uint8Array) {
  const { kek, seal } = sealAtHand(idOf(key));
  for (const share of await sharesOf(3, 2, key)) if (await seal.give(share)) break; // in order: two of them
  seal.open();
  return kek;
}

describeKek(
  "a key of shares",
  () => opened(KEY),
  () => opened(KEY.slice().reverse()),
);

/** Every k of n, as indexes. */
function choices(n: number, k: number): readonly (readonly number[])[] {
  if (k === 0) return [[]];
  return Array.from({ length: n }, (_, last) => choices(last, k - 1).map((rest) => [...rest, last])).flat();
}

describe("a divided key", () => {
  it.each([
    [2, 2],
    [3, 2],
    [5, 3],
    [7, 5],
  ])("of %i shares comes back from any %i", async (n, k) => {
    const parsed = (await sharesOf(n, k)).map((text) => parseShare(text, nodePrimitives));
    for (const some of choices(n, k))
      expect(await joinShares(some.flatMap((i) => parsed[i] ?? []))).toEqual(KEY);
    for (const few of choices(n, k - 1).filter(({ length }) => length > 1))
      expect(await joinShares(few.flatMap((i) => parsed[i] ?? []))).not.toEqual(KEY);
  });

  it("is the same key as in a file, so that nothing has to be wrapped anew", async () => {
    const wrapped = await kekOf(KEY.slice(), nodeKekParts).wrap(utf8("secret"), utf8("place"));
    const kek = await opened(KEY);
    expect(kek.id).toBe(kekOf(KEY.slice(), nodeKekParts).id);
    expect(await kek.unwrap(wrapped, utf8("place"))).toEqual(utf8("secret"));
  });

  it("has shares that show nothing of it: one share fits any key", async () => {
    const [first = ""] = await sharesOf(2, 2);
    const { value, place } = parseShare(first, nodePrimitives);
    for (const byte of [0, 1, 255]) {
      // Over GF(2^8) some other share makes `byte` of this one, whatever the byte is.
      const found = Array.from({ length: 256 }, (_, y) => y).filter((y) => {
        const other = place === 1 ? 2 : 1;
        return joinByte([value[0] ?? 0, place], [y, other]) === byte;
      });
      expect(found).toHaveLength(1);
    }
  });

  it.each([
    [1, 1],
    [2, 1],
    [2, 3],
    [21, 2],
    [0, 0],
  ])("is refused for %i shares of which %i make it", async (n, k) => {
    await expect(sharesOf(n, k)).rejects.toMatchObject({ code: "request/malformed" });
  });
});

/** The line through two points, at zero: an own reading of GF(2^8) with the polynomial x⁸+x⁴+x³+x+1. */
function joinByte([y1, x1]: readonly [number, number], [y2, x2]: readonly [number, number]): number {
  const over = inverse(x1 ^ x2);
  return times(y1, times(x2, over)) ^ times(y2, times(x1, over));
}

function times(a: number, b: number): number {
  let [left, right, sum] = [a, b, 0];
  while (right > 0) {
    if (right & 1) sum ^= left;
    left = left & 0x80 ? ((left << 1) ^ 0x11b) & 0xff : left << 1;
    right >>= 1;
  }
  return sum;
}

function inverse(a: number): number {
  return Array.from({ length: 256 }, (_, b) => b).find((b) => times(a, b) === 1) ?? 0;
}

describe("the text of a share", () => {
  it("tells each slip of the pen, and never quotes itself", async () => {
    const [share = ""] = await sharesOf(3, 2);
    const at = fc.integer({ min: 0, max: share.length - 1 });
    const letter = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:");
    await fc.assert(
      fc.property(at, letter, (i, other) => {
        fc.pre(share[i] !== other);
        const wrong = share.slice(0, i) + other + share.slice(i + 1);
        expect(() => parseShare(wrong, nodePrimitives)).toThrow(expect.objectContaining(BAD));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["nothing", () => ""],
    ["half", (share: string) => share.slice(0, 40)],
    ["two in one", (share: string) => share + share],
    ["another version", (share: string) => share.replace("-1:", "-2:")],
    ["a space", (share: string) => ` ${share}`],
    ["hex", (share: string) => Buffer.from(share).toString("hex")],
  ])("is refused: %s", async (_name, change) => {
    const [share = ""] = await sharesOf(3, 2);
    const { seal } = sealAtHand();
    const thrown: unknown = await seal.give(change(share)).catch((fault: unknown) => fault);
    expect(thrown).toMatchObject(BAD);
    expect(String(thrown)).not.toContain(share.slice(20, 40));
    expect(seal.progress().given).toBe(0);
  });
});

/** The same share with other content, and a check that holds: what a forger writes, who has no slip of the pen. */
function forged(share: string, change: (content: Uint8Array) => void): string {
  const prefix = "ostiary-share-1:";
  const bytes = parseBase64Url(share.slice(prefix.length)) ?? new Uint8Array();
  const content = bytes.slice(0, -4);
  change(content);
  const check = nodePrimitives.digest("sha256", concatBytes(utf8(prefix), content)).slice(0, 4);
  return prefix + base64UrlOf(concatBytes(content, check));
}

describe("a sealed key", () => {
  const use = async (kek: ReturnType<typeof sealAtHand>["kek"]): Promise<unknown> =>
    kek.wrap(utf8("x"), utf8("y")).catch((fault: unknown) => fault);

  it("refuses every use until enough people gave their share", async () => {
    const { kek, seal } = sealAtHand();
    const [a = "", b = "", c = ""] = await sharesOf(5, 3);
    expect(seal.progress()).toEqual({ isSealed: true, given: 0 });
    expect(await seal.give(a)).toBe(false);
    expect(await seal.give(b)).toBe(false);
    expect(seal.progress()).toEqual({ isSealed: true, given: 2, needed: 3 });
    expect(await use(kek)).toMatchObject({ code: "kek/sealed" });
    await expect(kek.unwrap(utf8("x"), utf8("y"))).rejects.toMatchObject({ code: "kek/sealed" });
    expect(await seal.give(c)).toBe(true);
    expect(await use(kek)).toBeInstanceOf(Uint8Array);
    expect(seal.progress().isSealed).toBe(true); // until whoever asked looked at the database
    seal.open();
    expect(seal.progress()).toEqual({ isSealed: false, given: 0 });
  });

  it("counts a share once, however often it is given", async () => {
    const { seal } = sealAtHand();
    const [a = ""] = await sharesOf(3, 2);
    for (let i = 0; i < 4; i += 1) expect(await seal.give(a)).toBe(false); // in order: the same each time
    expect(seal.progress().given).toBe(1);
  });

  it("takes no share of another key or of another division", async () => {
    const { seal } = sealAtHand();
    const [other = ""] = await sharesOf(3, 2, KEY.slice().reverse());
    await expect(seal.give(other)).rejects.toMatchObject(BAD);
    const [a = ""] = await sharesOf(3, 2);
    const [b = ""] = await sharesOf(4, 3);
    await seal.give(a);
    await expect(seal.give(b)).rejects.toMatchObject(BAD);
    expect(seal.progress()).toEqual({ isSealed: true, given: 1, needed: 2 });
  });

  it("uses no key but the one that was named, and forgets all shares of a wrong one", async () => {
    const { kek, seal } = sealAtHand();
    const [a = "", b = "", c = ""] = await sharesOf(3, 2);
    await seal.give(a);
    const lie = forged(b, (content) => content.fill(7, 20, 30));
    await expect(seal.give(lie)).rejects.toMatchObject(BAD);
    expect([seal.progress().given, await use(kek)]).toMatchObject([0, { code: "kek/sealed" }]);
    expect([await seal.give(b), await seal.give(c)]).toEqual([false, true]);
  });

  it("refuses a threshold of one, which would make one person enough", async () => {
    const { seal } = sealAtHand();
    const [a = ""] = await sharesOf(3, 2);
    for (const threshold of [0, 1, 255]) {
      const lie = forged(a, (content) => content.fill(threshold, 16, 17));
      await expect(seal.give(lie)).rejects.toMatchObject(BAD);
    }
  });

  it("forgets shares that waited too long, and those that are taken back", async () => {
    const { seal, pass } = sealAtHand();
    const [a = "", b = ""] = await sharesOf(3, 2);
    await seal.give(a);
    pass(SHARES_KEPT_SECONDS - 1);
    expect(seal.progress().given).toBe(1);
    pass(1);
    expect(seal.progress().given).toBe(0);
    expect(await seal.give(b)).toBe(false);
    seal.forget();
    expect(seal.progress().given).toBe(0);
  });

  it("stays open once it is, whatever is taken back", async () => {
    const { kek, seal } = sealAtHand();
    for (const share of (await sharesOf(2, 2)).values()) await seal.give(share); // in order: both
    seal.open();
    seal.forget();
    expect(await use(kek)).toBeInstanceOf(Uint8Array);
  });
});
