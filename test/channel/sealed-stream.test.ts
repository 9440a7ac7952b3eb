/** Does a sealed file open for its key alone, and is every change, cut and addition told? */
import { fc } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { openStream, type ReadExactly, sealStream } from "../../src/channel/sealed-stream.ts";
import { HPKE_XWING } from "../../src/channel/suites.ts";
import { systemRandom as random } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { noblePrimitives } from "../support/noble-primitives.ts";

const privateKey = Uint8Array.from({ length: 32 }, (_, i) => i);
const header = utf8("header\n");
const BROKEN = { code: "store/malformed-backup" };

async function* piecesOf(pieces: readonly Uint8Array[]) {
  yield* pieces;
}

async function sealed(pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  const recipient = await HPKE_XWING.kem.publicKeyOf(privateKey, nodePrimitives);
  const parts: Uint8Array[] = [];
  const stream = sealStream(piecesOf(pieces), { recipient, header, random }, nodePrimitives);
  for await (const part of stream) parts.push(part);
  return concatBytes(...parts);
}

function readerOf(bytes: Uint8Array): ReadExactly {
  let at = 0;
  return async (size) => {
    const part = bytes.slice(at, at + size);
    at += part.length;
    return part;
  };
}

async function opened(bytes: Uint8Array, by = { privateKey, header }, primitives = nodePrimitives) {
  const pieces: Uint8Array[] = [];
  for await (const piece of openStream(readerOf(bytes), by, primitives)) pieces.push(piece);
  return pieces;
}

const PIECES = ["one", "", "three", "four"].map(utf8);
const FIRST = 1120 + 32 + 16; // X-Wing's encapsulation, then the key and its tag

describe("a sealed stream", () => {
  it("gives back any pieces, by another implementation of its primitives too", async () => {
    const piece = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 5 }), async (pieces) => {
        expect(await opened(await sealed(pieces), undefined, noblePrimitives)).toEqual(pieces);
      }),
      { numRuns: 20 },
    );
  });

  it("is another one each time", async () => {
    expect(await sealed(PIECES)).not.toEqual(await sealed(PIECES));
  });

  it("opens with no other key and under no other header", async () => {
    const file = await sealed(PIECES);
    const other = privateKey.map((byte) => byte ^ 1);
    await expect(opened(file, { privateKey: other, header })).rejects.toMatchObject(BROKEN);
    await expect(opened(file, { privateKey, header: utf8("header2\n") })).rejects.toMatchObject(BROKEN);
  });

  it("tells every changed bit, every cut and every addition", async () => {
    const file = await sealed(PIECES);
    for (let i = 0; i < file.length; i += i < FIRST ? 97 : 1) {
      const changed = file.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      await expect(opened(changed), `byte ${i}`).rejects.toMatchObject(BROKEN);
      await expect(opened(file.slice(0, i)), `cut at ${i}`).rejects.toMatchObject(BROKEN);
    }
    await expect(opened(concatBytes(file, Uint8Array.of(0)))).rejects.toMatchObject(BROKEN);
  });

  it("tells frames that are missing, doubled or in another order", async () => {
    const file = await sealed(PIECES);
    const frames: Uint8Array[] = [];
    for (let at = FIRST; at < file.length; ) {
      const size = 4 + new DataView(file.buffer, at).getUint32(0);
      frames.push(file.slice(at, at + size));
      at += size;
    }
    expect(frames).toHaveLength(4);
    const [a, b, c, d] = frames;
    for (const others of [[a, b, c], [b, c, d], [a, c, b, d], [a, a, b, c, d], [d], [a, b, c, d, d], []]) {
      const forged = concatBytes(file.slice(0, FIRST), ...others.flatMap((frame) => frame ?? []));
      await expect(opened(forged)).rejects.toMatchObject(BROKEN);
    }
  });

  it("asks for no memory that a hostile length announces", async () => {
    const file = (await sealed(PIECES)).slice(0, FIRST);
    const asked: number[] = [];
    const read = readerOf(concatBytes(file, Uint8Array.of(0xff, 0xff, 0xff, 0xff)));
    const stream = openStream(
      (size) => {
        asked.push(size);
        return read(size);
      },
      { privateKey, header },
      nodePrimitives,
    );
    await expect(stream.next()).rejects.toMatchObject(BROKEN);
    expect(Math.max(...asked)).toBeLessThan(1 << 24);
  });
});
