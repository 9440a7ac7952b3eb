/** How does the finding part of the Store contract look without a database? For tests only, like `memory.ts`. */
import type { Instant } from "../base/time.ts";
import {
  FINDINGS_KEPT_SECONDS,
  type FindingStore,
  type NamedSighting,
  REOPEN_SECONDS,
  type ScanRecord,
} from "../broker/finding-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import type { Finding } from "../wire/finding-messages.ts";

interface MemoryFindings extends FindingStore {
  /** What `prune` of the whole store does here. */
  readonly forgetFindings: (now: Instant) => void;
}

export function createMemoryFindings(append: (entry: EntryDraft) => void): MemoryFindings {
  let kept: readonly Finding[] = [];
  const replace = (old: Finding, by: Finding): void => {
    kept = kept.map((one) => (one === old ? by : one));
  };
  const see = (sighting: NamedSighting, at: Instant): readonly string[] => {
    const last = kept.filter(({ id }) => id === sighting.id).at(-1);
    if (last === undefined || isLongOver(last, at)) {
      kept = [...kept, { ...begun(sighting, at), episode: (last?.episode ?? 0) + 1 }];
      return [sighting.id];
    }
    if (last.seenAt < at && (last.remediated?.at ?? 0) < at) replace(last, seenAgain(last, sighting, at));
    return [];
  };
  return {
    ...scanStore(),
    putSightings: async (sightings, at) => sightings.flatMap((sighting) => see(sighting, at)),
    openFindings: async (findingClass, after, limit) =>
      kept
        .filter((one) => one.class === findingClass && one.remediated === undefined && one.id > after)
        .toSorted(byPlace)
        .slice(0, limit)
        .map(({ id, subject }) => ({ id, subject })),
    endFindings: async (ids, how, at) => {
      for (const one of kept) {
        const ends = ids.includes(one.id) && one.remediated === undefined && one.seenAt < at;
        if (ends) replace(one, { ...one, remediated: { at, how } });
      }
    },
    findings: async ({ since, after, limit }) =>
      kept
        .filter(
          (one) =>
            (one.remediated === undefined || one.remediated.at >= since || one.detectedAt >= since) &&
            (after === undefined || byPlace(after, one) < 0),
        )
        .toSorted(byPlace)
        .slice(0, limit),
    finding: async (id) => kept.filter((one) => one.id === id).toReversed(),
    acknowledgeFinding: async ({ id, at, by, note }, entry) => {
      const open = kept.find((one) => one.id === id && one.remediated === undefined);
      if (open === undefined || open.acknowledged !== undefined) return false;
      replace(open, { ...open, acknowledged: { at, by, note } });
      append(entry);
      return true;
    },
    forgetFindings: (now) => {
      kept = kept.filter(
        ({ remediated }) => remediated === undefined || remediated.at >= now - FINDINGS_KEPT_SECONDS,
      );
    },
  };
}

function isLongOver({ remediated }: Finding, at: Instant): boolean {
  return remediated !== undefined && remediated.at < at - REOPEN_SECONDS;
}

function begun(sighting: NamedSighting, at: Instant): Finding {
  return { ...structuredClone(sighting), episode: 1, detectedAt: at, seenAt: at, recurrences: 0 };
}

/** What was acknowledged before it ended is not known to anybody when it is there again. */
function seenAgain(last: Finding, sighting: NamedSighting, at: Instant): Finding {
  const { remediated, acknowledged, ...rest } = last;
  const { severity, owner, sentence, advice, evidence, introducedAt } = structuredClone(sighting);
  return {
    ...rest,
    ...{ severity, owner, sentence, advice, evidence, seenAt: at },
    introducedAt: last.introducedAt ?? introducedAt,
    recurrences: last.recurrences + (remediated === undefined ? 0 : 1),
    ...(remediated === undefined && acknowledged !== undefined ? { acknowledged } : {}),
  };
}

function byPlace(
  a: { readonly id: string; readonly episode: number },
  b: { readonly id: string; readonly episode: number },
): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.episode - b.episode;
}

function scanStore(): Pick<FindingStore, "beginScan" | "endScan" | "scans"> {
  const begunAt = new Map<string, Instant>();
  const ended = new Map<string, ScanRecord>();
  return {
    beginScan: async (name, at, before) => {
      const last = begunAt.get(name);
      if (last !== undefined && last > before) return false;
      begunAt.set(name, at);
      return true;
    },
    endScan: async (turn) => {
      if (begunAt.has(turn.name))
        ended.set(turn.name, { ...turn, runs: (ended.get(turn.name)?.runs ?? 0) + 1 });
    },
    scans: async () => [...ended.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
