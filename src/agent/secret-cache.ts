/** How long is a secret kept in memory? Only where it was asked for, within bounds of age, count and size, and overwritten when it goes. */
import type { HeldSecret } from "./secret-source.ts";

export interface CachePlan {
  /** From the release on. */
  readonly maxAgeMs: number;
  /** For how long after that an old one may stand in while nobody answers; 0 for never. */
  readonly staleMs: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** Two clocks, since the host moves one and stops the other: an entry is old when either says so. */
export interface CacheClocks {
  /** Milliseconds that never run backwards; they may stand still while the machine sleeps. */
  readonly milliseconds: () => number;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Calls back once, and keeps no process alive for it. */
  readonly after: (milliseconds: number, then: () => void) => { readonly cancel: () => void };
}

export interface SecretCache {
  /** A copy of what is fresh. */
  readonly fresh: (name: string) => HeldSecret | undefined;
  /** A copy of what may stand in where nobody answers. */
  readonly stale: (name: string) => HeldSecret | undefined;
  /** Keeps a copy. */
  readonly keep: (name: string, held: HeldSecret) => void;
  /** Forgets every version of a path. */
  readonly forget: (path: string) => void;
  readonly clear: () => void;
  readonly size: () => { readonly entries: number; readonly bytes: number };
}

interface Entry {
  readonly held: HeldSecret;
  readonly at: number;
  readonly bornAt: number;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export function createSecretCache(plan: CachePlan, clocks: CacheClocks): SecretCache {
  const entries = new Map<string, Entry>();
  const ageOf = ({ at, bornAt }: Entry): number => {
    const byWall = (clocks.now() - bornAt) * 1000;
    return byWall < 0 ? Number.POSITIVE_INFINITY : Math.max(clocks.milliseconds() - at, byWall);
  };
  const drop = (name: string): void => {
    entries.get(name)?.held.secret.fill(0);
    entries.delete(name);
  };
  const copyOf = (name: string, graceMs: number): HeldSecret | undefined => {
    const entry = entries.get(name);
    if (entry === undefined || ageOf(entry) >= lifeOf(entry.held, plan, graceMs)) return undefined;
    if (entry.held.lease !== undefined && clocks.now() >= entry.held.lease.until) return undefined;
    return { ...entry.held, secret: entry.held.secret.slice() };
  };
  const bytes = (): number => [...entries.values()].reduce((sum, { held }) => sum + held.secret.length, 0);
  let timer: { readonly cancel: () => void } | undefined;
  const sweep = (): void => {
    for (const [name, entry] of entries) {
      if (ageOf(entry) >= lifeOf(entry.held, plan, plan.staleMs)) drop(name);
    }
    timer?.cancel();
    const left = [...entries.values()].map((one) => lifeOf(one.held, plan, plan.staleMs) - ageOf(one));
    if (left.length > 0) timer = clocks.after(Math.min(MAX_TIMER_MS, Math.ceil(Math.min(...left))), sweep);
  };
  return {
    fresh: (name) => copyOf(name, 0),
    stale: (name) => copyOf(name, plan.staleMs),
    keep: (name, held) => {
      drop(name);
      if (held.secret.length > plan.maxBytes) return;
      entries.set(name, {
        held: { ...held, secret: held.secret.slice() },
        at: clocks.milliseconds(),
        bornAt: clocks.now(),
      });
      for (const oldest of entries.keys()) {
        if (entries.size <= plan.maxEntries && bytes() <= plan.maxBytes) break;
        drop(oldest);
      }
      sweep();
    },
    forget: (path) => {
      for (const [name, { held }] of entries) if (held.path === path) drop(name);
    },
    clear: () => {
      timer?.cancel();
      for (const name of entries.keys()) drop(name);
    },
    size: () => ({ entries: entries.size, bytes: bytes() }),
  };
}

/** The policy's own bound counts for what stands in too: after it, the guest has to prove itself anew. */
function lifeOf(
  { reattestSeconds = Number.POSITIVE_INFINITY }: HeldSecret,
  plan: CachePlan,
  graceMs: number,
) {
  return Math.min(plan.maxAgeMs + graceMs, reattestSeconds * 1000);
}
