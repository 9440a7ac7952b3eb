/** Is chance never given out twice? */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../../src/base/bytes.ts";
import { systemRandom } from "../../../src/runtime/node/clock.ts";

describe("random bytes", () => {
  it("never repeat, however many are drawn and in whatever sizes", () => {
    const draws = Array.from({ length: 3000 }, (_, i) => systemRandom([10, 16, 31, 32, 33, 64][i % 6] ?? 0));
    expect(draws.map(({ length }) => length).slice(0, 6)).toEqual([10, 16, 31, 32, 33, 64]);
    expect(new Set(draws.map((bytes) => hexOf(bytes.slice(0, 10)))).size).toBe(draws.length);
  });

  it("belong to whoever drew them: overwriting some changes no others, and they share no memory", () => {
    const [first, second] = [systemRandom(32), systemRandom(32)];
    const before = hexOf(second);
    new Uint8Array(first.buffer).fill(0);
    expect(hexOf(second)).toBe(before);
    expect(first.buffer.byteLength).toBe(32);
  });
});
