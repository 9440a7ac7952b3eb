/** Good entries of every kind, as drafts of a small history. */
import type { DecisionEntry, EntryDraft, LedgerEntry } from "../../src/ledger/entry.ts";

const ULIDS = "01JD000000000000000000000";

export const ALLOWED: Omit<DecisionEntry, "seq"> = {
  v: 1,
  time: 1_790_000_002,
  kind: "decision",
  id: `${ULIDS}0`,
  outcome: "allow",
  code: null,
  items: [{ resource: "prod/db/luks", op: "release", version: 3, outcome: "allow" }],
  policy_hash: "ab".repeat(32),
  evidence_hash: "cd".repeat(32),
  trace_hash: "ef".repeat(32),
  binding: 3,
  suite: 1,
  vmpl: 0,
  measurement: "12".repeat(48),
  crl: { number: 6, thisUpdate: 1_789_000_000, age: 3600 },
};

const HISTORY: readonly EntryDraft[] = [
  { v: 1, time: 1_790_000_000, kind: "epoch", act: "start" },
  {
    v: 1,
    time: 1_790_000_001,
    kind: "admin",
    actor: "admin-1",
    act: "secret-put",
    subject: "prod/db/luks@3",
    digest: "34".repeat(32),
  },
  ALLOWED,
  {
    ...ALLOWED,
    id: `${ULIDS}1`,
    outcome: "deny",
    code: "no-policy",
    policy_hash: null,
    items: [{ resource: "prod/db/luks", op: "release", version: 0, outcome: "deny" }],
  },
  { v: 1, time: 1_790_000_003, kind: "release-failed", id: `${ULIDS}0` },
  {
    ...ALLOWED,
    id: `${ULIDS}2`,
    simulated: true,
    bearer: true,
    items: [...ALLOWED.items, { resource: "token/db", op: "release", version: 0, outcome: "deny" }],
  },
  {
    v: 1,
    time: 1_790_000_004,
    kind: "admin",
    actor: "admin-1",
    act: "secret-disabled",
    subject: "prod/db/luks@3",
    digest: "",
  },
];

/** A log of so many entries: the history above, again and again. */
export function logOf(size: number): readonly LedgerEntry[] {
  return Array.from({ length: size }, (_, seq) => entryAt(seq));
}

function entryAt(seq: number): LedgerEntry {
  const draft = HISTORY[seq % HISTORY.length] ?? ALLOWED;
  return { ...draft, seq };
}
