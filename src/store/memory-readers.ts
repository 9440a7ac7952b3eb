/** How does a store without a database remember who read which version? For tests only, like `memory.ts`. */

import type { SecretReader, SecretStore } from "../broker/secret-store.ts";
import type { DecisionCommit } from "../broker/store.ts";

export interface MemoryReaders extends Pick<SecretStore, "readersOf" | "countReaders" | "confirmReaders"> {
  /** What a commit does here beside its counters. */
  readonly keepReaders: (commit: DecisionCommit, exhausted: readonly number[]) => void;
  readonly readersNow: (path: string, version: number) => readonly SecretReader[];
}

export function createMemoryReaders(): MemoryReaders {
  const kept = new Map<string, SecretReader>();
  const readersNow = (path: string, version: number): readonly SecretReader[] =>
    [...kept.values()].filter((row) => row.path === path && row.version === version);
  return {
    readersNow,
    keepReaders: (commit, exhausted) => {
      const isNone = commit.isAllOrNothing && exhausted.length > 0;
      for (const [index, { resource: path, reads: version }] of commit.items.entries()) {
        if (version !== undefined && !isNone && !exhausted.includes(index))
          keep(kept, { path, version }, commit);
      }
    },
    readersOf: async (path, version, limit) =>
      [...kept.values()]
        .filter((row) => row.path === path && (version === undefined || row.version === version))
        .sort(byNeed)
        .slice(0, limit),
    countReaders: async (path, version) =>
      readersNow(path, version).filter(({ confirmedAt }) => confirmedAt === undefined).length,
    confirmReaders: async ({ path, version, readers, at }) => {
      const hasRead = readersNow(path, version).some(({ reader }) => reader === readers[0]);
      const isMeant = (row: SecretReader): boolean =>
        row.path === path &&
        row.version < version &&
        row.confirmedAt === undefined &&
        readers.includes(row.reader);
      const marked = [...kept].filter(([, row]) => hasRead && isMeant(row));
      for (const [key, row] of marked) kept.set(key, { ...row, confirmedAt: at });
      return [...new Set(marked.map(([, row]) => row.version))].sort((a, b) => a - b);
    },
  };
}

function keep(
  kept: Map<string, SecretReader>,
  what: Pick<SecretReader, "path" | "version">,
  { reportId: reader, at, id }: DecisionCommit,
): void {
  const key = JSON.stringify([what.path, what.version, reader]);
  const firstAt = kept.get(key)?.firstAt ?? at;
  kept.set(key, { ...what, reader, firstAt, lastAt: at, decision: id, confirmedAt: undefined });
}

/** Those who confirmed nothing first, then by version, then the newest first. */
function byNeed(a: SecretReader, b: SecretReader): number {
  const need = Number(a.confirmedAt !== undefined) - Number(b.confirmedAt !== undefined);
  return need || a.version - b.version || b.lastAt - a.lastAt || (a.reader < b.reader ? -1 : 1);
}
