/** How does a store without a database keep sessions of the KBS exchange? For tests only, like `memory.ts`. */
import type { Instant } from "../base/time.ts";
import type { KbsSessionRow, KbsStore } from "../broker/kbs/store.ts";

interface MemoryKbs extends KbsStore {
  /** What `prune` of the whole store does here. */
  readonly forgetSessions: (now: Instant) => void;
}

export function createMemoryKbs(): MemoryKbs {
  const kept = new Map<string, KbsSessionRow>();
  return {
    keepKbsSession: async (session) => {
      if (!kept.has(session.id)) kept.set(session.id, { ...session });
    },
    kbsSession: async (id) => kept.get(id),
    forgetSessions: (now) => {
      for (const [id, { until }] of kept) if (until < now) kept.delete(id);
    },
  };
}
