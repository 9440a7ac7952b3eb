/** How does a store without a database keep keys that secrets are sealed to? For tests only, like `memory.ts`. */
import { equalBytes } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import type { ImportStore, StoredImportKey } from "../broker/import-store.ts";
import type { SecretStore } from "../broker/secret-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";

export interface MemoryImports extends ImportStore {
  readonly forgetImportKeys: (now: Instant) => void;
}

export function createMemoryImports(
  append: (entry: EntryDraft) => void,
  putVersion: SecretStore["putSecretVersion"],
): MemoryImports {
  const kept = new Map<string, StoredImportKey>();
  return {
    putImportKey: async (key, entry) => {
      kept.set(key.id, copyOf(key));
      append(entry);
    },
    importKey: async (id) => {
      const found = kept.get(id);
      return found && copyOf(found);
    },
    importKeys: async () => [...kept.values()].map(copyOf).sort((a, b) => (a.id < b.id ? -1 : 1)),
    rewrapImportKey: async (id, from, to) => {
      const known = kept.get(id);
      if (known === undefined || !equalBytes(known.wrapped, from)) return false;
      kept.set(id, { ...known, wrapped: to.slice() });
      return true;
    },
    importSecretVersion: async (version, { key, now }, entry) => {
      const known = kept.get(key);
      if (known === undefined || known.expiresAt <= now) return false;
      kept.delete(key); // before anything is waited for: a second one finds none
      const isPut = await putVersion(version, entry);
      if (!isPut) kept.set(key, known);
      return isPut;
    },
    forgetImportKeys: (now) => {
      for (const [id, { expiresAt }] of kept) if (expiresAt < now) kept.delete(id);
    },
  };
}

function copyOf(key: StoredImportKey): StoredImportKey {
  return { ...key, publicKey: key.publicKey.slice(), wrapped: key.wrapped.slice() };
}
