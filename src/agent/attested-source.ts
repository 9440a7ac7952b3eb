/** What is the one attested way of the daemon to its brokers? Reads that share reports, tokens that serve many uses, and a memory only where asked. */
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { isPassing } from "../client/retry.ts";
import { createReadQueue, isRefusal, questionOf, type ReadQueuePlan, type SecretItem } from "./read-queue.ts";
import type { ReadSecrets } from "./renewed-reads.ts";
import type { CacheClocks, SecretCache } from "./secret-cache.ts";
import type { HeldSecret, SecretSource } from "./secret-source.ts";

export interface SourceParts extends Pick<SecretSource, "write" | "transit"> {
  /** All of it or nothing. */
  readonly readSecrets: ReadSecrets;
  /** There only where the operator asked for one. */
  readonly cache?: SecretCache;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly after: CacheClocks["after"];
  readonly milliseconds: () => number;
  readonly now: () => Instant;
  readonly giveBack: (lease: { readonly secret: string; readonly fence: number }) => Promise<void>;
  /** Ends what goes on by itself. */
  readonly onClose: () => void;
  /** Told of each read, for health and metrics. */
  readonly onRead: (outcome: ReadOutcome) => void;
}

/** How a read went; `code` is that of the fault. */
export type ReadOutcome =
  | { readonly kind: "released" | "cached" }
  | { readonly kind: "stale" | "failed" | "refused"; readonly code: string };

export interface AttestedSource extends SecretSource {
  /** What is kept. */
  readonly cacheSize: () => { readonly entries: number; readonly bytes: number };
  /** Overwrites what is kept and gives back what is leased. Never throws: a lease that stays ends by itself. */
  readonly close: () => Promise<void>;
}

/** While something older can stand in, nobody is kept waiting for the broker. */
const IMPATIENT_MS = 3000;

export function createAttestedSource(parts: SourceParts, plan: ReadQueuePlan): AttestedSource {
  const { cache } = parts;
  const leases = createLeases(parts);
  const { readSecrets: release, sleep, milliseconds } = parts;
  const queue = createReadQueue({ release, sleep, milliseconds }, plan);
  const released = async (item: SecretItem): Promise<HeldSecret> => {
    try {
      const held = await queue.read(item);
      leases.note(held);
      cache?.keep(questionOf(item), held);
      parts.onRead({ kind: "released" });
      return held;
    } catch (thrown) {
      if (!isPassing(thrown)) cache?.forget(item.secret); // a no counts at once
      throw thrown;
    }
  };
  const failed = (thrown: unknown): never => {
    parts.onRead({ kind: isRefusal(thrown) ? "refused" : "failed", code: codeOf(thrown) });
    throw thrown;
  };
  const overOld = async (item: SecretItem, old: HeldSecret): Promise<HeldSecret> => {
    try {
      const held = await soon(released(item), parts.after);
      old.secret.fill(0);
      return held;
    } catch (thrown) {
      if (!isPassing(thrown)) {
        old.secret.fill(0);
        return failed(thrown);
      }
      parts.onRead({ kind: "stale", code: codeOf(thrown) });
      return old;
    }
  };
  const read = async (item: SecretItem): Promise<HeldSecret> => {
    const name = questionOf(item);
    const fresh = cache?.fresh(name);
    if (fresh !== undefined) {
      parts.onRead({ kind: "cached" });
      return fresh;
    }
    const old = cache?.stale(name);
    return old === undefined ? released(item).catch(failed) : overOld(item, old);
  };
  const renew = (path: string): void => {
    cache?.forget(path);
    queue.renew(path);
  };
  return {
    readAnew: (path) => released({ secret: path }).catch(failed),
    read: (path, version) => read(version === undefined ? { secret: path } : { secret: path, version }),
    write: async (path, secret, cas) => {
      try {
        return await parts.write(path, secret, cas);
      } finally {
        renew(path);
      }
    },
    transit: parts.transit,
    cacheSize: () => cache?.size() ?? { entries: 0, bytes: 0 },
    close: async () => {
      parts.onClose();
      cache?.clear();
      await leases.giveBack();
    },
  };
}

/** What this guest alone may hold, until its end: the next one need not wait for it. */
function createLeases({ now, giveBack }: SourceParts) {
  const leases = new Map<string, { readonly fence: number; readonly until: Instant }>();
  return {
    note: ({ path, lease }: HeldSecret): void => {
      if (lease !== undefined) leases.set(path, lease);
    },
    giveBack: async (): Promise<void> => {
      const open = [...leases].filter(([, { until }]) => now() < until);
      await Promise.allSettled(open.map(([secret, { fence }]) => giveBack({ secret, fence })));
    },
  };
}

/** Gives up waiting, and lets what comes later go: the cache has it by then. */
function soon(reading: Promise<HeldSecret>, after: CacheClocks["after"]): Promise<HeldSecret> {
  return new Promise((done, failed) => {
    let isLate = false;
    const timer = after(IMPATIENT_MS, () => {
      isLate = true;
      failed(new Fault("broker/unreachable", `expected an answer within ${IMPATIENT_MS} ms`));
    });
    reading.then((held) => {
      timer.cancel();
      if (isLate) held.secret.fill(0);
      else done(held);
    }, failed);
  });
}

function codeOf(thrown: unknown): string {
  return isFault(thrown) ? thrown.code : "internal/invariant";
}
