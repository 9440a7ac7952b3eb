/** How does the token part of the Store contract look without a database? For tests only, like `memory.ts`. */
import { equalBytes } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import type { Revocation, StoredTokenKey, TokenAudience, TokenStore } from "../broker/token-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";

interface MemoryTokens extends TokenStore {
  /** What `prune` of the whole store does here. */
  readonly forgetProofs: (now: Instant) => void;
}

export function createMemoryTokens(append: (entry: EntryDraft) => void): MemoryTokens {
  return { ...audienceStore(append), ...keyStore(append), ...proofStore(), ...revocationStore(append) };
}

type Append = (entry: EntryDraft) => void;

function audienceStore(
  append: Append,
): Pick<TokenStore, "putAudience" | "removeAudience" | "audienceOf" | "audiences"> {
  const audiences = new Map<string, TokenAudience>();
  const all = (): readonly TokenAudience[] => [...audiences.values()];
  return {
    putAudience: async (audience, entry) => {
      if (all().some(({ name, aud }) => name === audience.name || aud === audience.aud)) return false;
      audiences.set(audience.name, { ...audience });
      append(entry);
      return true;
    },
    removeAudience: async (name, entry) => {
      const isThere = audiences.delete(name);
      if (isThere) append(entry);
      return isThere;
    },
    audienceOf: async (aud) => all().find((audience) => audience.aud === aud),
    audiences: async () => all().toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function keyStore(
  append: Append,
): Pick<TokenStore, "putTokenKey" | "tokenKeys" | "rewrapTokenKey" | "dropTokenKeys"> {
  let keys: readonly StoredTokenKey[] = [];
  const copyOf = (key: StoredTokenKey): StoredTokenKey => ({ ...key, wrapped: key.wrapped.slice() });
  return {
    putTokenKey: async (key, entry) => {
      if (key.serial !== (keys.at(-1)?.serial ?? 0) + 1) return false;
      keys = [...keys, copyOf(key)];
      if (entry !== undefined) append(entry);
      return true;
    },
    tokenKeys: async () => keys.map(copyOf),
    rewrapTokenKey: async (serial, from, to) => {
      const at = keys.findIndex((key) => key.serial === serial && equalBytes(key.wrapped, from));
      keys = keys.map((key, i) => (i === at ? { ...key, wrapped: to.slice() } : key));
      return at >= 0;
    },
    dropTokenKeys: async (before) => {
      keys = keys.filter(({ serial }) => serial >= before);
    },
  };
}

function proofStore(): Pick<MemoryTokens, "spendProof" | "forgetProofs"> {
  const proofs = new Map<string, Instant>();
  return {
    spendProof: async (jkt, jti, until) => {
      const key = JSON.stringify([jkt, jti]);
      if (proofs.has(key)) return false;
      proofs.set(key, until);
      return true;
    },
    forgetProofs: (now) => {
      for (const [key, until] of proofs) if (until < now) proofs.delete(key);
    },
  };
}

function revocationStore(append: Append): Pick<TokenStore, "revokeDecision" | "revocation"> {
  const revocations = new Map<string, Revocation>();
  return {
    revokeDecision: async (revocation, entry) => {
      if (revocations.has(revocation.decision)) return false;
      revocations.set(revocation.decision, { ...revocation });
      append(entry);
      return true;
    },
    revocation: async (decision) => revocations.get(decision),
  };
}
