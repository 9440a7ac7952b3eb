/** How does a store without a database keep policy, and the people who answer for it? For tests only, like `memory.ts`. */
import type { GovernanceStore, StoredApproval, StoredRosterChange } from "../broker/governance-store.ts";
import type { Activation, BundleStore, StoredBundle } from "../broker/store.ts";
import type { EntryDraft } from "../ledger/entry.ts";

export function createMemoryPolicies(append: (entry: EntryDraft) => void): BundleStore & GovernanceStore {
  const bundles: StoredBundle[] = [];
  const activations: Activation[] = [];
  const changes: StoredRosterChange[] = [];
  const approvals: StoredApproval[] = [];
  const isKnown = (wanted: string): boolean => bundles.some(({ digest }) => digest === wanted);
  const countOf = (wanted: string): number => approvals.filter(({ bundle }) => bundle === wanted).length;
  return {
    putBundle: async (bundle, entry) => {
      if (isKnown(bundle.digest)) return false;
      bundles.unshift({ ...bundle, tar: bundle.tar.slice() });
      append(entry);
      return true;
    },
    activateBundle: async (activation, expected, entry) => {
      const { digest, serial } = activation;
      const isNext = isKnown(digest) && serial === activations.length + 1;
      const isSo = expected.roster === changes.length && expected.approvals === countOf(digest);
      if (!isNext || !isSo) return false;
      activations.push({ ...activation });
      append(entry);
      return true;
    },
    liveActivation: async () => activations.at(-1),
    activations: async () => [...activations],
    bundle: async (digest) => {
      const found = bundles.find((bundle) => bundle.digest === digest);
      return found && { ...found, tar: found.tar.slice() };
    },
    bundles: async () => bundles.map(({ tar: _, ...bundle }) => bundle),
    rosterHead: async () => {
      const last = changes.at(-1);
      return last && { serial: last.serial, digest: last.digest };
    },
    rosterChanges: async () => [...changes],
    putRosterChange: async (change, live, entry) => {
      if (change.serial !== changes.length + 1 || live !== activations.length) return false;
      changes.push({ ...change });
      append(entry);
      return true;
    },
    approvalsOf: async (digest) => approvals.filter(({ bundle }) => bundle === digest),
    putApproval: async (approval, { roster, live }, entry) => {
      const isSo = roster === changes.length && live === activations.length && isKnown(approval.bundle);
      if (!isSo || approvals.some(({ id }) => id === approval.id)) return false;
      approvals.push({ ...approval });
      append(entry);
      return true;
    },
  };
}
