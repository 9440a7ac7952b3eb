/** Does a secret open only at its own path and version, under its own key, with no bit touched? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, utf8 } from "../../src/base/bytes.ts";
import { Fault, isFault } from "../../src/base/fault.ts";
import { deriveKey } from "../../src/keys/derive.ts";
import {
  encodeEnvelope,
  openEnvelope,
  parseEnvelope,
  sealEnvelope,
  type WrappingKek,
} from "../../src/keys/envelope.ts";
import { unwrapUnder, wrapUnder } from "../../src/keys/wrap.ts";
import { noblePrimitives } from "../support/noble-primitives.ts";

let nonces = 0;

/** A KEK over `keys/wrap.ts` with a counter for nonces. */
function kekOf(id: string, fill: number): WrappingKek {
  const key = new Uint8Array(32).fill(fill);
  return {
    id,
    wrap: async (plaintext, aad) => {
      nonces += 1;
      const nonce = Uint8Array.from({ length: 12 }, (_, i) => (nonces >> (8 * i)) & 255);
      return wrapUnder(key, { nonce, aad, plaintext });
    },
    unwrap: async (wrapped, aad) => {
      const plaintext = unwrapUnder(key, wrapped, aad);
      if (plaintext === undefined) throw new Fault("kek/wrong-key", "another key or use");
      return plaintext;
    },
  };
}

const kek = kekOf("test:1", 1);
const seat = { path: "disks/db-1", version: 3 } as const;
const plaintext = utf8("the key of a disk, 32 bytes long");

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "opened";
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : `threw ${String(thrown)}`;
  }
}

describe("a secret's envelope", () => {
  it("opens at its seat under its key", async () => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    expect(await openEnvelope({ ...seat, envelope }, kek)).toEqual(plaintext);
  });

  it("has the bytes that docs/envelope.md says", async () => {
    const fixed: WrappingKek = { ...kek, wrap: async (_plaintext, aad) => aad };
    const envelope = await sealEnvelope({ ...seat, plaintext }, fixed);
    const aad =
      "00000013" + // the label
      hexOf(utf8("ostiary/envelope/v1")) +
      "0000000a" + // the path
      hexOf(utf8("disks/db-1")) +
      "00000003" + // the version
      "00000006" + // the KEK's id
      hexOf(utf8("test:1"));
    expect(hexOf(envelope)).toBe(`4f53450106${hexOf(utf8("test:1"))}${aad}`);
  });

  it("is, byte for byte, the example of docs/envelope.md", async () => {
    const fileKey = Uint8Array.from({ length: 32 }, (_, i) => i);
    const nonce = Uint8Array.from({ length: 12 }, (_, i) => 0xa0 + i);
    const wrappingKey = deriveKey(noblePrimitives, "kekWrap", fileKey);
    const id = `file:${hexOf(deriveKey(noblePrimitives, "kekId", fileKey).slice(0, 16))}`;
    const wrap: WrappingKek["wrap"] = async (secret, aad) =>
      wrapUnder(wrappingKey, { nonce, aad, plaintext: secret });
    const secret = { path: "disk/db", version: 1, plaintext: utf8("secret") };
    expect(hexOf(await sealEnvelope(secret, { ...kek, id, wrap }))).toBe(
      "4f5345012566696c653a33653265643636356661643030663763636131616366633130653035663939" +
        "6501a0a1a2a3a4a5a6a7a8a9aaab62ff8fbf7669f80d733213ecf3d1a03611197bed8d41",
    );
  });

  it.each([
    ["another path", { path: "disks/db-2" }],
    ["a longer path", { path: "disks/db-1/" }],
    ["no path", { path: "" }],
    ["another version", { version: 4 }],
    ["version 0", { version: 0 }],
  ])("does not open at %s", async (_name, change) => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    expect(await codeOf(openEnvelope({ ...seat, ...change, envelope }, kek))).toBe("secret/malformed");
  });

  it("tells a wrong key by its id", async () => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    expect(await codeOf(openEnvelope({ ...seat, envelope }, kekOf("test:2", 2)))).toBe("kek/wrong-key");
  });

  it("does not open under another key that claims the same id", async () => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    expect(await codeOf(openEnvelope({ ...seat, envelope }, kekOf("test:1", 2)))).toBe("secret/malformed");
  });

  it("does not open when the KEK's id in it is exchanged", async () => {
    const { wrapped } = parseEnvelope(await sealEnvelope({ ...seat, plaintext }, kek));
    const envelope = encodeEnvelope({ kekId: "test:2", wrapped });
    const sameKey = kekOf("test:2", 1);
    expect(await codeOf(openEnvelope({ ...seat, envelope }, sameKey))).toBe("secret/malformed");
  });

  it("passes on that the key cannot be used", async () => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    const absent: WrappingKek = {
      ...kek,
      unwrap: async () => {
        throw new Fault("kek/unavailable", "the module is locked");
      },
    };
    expect(await codeOf(openEnvelope({ ...seat, envelope }, absent))).toBe("kek/unavailable");
  });

  it("never opens with any bit flipped", async () => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    for (let bit = 0; bit < 8 * envelope.length; bit += 1) {
      const flipped = envelope.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const code = await codeOf(openEnvelope({ ...seat, envelope: flipped }, kek));
      expect(["secret/malformed", "kek/wrong-key"], `bit ${bit}`).toContain(code);
    }
  });

  it("never opens cut short or made longer", async () => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    for (let size = 0; size < envelope.length; size += 1) {
      const code = await codeOf(openEnvelope({ ...seat, envelope: envelope.slice(0, size) }, kek));
      expect(code, `${size} bytes`).toBe("secret/malformed");
    }
    const longer = concatBytes(envelope, Uint8Array.of(0));
    expect(await codeOf(openEnvelope({ ...seat, envelope: longer }, kek))).toBe("secret/malformed");
  });

  it.each([
    ["another magic", { at: 0, to: 0x50 }],
    ["version 0", { at: 3, to: 0 }],
    ["version 2", { at: 3, to: 2 }],
    ["a KEK id of no bytes", { at: 4, to: 0 }],
    ["a KEK id past the end", { at: 4, to: 255 }],
    ["a KEK id that is no UTF-8", { at: 5, to: 0xff }],
  ])("is refused with %s", async (_name, { at, to }) => {
    const envelope = await sealEnvelope({ ...seat, plaintext }, kek);
    envelope[at] = to;
    expect(await codeOf(openEnvelope({ ...seat, envelope }, kek))).toBe("secret/malformed");
  });

  it("holds at most 1 MiB and an id of 255 bytes", () => {
    const oversized = [
      { kekId: "k", wrapped: new Uint8Array((1 << 20) + 1) },
      { kekId: "k".repeat(256), wrapped: Uint8Array.of(1) },
      { kekId: "", wrapped: Uint8Array.of(1) },
      { kekId: "k", wrapped: new Uint8Array(0) },
    ];
    for (const envelope of oversized) {
      expect(() => encodeEnvelope(envelope)).toThrow(expect.objectContaining({ code: "internal/invariant" }));
    }
    const large = concatBytes(utf8("OSE"), Uint8Array.of(1, 1, 0x6b), new Uint8Array((1 << 20) + 1));
    expect(() => parseEnvelope(large)).toThrow(expect.objectContaining({ code: "secret/malformed" }));
  });

  const kekId = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .filter((id) => id.isWellFormed());
  test.prop([kekId, fc.uint8Array({ minLength: 1, maxLength: 200 })])(
    "is read as it was written",
    (id, wrapped) => {
      expect(parseEnvelope(encodeEnvelope({ kekId: id, wrapped }))).toEqual({ kekId: id, wrapped });
    },
  );

  test.prop([fc.uint8Array({ maxLength: 200 }), fc.boolean()])(
    "of any bytes whatever is a fault or is written back the same",
    (bytes, hasHead) => {
      const envelope = hasHead ? concatBytes(utf8("OSE"), Uint8Array.of(1), bytes) : bytes;
      try {
        expect(encodeEnvelope(parseEnvelope(envelope))).toEqual(envelope);
      } catch (thrown) {
        expect(isFault(thrown, "secret/malformed")).toBe(true);
      }
    },
  );

  test.prop([fc.uint8Array({ maxLength: 300 }), fc.webPath(), fc.integer({ min: 1, max: 2 ** 32 - 1 })])(
    "opens whatever was sealed",
    async (secret, path, version) => {
      const envelope = await sealEnvelope({ path, version, plaintext: secret }, kek);
      expect(await openEnvelope({ path, version, envelope }, kek)).toEqual(secret);
    },
  );
});
