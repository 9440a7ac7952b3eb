/** How does a store without a database keep editions of the advisory data? For tests only, like `memory.ts`. */
import type { AdvisoryStore, StoredAdvisory } from "../broker/advisory-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";

export function createMemoryAdvisories(edges: {
  readonly append: (entry: EntryDraft) => void;
  readonly rosterSerial: () => Promise<number>;
}): AdvisoryStore {
  const editions = new Map<number, StoredAdvisory>();
  const newestSerial = (): number => Math.max(0, ...editions.keys());
  return {
    newestAdvisory: async () => editions.get(newestSerial()),
    advisory: async (wanted) => [...editions.values()].find(({ digest }) => digest === wanted),
    putAdvisory: async (edition, { roster, newest }, entry) => {
      const rosterSerial = await edges.rosterSerial();
      const { serial, digest } = edition;
      const isNext = serial >= newestSerial() && newest === newestSerial() && roster === rosterSerial;
      const isOther = editions.has(serial) && editions.get(serial)?.digest !== digest;
      if (!isNext || isOther) return false;
      editions.set(serial, { ...edition });
      edges.append(entry);
      return true;
    },
  };
}
