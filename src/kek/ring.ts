/** How does a broker open what an earlier key wrapped? One key wraps; it and others unwrap, until nothing lies under the others. */
import { Fault, isFault } from "../base/fault.ts";
import type { Kek } from "../broker/world.ts";

/**
 * Joins keys during a change from one to another. What none of them wrapped stays closed.
 *
 * @throws {@link Fault} `kek/unavailable` where one key stands there twice: then nothing would change.
 */
export function kekRing(wrapping: Kek, others: readonly Kek[]): Kek {
  const also = others.map(({ id }) => id);
  if (new Set([wrapping.id, ...also]).size !== others.length + 1) {
    throw new Fault("kek/unavailable", "`[kek]` and each `[[kek.also]]` name one key twice: name each once");
  }
  return {
    id: wrapping.id,
    also,
    wrap: wrapping.wrap,
    unwrap: async (wrapped, aad) => {
      for (const kek of [wrapping, ...others]) {
        const plaintext = await openedBy(kek, wrapped, aad); // one after the other: the first nearly always opens
        if (plaintext !== undefined) return plaintext;
      }
      throw new Fault("kek/wrong-key", `these bytes lie under none of the keys that are here for this use`);
    },
  };
}

async function openedBy(kek: Kek, wrapped: Uint8Array, aad: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await kek.unwrap(wrapped, aad);
  } catch (thrown) {
    if (isFault(thrown, "kek/wrong-key")) return undefined;
    throw thrown;
  }
}
