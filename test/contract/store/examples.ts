/** Which rows do store tests write? Plain examples, each different from the one before; no test library here. */
import { instant } from "../../../src/base/time.ts";
import type { StoredExplanation } from "../../../src/broker/explanation-store.ts";
import type { SecretSettings, SecretVersion } from "../../../src/broker/secret-store.ts";
import type { ShadowDifference, StoredShadowOrder } from "../../../src/broker/shadow-store.ts";
import type { CommitItem, CounterUse, DecisionCommit, StoredBundle } from "../../../src/broker/store.ts";
import type { EntryDraft } from "../../../src/ledger/entry.ts";

export const T0 = instant(1_795_000_000);

let serial = 0;

/** An id that no other call gave; ULID-shaped. */
export function freshId(): string {
  serial += 1;
  return `01J${String(serial).padStart(23, "0")}`;
}

/** Sixteen bytes that no other call gave. */
export function freshRand(): Uint8Array {
  serial += 1;
  const rand = new Uint8Array(16);
  new DataView(rand.buffer).setUint32(0, serial);
  return rand;
}

export function decisionDraft(id: string): EntryDraft {
  return {
    v: 1,
    time: T0,
    kind: "decision",
    id,
    outcome: "allow",
    code: null,
    items: [{ resource: "prod/db", op: "release", version: 1, outcome: "allow" }],
    policy_hash: "1".repeat(64),
    evidence_hash: "2".repeat(64),
    trace_hash: "3".repeat(64),
    binding: 3,
    suite: 1,
    vmpl: 0,
    measurement: "4".repeat(96),
    crl: { number: 7, thisUpdate: 1_790_000_000, age: 60 },
  };
}

export function adminDraft(act: string): EntryDraft {
  return { v: 1, time: T0, kind: "admin", actor: "admin-1", act, subject: "prod/db", digest: "5".repeat(64) };
}

/** A decision that spends a nonce, as all do but the uses of tokens. */
type Spending = DecisionCommit & { readonly spend: NonNullable<DecisionCommit["spend"]> };

export function commitOf(changes: Partial<Spending> = {}): Spending {
  const id = changes.id ?? freshId();
  return {
    id,
    at: T0,
    spend: { kid: 1, rand: freshRand(), keepUntil: instant(T0 + 3660) },
    reportId: "ab".repeat(32),
    items: [{ resource: "prod/db", uses: [] }],
    isAllOrNothing: true,
    draft: decisionDraft(id),
    trace: '{"rules":[]}',
    ...changes,
  };
}

export function itemOf(...uses: readonly CounterUse[]): CommitItem {
  return { resource: "prod/db", uses };
}

export function useOf(key: string, limit: number, windowSeconds?: number): CounterUse {
  return { key, limit, windowSeconds };
}

export function versionOf(changes: Partial<SecretVersion> = {}): SecretVersion {
  return {
    path: "prod/db",
    kind: "static",
    make: "",
    version: 1,
    envelope: Uint8Array.of(1, 2, 3),
    state: "enabled",
    publicKey: new Uint8Array(),
    destroyAt: undefined,
    createdAt: T0,
    createdBy: "admin-1",
    ...changes,
  };
}

export function settingsOf(changes: Partial<SecretSettings> = {}): SecretSettings {
  return {
    bindings: undefined,
    current: undefined,
    minimum: 1,
    rotateSeconds: undefined,
    isRetiring: false,
    leaseSeconds: undefined,
    owner: "",
    labels: {},
    ...changes,
  };
}

export function bundleOf(digest: string): StoredBundle {
  return {
    digest,
    tar: Uint8Array.of(9, 8, 7),
    signature: '{"payload":""}',
    proposedAt: T0,
    proposedBy: "admin-1",
  };
}

export function explanationOf(id: string): StoredExplanation {
  return { id, digest: "a".repeat(64), signature: '{"payload":"explain"}', at: T0, by: "admin-1" };
}

export function shadowOrderOf(serial: number, digest: string): StoredShadowOrder {
  return { serial, digest, signature: '{"payload":"shadow"}', at: T0, by: "admin-1" };
}

export function shadowRowOf(seq: number, order = 1): ShadowDifference {
  return {
    seq,
    order,
    decision: `01J${String(seq).padStart(23, "0")}`,
    item: 0,
    at: T0,
    resource: "prod/db",
    direction: "lost",
    liveCode: "",
    shadowCode: "require-failed",
    clause: "require vmpl == 0",
    reason: "allowed by t/p",
    liveTrace: "1".repeat(64),
    shadowTrace: "2".repeat(64),
    hash: String(seq).padStart(64, "0"),
  };
}
