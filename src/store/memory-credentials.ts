/** How does the credential part of the Store contract look without a database? For tests only, like `memory.ts`. */
import { type Instant, instant } from "../base/time.ts";
import {
  type CredentialStore,
  type CredentialUse,
  type Drill,
  USES_KEPT_SECONDS,
} from "../broker/credential-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";

interface MemoryCredentials extends CredentialStore {
  /** What `prune` of the whole store does here. */
  readonly forgetCredentials: (now: Instant) => void;
}

export function createMemoryCredentials(append: (entry: EntryDraft) => void): MemoryCredentials {
  const uses = new Map<string, CredentialUse>();
  const drills = new Map<string, Drill>();
  return {
    noteUses: async (noted) => {
      for (const use of noted) uses.set(use.name, widened(uses.get(use.name), use));
    },
    credentialUses: async (after, limit) =>
      [...uses.values()]
        .filter(({ name }) => name > after)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .slice(0, limit),
    putDrill: async (drill, entry) => {
      drills.set(drill.id, { ...drill });
      append(entry);
    },
    endDrill: async (id, at, entry) => {
      const drill = drills.get(id);
      if (drill === undefined || drill.endsAt <= at) return false;
      drills.set(id, { ...drill, endsAt: at });
      append(entry);
      return true;
    },
    drills: async (now) =>
      [...drills.values()].filter(({ endsAt }) => endsAt > now).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    forgetCredentials: (now) => {
      for (const [id, { endsAt }] of drills) if (endsAt < now) drills.delete(id);
      for (const [name, { lastAt }] of uses) if (lastAt < now - USES_KEPT_SECONDS) uses.delete(name);
    },
  };
}

function widened(known: CredentialUse | undefined, use: CredentialUse): CredentialUse {
  if (known === undefined) return { ...use };
  return {
    name: use.name,
    firstAt: instant(Math.min(use.firstAt, known.firstAt)),
    lastAt: instant(Math.max(use.lastAt, known.lastAt)),
    about: use.lastAt >= known.lastAt ? use.about : known.about,
  };
}
