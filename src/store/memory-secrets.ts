/** How does the part of the Store contract about secrets look without a database? A list and a map; for tests only. */
import { equalBytes } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import type { LeaseStore } from "../broker/lease-store.ts";
import type {
  SecretHead,
  SecretStore,
  SecretVersion,
  StoredEnvelope,
  StoredSettings,
} from "../broker/secret-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { createMemoryLeases, type MemoryLeases } from "./memory-leases.ts";
import { createMemoryReaders, type MemoryReaders } from "./memory-readers.ts";

interface Kept {
  readonly versions: SecretVersion[];
  readonly settings: Map<string, StoredSettings>;
  /** Appends an entry and answers its place. */
  readonly append: (entry: EntryDraft) => number;
  readonly readers: MemoryReaders;
  /** Of condemned versions: how many readers may be cut off. */
  readonly despite: Map<SecretVersion, number>;
}

interface MemorySecrets extends SecretStore, LeaseStore {
  /** What a commit does here beside its counters. */
  readonly beside: Pick<MemoryReaders, "keepReaders"> & MemoryLeases;
}

/** The secrets of a store that lives as long as the process. */
export function createMemorySecrets(append: Kept["append"]): MemorySecrets {
  const readers = createMemoryReaders();
  const kept: Kept = { versions: [], settings: new Map(), append, readers, despite: new Map() };
  const { readersNow: _, keepReaders, ...readerStore } = readers;
  const { isHeldByOther, takeLeases, ...leaseStore } = createMemoryLeases(kept.settings, append);
  return {
    ...versionStore(kept),
    ...lifeStore(kept),
    ...settingStore(kept),
    ...envelopeStore(kept),
    ...readerStore,
    ...leaseStore,
    beside: { keepReaders, isHeldByOther, takeLeases },
  };
}

function ofPath({ versions }: Kept, path: string): readonly SecretVersion[] {
  return versions.filter((row) => row.path === path).sort((a, b) => a.version - b.version);
}

function newestOfEach(kept: Kept): readonly SecretVersion[] {
  return [...new Set(kept.versions.map(({ path }) => path))]
    .sort()
    .flatMap((path) => ofPath(kept, path).slice(-1));
}

type VersionStore = Pick<SecretStore, "putSecretVersion" | "secretVersion" | "secretVersions" | "secrets">;

function versionStore(kept: Kept): VersionStore {
  return {
    putSecretVersion: async (version, entry) => {
      if (version.version !== ofPath(kept, version.path).length + 1) return false;
      kept.versions.push(copyOf(version));
      kept.append(entry);
      return true;
    },
    secretVersion: async (path, version) => {
      const isWanted = (row: SecretVersion) =>
        version === undefined ? isGiven(row, kept.settings.get(path)) : row.version === version;
      const found = ofPath(kept, path).findLast(isWanted);
      return found && copyOf(found);
    },
    secretVersions: async (path) => ofPath(kept, path).map(withoutEnvelope),
    secrets: async () => newestOfEach(kept).map(withoutEnvelope),
  };
}

function isGiven({ state, version }: SecretVersion, settings: StoredSettings | undefined): boolean {
  const { minimum = 1, current = version } = settings ?? {};
  return state === "enabled" && version >= minimum && version === current;
}

type LifeStore = Pick<
  SecretStore,
  | "setVersionState"
  | "destroyVersion"
  | "condemnVersion"
  | "condemnedUntil"
  | "destroyCondemned"
  | "dueRotations"
  | "retirable"
>;

function lifeStore(kept: Kept): LifeStore {
  const { versions, despite: allowed } = kept;
  const change = (at: Place, entry: EntryDraft, changed: (row: SecretVersion) => SecretVersion): boolean => {
    const index = versions.findIndex(({ path, version }) => path === at.path && version === at.version);
    const row = versions[index];
    if (row === undefined || row.state === "destroyed") return false;
    versions[index] = changed(row);
    kept.append(entry);
    return true;
  };
  const isHeldByMore = ({ path, version }: Place, despite: number): boolean =>
    unconfirmed(kept, { path, version }) > despite;
  return {
    setVersionState: async (path, version, state, entry) =>
      change({ path, version }, entry, (row) => ({ ...row, state, destroyAt: undefined })),
    destroyVersion: async (order, entry) =>
      !isHeldByMore(order, order.despite) && change(order, entry, destroyed),
    condemnVersion: async (order, entry) =>
      !isHeldByMore(order, order.despite) &&
      change(order, entry, (row) => {
        const condemned = { ...row, state: "condemned", destroyAt: order.destroyAt } as const;
        allowed.set(condemned, order.despite);
        return condemned;
      }),
    destroyCondemned: async (path, version, now, entry) => {
      const row = ofPath(kept, path).find((one) => one.version === version);
      if (row === undefined || !isDue(row, now) || isHeldByMore(row, allowed.get(row) ?? 0)) return false;
      return change({ path, version }, entry, destroyed);
    },
    ...dueStore(kept),
  };
}

function isDue(row: SecretVersion, now: Instant): boolean {
  return row.destroyAt !== undefined && row.destroyAt <= now;
}

function unconfirmed({ readers }: Kept, { path, version }: Place): number {
  return readers.readersNow(path, version).filter(({ confirmedAt }) => confirmedAt === undefined).length;
}

function dueStore(kept: Kept): Pick<SecretStore, "condemnedUntil" | "dueRotations" | "retirable"> {
  const { versions } = kept;
  return {
    condemnedUntil: async (now, limit) =>
      versions
        .filter((row) => isDue(row, now))
        .sort((a, b) => (a.destroyAt ?? 0) - (b.destroyAt ?? 0) || (isBefore(a, b) ? -1 : 1))
        .slice(0, limit)
        .map(withoutEnvelope),
    dueRotations: async (now, limit) =>
      newestOfEach(kept)
        .filter(({ path, kind, createdAt }) => {
          const seconds = kept.settings.get(path)?.rotateSeconds;
          return kind === "generated" && seconds !== undefined && createdAt + seconds <= now;
        })
        .slice(0, limit)
        .map(withoutEnvelope),
    retirable: async (limit) =>
      versions
        .filter((row) => isRetirable(row, kept))
        .sort((a, b) => (isBefore(a, b) ? -1 : 1))
        .slice(0, limit)
        .map(withoutEnvelope),
  };
}

function isRetirable(row: SecretVersion, kept: Kept): boolean {
  const { isRetiring = false, current } = kept.settings.get(row.path) ?? {};
  const isReplaced = ofPath(kept, row.path).some(
    ({ version, state }) => version > row.version && state === "enabled",
  );
  const isRead = kept.readers.readersNow(row.path, row.version).length > 0 && unconfirmed(kept, row) === 0;
  const isPast = current === undefined || row.version < current;
  return isRetiring && row.state === "enabled" && isReplaced && isRead && isPast;
}

function destroyed(row: SecretVersion): SecretVersion {
  return { ...row, state: "destroyed", destroyAt: undefined, envelope: new Uint8Array() };
}

type SettingStore = Pick<SecretStore, "secretSettings" | "putSecretSettings">;

function settingStore(kept: Kept): SettingStore {
  return {
    secretSettings: async (path) => kept.settings.get(path),
    putSecretSettings: async ({ path, settings, expected }, entry) => {
      const isExpected = kept.settings.get(path)?.entrySeq === expected;
      if (!isExpected || ofPath(kept, path).length === 0) return false;
      kept.settings.set(path, { ...settings, entrySeq: kept.append(entry) });
      return true;
    },
  };
}

type EnvelopeStore = Pick<SecretStore, "envelopes" | "countEnvelopesWithout" | "rewrapEnvelopes">;

function envelopeStore({ versions, append }: Kept): EnvelopeStore {
  return {
    envelopes: async (after, limit) =>
      versions
        .filter((row) => row.state !== "destroyed" && (after === undefined || isBefore(after, row)))
        .sort((a, b) => (isBefore(a, b) ? -1 : 1))
        .slice(0, limit)
        .map(({ path, version, kind, make, envelope }) => ({
          path,
          version,
          kind,
          make,
          envelope: envelope.slice(),
        })),
    countEnvelopesWithout: async (head) =>
      versions.filter(
        ({ state, envelope }) =>
          state !== "destroyed" && !equalBytes(envelope.subarray(0, head.length), head),
      ).length,
    rewrapEnvelopes: async (rewraps, entry) => {
      append(entry);
      return rewraps.filter(({ path, version, from, envelope }) => {
        const at = versions.findIndex((row) => row.path === path && row.version === version);
        const row = versions[at];
        if (row === undefined || !equalBytes(row.envelope, from)) return false;
        versions[at] = { ...row, envelope: envelope.slice() };
        return true;
      }).length;
    },
  };
}

type Place = Pick<StoredEnvelope, "path" | "version">;

function isBefore(a: Place, b: Place): boolean {
  return a.path < b.path || (a.path === b.path && a.version < b.version);
}

function copyOf(version: SecretVersion): SecretVersion {
  return { ...version, envelope: version.envelope.slice(), publicKey: version.publicKey.slice() };
}

function withoutEnvelope({ envelope: _, ...version }: SecretVersion): SecretHead {
  return { ...version, publicKey: version.publicKey.slice() };
}
