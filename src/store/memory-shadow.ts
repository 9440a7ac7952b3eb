/** How does a store without a database keep what is about explained gains and shadow? For tests only, like `memory.ts`. */
import type { ExplanationStore, StoredExplanation } from "../broker/explanation-store.ts";
import type { ShadowDifference, ShadowStore, StoredShadowOrder } from "../broker/shadow-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { refuseManyDifferences } from "./limits.ts";

/** What of the other tables it looks at. */
export interface MemoryTables {
  readonly append: (entry: EntryDraft) => void;
  readonly hasBundle: (digest: string) => Promise<boolean>;
}

export function createMemoryShadow({ append, hasBundle }: MemoryTables): ExplanationStore & ShadowStore {
  const explanations: StoredExplanation[] = [];
  const orders: StoredShadowOrder[] = [];
  const rows: ShadowDifference[] = [];
  return {
    putExplanation: async (explanation, entry) => {
      if (!(await hasBundle(explanation.digest))) return false;
      if (explanations.some(({ id }) => id === explanation.id)) return false;
      explanations.push({ ...explanation });
      append(entry);
      return true;
    },
    explanations: async (of) => explanations.filter(({ digest }) => digest === of),
    orderShadow: async (order, entry) => {
      const isThere = order.digest === "" || (await hasBundle(order.digest));
      if (!isThere || order.serial !== orders.length + 1) return false;
      orders.push({ ...order });
      append(entry);
      return true;
    },
    shadowOrder: async () => orders.at(-1),
    shadowTail: async () => {
      const last = rows.at(-1);
      return last && { seq: last.seq, hash: last.hash };
    },
    keepShadowDifferences: async (more, entry) => {
      refuseManyDifferences(more);
      const [first] = more;
      if (first === undefined) return true;
      if (first.seq !== rows.length + 1) return false;
      rows.push(...more.map((row) => ({ ...row })));
      append(entry);
      return true;
    },
    shadowDifferences: async (from, limit) => rows.slice(Math.max(0, from - 1)).slice(0, Math.max(0, limit)),
    countShadowDifferences: async (of) => rows.filter(({ order }) => order === of).length,
  };
}
