/** How does the daemon run, and what does it keep in memory? `[serve]` and `[cache]`. */
import * as v from "valibot";
import type { LocalPlace } from "../agent/local-socket.ts";
import type { CachePlan } from "../agent/secret-cache.ts";
import { duration, path, table, whole } from "./config-fields.ts";

const LOOPBACK = /^(127\.0\.0\.1|\[::1\]):([1-9]\d{0,4})$/;

/** Where the daemon answers questions about itself: never on an address that another machine reaches. */
const healthPlace = v.union(
  [v.pipe(v.string(), v.regex(/^\//), path), v.pipe(v.string(), v.regex(LOOPBACK))],
  "the path of a socket, or a port of this machine as 127.0.0.1:9464",
);

export const AGENT_SERVE = table({
  health: v.optional(healthPlace),
});

/** Absent for no memory at all. Whoever may read one secret may have it read this much later than it was allowed. */
export const AGENT_CACHE = table({
  max_age: duration(1, 86_400),
  stale_while_error: v.optional(duration(1, 604_800)),
  max_entries: v.optional(whole(1, 10_000), 64),
  max_bytes: v.optional(whole(1, 64 << 20), 1 << 20),
});

export interface ServeConfig {
  readonly health?: LocalPlace;
}

export function serveConfigOf(
  { health }: v.InferOutput<typeof AGENT_SERVE>,
  at: (path: string) => string,
): ServeConfig {
  return health === undefined ? {} : { health: localPlaceOf(health, at) };
}

function localPlaceOf(text: string, at: (path: string) => string): LocalPlace {
  const [, host, port] = LOOPBACK.exec(text) ?? [];
  if (host === undefined) return { socket: at(text) };
  return { host: host.replace(/[[\]]/g, ""), port: Number(port) };
}

export function cachePlanOf(read: v.InferOutput<typeof AGENT_CACHE>): CachePlan {
  return {
    maxAgeMs: read.max_age * 1000,
    staleMs: (read.stale_while_error ?? 0) * 1000,
    maxEntries: read.max_entries,
    maxBytes: read.max_bytes,
  };
}
