/** Where does the database hold certificates of chips, when it is to name none? Sealed, under a key that has the chip's name in its id's place. */
import type { ChipIds } from "../keys/chip-ids.ts";
import type { CachedEndorsement, Store } from "./store.ts";

/** Of AMD's certificates those of chips alone have a chip's id in them. */
const OF_A_CHIP = "vcek/";

/** The same store to everybody above; what was kept before is found again, and stays as it is. */
export function hidingChips(store: Store, chipIds: ChipIds | undefined): Store {
  if (chipIds === undefined) return store;
  const shown = (key: string, { der, obtainedAt }: CachedEndorsement): CachedEndorsement => ({
    der: key.startsWith(OF_A_CHIP) ? (chipIds.open(der, key) ?? der) : der,
    obtainedAt,
  });
  return {
    ...store,
    cacheEndorsement: (key, { der, obtainedAt }) => {
      const row = chipIds.hide(key);
      const kept = key.startsWith(OF_A_CHIP) ? chipIds.seal(der, row) : der;
      return store.cacheEndorsement(row, { der: kept, obtainedAt });
    },
    cachedEndorsement: async (key) => {
      const row = chipIds.hide(key);
      const found = await store.cachedEndorsement(row);
      if (found !== undefined) return shown(row, found);
      return row === key ? undefined : store.cachedEndorsement(key);
    },
    cachedEndorsements: async (after, limit) =>
      (await store.cachedEndorsements(after, limit)).map((one) => ({ key: one.key, ...shown(one.key, one) })),
  };
}
