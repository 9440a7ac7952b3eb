/** How does the Store contract look without a database? Arrays and maps; for tests only: nothing here is durable. */
import { equalBytes, hexOf } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import {
  ATTEMPT_WINDOW_SECONDS,
  type BrokerStateStore,
  type CachedEndorsement,
  type CommitItem,
  type CommitOutcome,
  type CounterUse,
  type DecisionCommit,
  type DecisionStore,
  FORGOTTEN,
  type LedgerStore,
  type NonceEpoch,
  type Refusal,
  type Store,
  type StoredCheckpoint,
  type StoredDecision,
  type StoredEntry,
} from "../broker/store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { draftOf, draftText } from "./draft-text.ts";
import { refuseLargeGroup, refuseOddHashes } from "./limits.ts";
import { createMemoryAdvisories } from "./memory-advisories.ts";
import { createMemoryCredentials } from "./memory-credentials.ts";
import { createMemoryFindings } from "./memory-findings.ts";
import { createMemoryFleet } from "./memory-fleet.ts";
import { createMemoryImports } from "./memory-imports.ts";
import { createMemoryKbs } from "./memory-kbs.ts";
import { createMemoryPolicies } from "./memory-policies.ts";
import { createMemoryRequestApprovals } from "./memory-request-approvals.ts";
import { createMemorySecrets } from "./memory-secrets.ts";
import { createMemoryShadow } from "./memory-shadow.ts";
import { createMemoryTiles } from "./memory-tiles.ts";
import { createMemoryTokens } from "./memory-tokens.ts";

/** A store that lives as long as the process. Bytes are copied on their way in and out. */
export function createMemoryStore(): Store {
  const tables = emptyTables();
  const { forgetProofs, ...tokens } = createMemoryTokens((entry) => void append(tables, entry));
  const { beside, ...secrets } = createMemorySecrets((entry) => append(tables, entry));
  const { forgetImportKeys, ...imports } = createMemoryImports(
    (entry) => void append(tables, entry),
    secrets.putSecretVersion,
  );
  const policies = createMemoryPolicies((entry) => void append(tables, entry));
  const { forgetFindings, ...findings } = createMemoryFindings((entry) => void append(tables, entry));
  const { forgetCredentials, ...credentials } = createMemoryCredentials(
    (entry) => void append(tables, entry),
  );
  const { forgetGuests, ...fleet } = createMemoryFleet();
  const { forgetSessions, ...kbs } = createMemoryKbs();
  const governed = {
    append: (entry: EntryDraft) => void append(tables, entry),
    rosterSerial: async () => (await policies.rosterHead())?.serial ?? 0,
  };
  const requests = createMemoryRequestApprovals({
    ...governed,
    isCounted: (key) => tables.uses.some((use) => use.key === key),
  });
  const forgetOld = (now: Instant): void => {
    requests.forgetRequests(now);
    forgetProofs(now);
    forgetFindings(now);
    forgetCredentials(now);
    forgetGuests(now);
    forgetSessions(now);
    forgetImportKeys(now);
  };
  return {
    ...decisionStore(tables, forgetOld, { ...beside, endWaiting: requests.endWaiting }),
    ...imports,
    ...createMemoryShadow({
      append: (entry) => void append(tables, entry),
      hasBundle: async (digest) => (await policies.bundle(digest)) !== undefined,
    }),
    ...ledgerStore(tables),
    ...policies,
    ...createMemoryAdvisories(governed),
    ...requests.store,
    ...secrets,
    ...brokerStateStore(tables),
    ...tokens,
    ...findings,
    ...credentials,
    ...fleet,
    ...kbs,
    close: async () => {},
  };
}

interface Tables {
  readonly ledger: LedgerRow[];
  readonly decisions: Map<string, KeptDecision>;
  readonly spends: Map<string, { readonly kid: number; readonly keepUntil: Instant }>;
  readonly adminRequests: Map<string, Instant>;
  readonly refusals: Map<string, Refusal>;
  uses: readonly Use[];
  attempts: readonly DecisionCommit[];
  readonly meta: Map<string, string>;
  readonly epochs: Map<number, NonceEpoch>;
  readonly endorsements: Map<string, CachedEndorsement>;
  checkpoint: StoredCheckpoint | undefined;
}

interface KeptDecision {
  readonly seq: number;
  readonly commit: DecisionCommit;
}

interface LedgerRow {
  readonly draft: string;
  readonly exhausted: readonly number[];
  readonly isAllOrNothing: boolean;
}

interface Use extends CounterUse {
  readonly at: Instant;
}

function emptyTables(): Tables {
  return {
    ledger: [],
    decisions: new Map(),
    spends: new Map(),
    adminRequests: new Map(),
    refusals: new Map(),
    uses: [],
    attempts: [],
    meta: new Map(),
    epochs: new Map(),
    endorsements: new Map(),
    checkpoint: undefined,
  };
}

// ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Beside = ReturnType<typeof createMemorySecrets>["beside"] &
  Pick<ReturnType<typeof createMemoryRequestApprovals>, "endWaiting">;

function decisionStore(tables: Tables, forgetOld: (now: Instant) => void, beside: Beside): DecisionStore {
  const { spends, refusals } = tables;
  return {
    commitDecisions: async (group) => {
      refuseLargeGroup(group);
      return group.map((commit) => commitOne(tables, commit, beside));
    },
    isSpent: async (kid, rand) => spends.has(spendKey(kid, rand)),
    countAttempts: async (reportId, resource, since) =>
      tables.attempts.filter(
        (commit) =>
          commit.reportId === reportId &&
          commit.at >= since &&
          commit.items.some((item) => item.resource === resource),
      ).length,
    decisionRows: async ({ start, end }) =>
      [...tables.decisions]
        .filter(([, { seq }]) => seq >= start && seq < end)
        .map(([id, { seq, commit }]) => ({ seq, id, at: commit.at, trace: commit.trace })),
    forgetTraces: async ({ start, end }) => {
      for (const [id, { seq, commit }] of tables.decisions) {
        if (seq >= start && seq < end)
          tables.decisions.set(id, { seq, commit: { ...commit, trace: FORGOTTEN } });
      }
    },
    decision: async (id) => decisionAt(tables, id),
    decisionsFrom: async (seq, limit) =>
      [...tables.decisions.keys()]
        .flatMap((id) => decisionAt(tables, id) ?? [])
        .filter((one) => one.seq >= seq)
        .slice(0, limit),
    decisionsBefore: async (before = Infinity, limit) =>
      [...tables.decisions]
        .filter(([, { seq }]) => seq < before)
        .toReversed()
        .slice(0, Math.max(0, limit))
        .flatMap(([id]) => decisionAt(tables, id) ?? []),
    logRefusal: async (refusal) => {
      if (!refusals.has(refusal.id)) refusals.set(refusal.id, { ...refusal });
    },
    refusal: async (id) => refusals.get(id),
    prune: async (now, refusalsBefore) => {
      forget(spends, ({ keepUntil }) => keepUntil < now);
      forget(tables.adminRequests, (until) => until < now);
      forget(refusals, ({ at }) => at < refusalsBefore);
      forgetOld(now);
      tables.uses = tables.uses.filter((use) => liesWithin(use, now));
      tables.attempts = tables.attempts.filter(({ at }) => at >= now - ATTEMPT_WINDOW_SECONDS);
    },
  };
}

function decisionAt(tables: Tables, id: string): StoredDecision | undefined {
  const found = tables.decisions.get(id);
  if (found === undefined) return undefined;
  const { at, trace } = found.commit;
  return { ...entryAt(tables, found.seq), id, at, trace };
}

/** The nonce first: who loses it writes nothing. A decision's id is as unique as its nonce. */
function commitOne(tables: Tables, commit: DecisionCommit, beside: Beside): CommitOutcome {
  if (commit.spend !== undefined && !spend(tables, commit.spend)) return { kind: "nonce-spent" };
  if (tables.decisions.has(commit.id)) return { kind: "nonce-spent" };
  const before = tables.uses;
  const isTaken = (item: CommitItem): boolean =>
    !beside.isHeldByOther(item, commit) && takeUses(tables, item, commit.at);
  const exhausted = commit.items.flatMap((item, i) => (isTaken(item) ? [] : [i]));
  if (commit.isAllOrNothing && exhausted.length > 0) tables.uses = before;
  beside.keepReaders(commit, exhausted);
  beside.takeLeases(commit, exhausted);
  beside.endWaiting(commit, exhausted);
  const seq = append(tables, commit.draft, { exhausted, isAllOrNothing: commit.isAllOrNothing });
  const kept = { ...commit, items: [...commit.items] };
  tables.decisions.set(commit.id, { seq, commit: kept });
  tables.attempts = [...tables.attempts, kept];
  return { kind: "committed", seq, exhausted };
}

/** False for a nonce that was spent before. */
function spend({ spends }: Tables, { kid, rand, keepUntil }: NonNullable<DecisionCommit["spend"]>): boolean {
  const key = spendKey(kid, rand);
  if (spends.has(key)) return false;
  spends.set(key, { kid, keepUntil });
  return true;
}

/** Takes every use of an item, or none and says false. */
function takeUses(tables: Tables, item: CommitItem, at: Instant): boolean {
  const before = tables.uses;
  for (const use of item.uses) {
    const taken = tables.uses.filter((u) => isSameCounter(u, use) && liesWithin(u, at)).length;
    if (taken >= use.limit) {
      tables.uses = before;
      return false;
    }
    tables.uses = [...tables.uses, { ...use, at }];
  }
  return true;
}

function isSameCounter(a: CounterUse, b: CounterUse): boolean {
  return a.key === b.key && a.windowSeconds === b.windowSeconds;
}

function liesWithin(use: Use, now: Instant): boolean {
  return use.windowSeconds === undefined || use.at > now - use.windowSeconds;
}

function spendKey(kid: number, rand: Uint8Array): string {
  return `${kid}:${hexOf(rand)}`;
}

function forget<K, V>(rows: Map<K, V>, isPast: (row: V) => boolean): void {
  for (const [key, row] of rows) if (isPast(row)) rows.delete(key);
}

// ── ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function ledgerStore(tables: Tables): LedgerStore {
  const tiles = createMemoryTiles();
  return {
    ...tiles,
    appendEntry: async (draft) => append(tables, draft),
    entries: async (from, limit) =>
      tables.ledger.slice(from, from + Math.max(0, limit)).map((_, i) => entryAt(tables, from + i)),
    ledgerSize: async () => tables.ledger.length,
    checkpoint: async () => tables.checkpoint,
    putCheckpoint: async (checkpoint, grown) => {
      refuseOddHashes(checkpoint.frontier);
      await tiles.putTiles(grown);
      if (checkpoint.size <= (tables.checkpoint?.size ?? -1)) return;
      tables.checkpoint = { ...checkpoint, frontier: checkpoint.frontier.map((hash) => hash.slice()) };
    },
  };
}

const NO_COUNTERS = { exhausted: [], isAllOrNothing: false };

function append(tables: Tables, draft: EntryDraft, counters: Omit<LedgerRow, "draft"> = NO_COUNTERS): number {
  return tables.ledger.push({ draft: draftText(draft), ...counters }) - 1;
}

function entryAt(tables: Tables, seq: number): StoredEntry {
  const { draft, exhausted, isAllOrNothing } = tables.ledger[seq] ?? { draft: "", ...NO_COUNTERS };
  return { seq, draft: draftOf(draft), exhausted, isAllOrNothing };
}

// ── the broker's own state ──────────────────────────────────────────────────────────────────────────────────────────

function brokerStateStore(tables: Tables): BrokerStateStore {
  const { meta, adminRequests, epochs, endorsements, spends } = tables;
  return {
    meta: async (name) => meta.get(name),
    putMeta: async (name, expected, value) => {
      if (meta.get(name) !== expected) return false;
      meta.set(name, value);
      return true;
    },
    spendAdminRequest: async (kid, jti, until) => {
      const key = JSON.stringify([kid, jti]);
      if (adminRequests.has(key)) return false;
      adminRequests.set(key, until);
      return true;
    },
    nonceEpochs: async () =>
      [...epochs.values()].map((epoch) => ({ ...epoch, wrapped: epoch.wrapped.slice() })),
    putNonceEpoch: async (epoch) => {
      const hasSpends = [...spends.values()].some(({ kid }) => kid === epoch.kid);
      if (epochs.has(epoch.kid) || hasSpends) return false;
      epochs.set(epoch.kid, { ...epoch, wrapped: epoch.wrapped.slice() });
      return true;
    },
    rewrapNonceEpoch: async (kid, from, to) => {
      const known = epochs.get(kid);
      if (known === undefined || !equalBytes(known.wrapped, from)) return false;
      epochs.set(kid, { ...known, wrapped: to.slice() });
      return true;
    },
    retireNonceEpoch: async (kid) => void epochs.delete(kid),
    cachedEndorsement: async (key) => {
      const found = endorsements.get(key);
      return found && { ...found, der: found.der.slice() };
    },
    cachedEndorsements: async (after, limit) =>
      [...endorsements]
        .filter(([key]) => key > after)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, { der, obtainedAt }]) => ({ key, der: der.slice(), obtainedAt })),
    cacheEndorsement: async (key, { der, obtainedAt }) =>
      void endorsements.set(key, { der: der.slice(), obtainedAt }),
  };
}
