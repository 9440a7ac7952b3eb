/** What must every key-encryption key do? The contract of the broker's Kek port. */
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import type { Kek } from "../../src/broker/world.ts";

/**
 * @param create - Answers the same key each time it is called.
 * @param createOther - Another key.
 */
export function describeKek(name: string, create: () => Promise<Kek>, createOther: () => Promise<Kek>): void {
  const [plaintext, aad] = [utf8("thirty-two bytes of a secret key"), utf8("what this is for")];

  describe(`the key-encryption key in ${name}`, () => {
    it("unwraps what it wrapped, also after it was opened anew", async () => {
      const wrapped = await (await create()).wrap(plaintext, aad);
      expect(await (await create()).unwrap(wrapped, aad)).toEqual(plaintext);
    });

    it.each([0, 1, 32, 65_536])("takes %i bytes", async (size) => {
      const kek = await create();
      const secret = new Uint8Array(size).fill(7);
      expect(await kek.unwrap(await kek.wrap(secret, aad), aad)).toEqual(secret);
      expect(await kek.unwrap(await kek.wrap(secret, utf8("")), utf8(""))).toEqual(secret);
    });

    it("keeps its id, and another key has another", async () => {
      const { id } = await create();
      expect((await create()).id).toBe(id);
      expect((await createOther()).id).not.toBe(id);
      expect(utf8(id).length).toBeLessThan(256);
    });

    it("wraps the same plaintext differently each time", async () => {
      const kek = await create();
      expect(await kek.wrap(plaintext, aad)).not.toEqual(await kek.wrap(plaintext, aad));
    });

    it("keeps neither the plaintext nor the wrapped bytes of its caller", async () => {
      const kek = await create();
      const own = plaintext.slice();
      const wrapped = await kek.wrap(own, aad);
      own.fill(0);
      const opened = await kek.unwrap(wrapped, aad);
      opened.fill(0);
      expect(await kek.unwrap(wrapped, aad)).toEqual(plaintext);
    });

    it("refuses another AAD and what another key wrapped", async () => {
      const [kek, other] = [await create(), await createOther()];
      const wrapped = await kek.wrap(plaintext, aad);
      await expectWrongKey(kek.unwrap(wrapped, utf8("another use")));
      await expectWrongKey(kek.unwrap(wrapped, utf8("")));
      await expectWrongKey(other.unwrap(wrapped, aad));
    });

    it("refuses wrapped bytes with any bit flipped, cut short or made longer", async () => {
      const kek = await create();
      const wrapped = await kek.wrap(plaintext, aad);
      for (let bit = 0; bit < 8 * wrapped.length; bit += 1) {
        const flipped = wrapped.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await expectWrongKey(kek.unwrap(flipped, aad));
      }
      for (let size = 0; size < wrapped.length; size += 1) {
        await expectWrongKey(kek.unwrap(wrapped.slice(0, size), aad));
      }
      await expectWrongKey(kek.unwrap(concatBytes(wrapped, Uint8Array.of(0)), aad));
    });
  });
}

async function expectWrongKey(attempt: Promise<unknown>): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ code: "kek/wrong-key" });
}
