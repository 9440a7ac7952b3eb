/** What stands for a chip tells which decisions were of one chip, and nothing else, to whoever has no salt. */
import { createHmac } from "node:crypto";
import { gcmsiv } from "@noble/ciphers/aes.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { chipIdsUnder } from "../../src/keys/chip-ids.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const SALT = new Uint8Array(32).fill(9);
const chips = chipIdsUnder(SALT, nodePrimitives);
const others = chipIdsUnder(new Uint8Array(32).fill(8), nodePrimitives);
const ID = fc.uint8Array({ minLength: 64, maxLength: 64 }).map(hexOf);

describe("what stands for a chip", () => {
  it("is AES-256-GCM-SIV of its id, under a key that HMAC makes of the salt", () => {
    const id = "1f".repeat(64);
    const key = createHmac("sha256", SALT).update("ostiary/chip-id/v1\n").digest();
    const sealed = gcmsiv(key, new Uint8Array(12), Buffer.from("name\n")).encrypt(Buffer.from(id, "hex"));
    expect(chips.hide(id)).toBe(`~${Buffer.from(sealed).toString("base64url")}`);
  });

  it("is one for each chip and one chip for each, wherever in a text", () => {
    fc.assert(
      fc.property(ID, ID, fc.string(), (one, other, text) => {
        fc.pre(!/[0-9a-f]/i.test(text));
        const told = JSON.stringify({ chip: one, text, list: [`0x${other}`, one] });
        const hidden = chips.hide(told);
        expect(hidden).not.toContain(one);
        expect(hidden).not.toContain(other);
        expect(chips.hide(hidden)).toBe(hidden);
        expect(chips.show(hidden)).toBe(told);
        expect(chips.hide(one) === chips.hide(other)).toBe(one === other);
        expect(chips.hide(one)).not.toBe(others.hide(one));
      }),
      { numRuns: 50 },
    );
  });

  it("is found however the id is written, and nothing shorter or longer is taken for one", () => {
    const id = "ab".repeat(64);
    expect(chips.hide(id.toUpperCase())).toBe(chips.hide(id));
    for (const text of ["ab".repeat(48), "ab".repeat(63), `${id}ab`, `${id}a`, "ab".repeat(128)]) {
      expect(chips.hide(text)).toBe(text);
    }
  });

  it("opens under its own salt alone, and nobody can make one without it", () => {
    const name = chips.hide("ab".repeat(64));
    expect(others.show(name)).toBe(name);
    for (let at = 1; at < name.length; at += 9) {
      const bent = name.slice(0, at) + (name[at] === "A" ? "B" : "A") + name.slice(at + 1);
      expect(chips.show(bent)).toBe(bent);
    }
    expect(chips.show(`~${"A".repeat(43)}`)).toBe(`~${"A".repeat(43)}`);
  });

  it("is remembered for a while, and the same after that", () => {
    const id = (n: number): string =>
      hexOf(new Uint8Array(64).fill(1)).slice(8) + n.toString(16).padStart(8, "0");
    const before = chips.hide(id(0));
    for (let n = 0; n < 5000; n += 1) chips.hide(id(n));
    expect(chips.hide(id(0))).toBe(before);
  });
});

describe("a sealed row", () => {
  it("opens for its own key and salt alone", () => {
    const der = new Uint8Array(900).fill(7);
    const sealed = chips.seal(der, "vcek/milan/a");
    expect(chips.open(sealed, "vcek/milan/a")).toEqual(der);
    expect(chips.open(sealed, "vcek/milan/b")).toBeUndefined();
    expect(others.open(sealed, "vcek/milan/a")).toBeUndefined();
    expect(chips.open(der, "vcek/milan/a")).toBeUndefined();
    expect(chips.open(new Uint8Array(3), "vcek/milan/a")).toBeUndefined();
  });
});
