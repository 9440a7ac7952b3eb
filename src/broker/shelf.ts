/** What was fetched before? Endorsements in memory, behind them the store, behind it the source; only proven ones stay. */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { TcbVersion } from "../attestation/snp/tcb.ts";
import { hexOf } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { CachedEndorsement, Store } from "./store.ts";
import type { EndorsementSource } from "./world.ts";

/** A CRL is asked for anew when it was fetched this long ago, though it is within its dates still. */
const CRL_REFRESH_SECONDS = 6 * 3600;
/** After a refresh that failed, the CRL at hand serves this long before the next try. */
const CRL_RETRY_SECONDS = 300;
/** After a first fetch that failed, as long until the next. */
const CRL_ABSENT_RETRY_SECONDS = 15;
const MAX_KEPT = 4096;
/** The key server does not answer, or is switched off: then what was imported serves until its dates end. */
export const NOT_TO_BE_HAD: ReadonlySet<string> = new Set([
  "endorsement/unavailable",
  "endorsement/crl-missing",
]);

/** One thing that can be missing, named by what it is of. */
export interface Need {
  readonly key: string;
  readonly is: "leaf" | "authorities" | "crl";
  readonly fetch: (source: EndorsementSource) => Promise<readonly Uint8Array[]>;
}

export interface Found {
  readonly need: Need;
  readonly endorsements: readonly CachedEndorsement[];
  /** Just fetched: nothing has proven it yet. */
  readonly isFresh: boolean;
}

export interface Shelf {
  /** `undefined` where nothing is at hand and the source failed a moment ago: it is asked again later. */
  readonly find: (need: Need, now: Instant) => Promise<Found | undefined>;
  /** Keeps what a chain has proven. */
  readonly keep: (found: Found) => Promise<void>;
}

export function vcekNeed(product: ProductLine, chipId: Uint8Array, tcb: TcbVersion): Need {
  const { fmc = "-", bootloader, tee, snp, microcode } = tcb;
  return {
    key: `vcek/${product}/${hexOf(chipId)}/${[fmc, bootloader, tee, snp, microcode].join(".")}`,
    is: "leaf",
    fetch: async (source) => {
      const leaf = await source.vcek(product, chipId, tcb);
      return leaf === undefined ? [] : [leaf];
    },
  };
}

export function intermediatesNeed(product: ProductLine, kind: "vcek" | "vlek"): Need {
  return {
    key: `ca/${kind}/${product}`,
    is: "authorities",
    fetch: (source) => source.intermediates(product, kind),
  };
}

export function crlNeed(product: ProductLine, kind: "vcek" | "vlek"): Need {
  return {
    key: `crl/${kind}/${product}`,
    is: "crl",
    fetch: async (source) => [await source.crl(product, kind)],
  };
}

export interface ShelfParts {
  readonly store: Pick<Store, "cachedEndorsement" | "cacheEndorsement">;
  readonly source: EndorsementSource;
  readonly log: Log;
}

/** Makes a shelf. Concurrent needs for one thing make one request: that is the source's business. */
export function createShelf({ store, source, log }: ShelfParts): Shelf {
  const kept = new Map<string, readonly CachedEndorsement[]>();
  const retryAt = new Map<string, Instant>();

  return { find, keep };

  async function find(need: Need, now: Instant): Promise<Found | undefined> {
    const own = kept.get(need.key);
    const isOwnGood = own !== undefined && !isDue(need, own, now);
    const known = isOwnGood ? own : ((await stored(need)) ?? own); // another may have fetched a younger one
    if (known === undefined) return firstFetched(need, now);
    remember(need.key, known);
    return isDue(need, known, now)
      ? refreshed(need, known, now)
      : { need, endorsements: known, isFresh: false };
  }

  async function keep({ need, endorsements }: Found): Promise<void> {
    if (endorsements.length === 0) return;
    remember(need.key, endorsements);
    for (const [index, endorsement] of endorsements.entries()) {
      await store.cacheEndorsement(`${need.key}#${index}`, endorsement); // in order: two at most
    }
  }

  async function stored(need: Need): Promise<readonly CachedEndorsement[] | undefined> {
    const found: CachedEndorsement[] = [];
    for (;;) {
      const next = await store.cachedEndorsement(`${need.key}#${found.length}`); // in order: the first gap ends it
      if (next === undefined) return found.length === 0 ? undefined : found;
      found.push(next);
    }
  }

  /** A key server that is down is not asked for its few CRLs by every request: a guest's own may do meanwhile. */
  async function firstFetched(need: Need, now: Instant): Promise<Found | undefined> {
    if (need.is !== "crl") return fetched(need, now);
    if (now < (retryAt.get(need.key) ?? 0)) return undefined;
    try {
      return await fetched(need, now);
    } catch (thrown) {
      retryAt.set(need.key, addSeconds(now, CRL_ABSENT_RETRY_SECONDS));
      throw thrown;
    }
  }

  async function fetched(need: Need, now: Instant): Promise<Found> {
    const ders = await need.fetch(source);
    return { need, endorsements: ders.map((der) => ({ der, obtainedAt: now })), isFresh: true };
  }

  async function refreshed(need: Need, known: readonly CachedEndorsement[], now: Instant): Promise<Found> {
    retryAt.set(need.key, addSeconds(now, CRL_RETRY_SECONDS));
    try {
      return await fetched(need, now);
    } catch (thrown) {
      if (!isFault(thrown) || !NOT_TO_BE_HAD.has(thrown.code)) throw thrown;
      log("warn", "crl-refresh-failed", { key: need.key });
      return { need, endorsements: known, isFresh: false };
    }
  }

  function isDue(need: Need, known: readonly CachedEndorsement[], now: Instant): boolean {
    const isOld = known.some(({ obtainedAt }) => now > addSeconds(obtainedAt, CRL_REFRESH_SECONDS));
    return need.is === "crl" && isOld && now >= (retryAt.get(need.key) ?? 0);
  }

  function remember(key: string, endorsements: readonly CachedEndorsement[]): void {
    const [oldest] = kept.keys();
    if (!kept.has(key) && kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    kept.set(key, endorsements);
  }
}
