/** How does a door of the daemon get a secret, and what is a door? One attested way to the broker, shared by all of them. */
import type { Log } from "../base/log.ts";
import type { Instant } from "../base/time.ts";
import type { TransitItem } from "../wire/transit.ts";

/** A secret that was released to this guest. */
export interface HeldSecret {
  readonly path: string;
  readonly version: number;
  /** Plaintext, a copy of the caller's own: the caller overwrites it when done. */
  readonly secret: Uint8Array;
  /** The id under which the broker's operator finds the release. */
  readonly decision: string;
  /** After how many seconds the policy wants new evidence. */
  readonly reattestSeconds?: number;
  /** Where one guest at a time may hold it. */
  readonly lease?: { readonly fence: number; readonly until: Instant };
}

/** Every call throws {@link Fault}: the broker's no with its decision id, `broker/unreachable`, `provider/unavailable`, `channel/bad-release`. */
export interface SecretSource {
  /** Reads the newest version unless one is given. */
  readonly read: (path: string, version?: number) => Promise<HeldSecret>;
  /** Reads the newest past every memory: a lease is renewed by it, and a new version is seen. */
  readonly readAnew: (path: string) => Promise<HeldSecret>;
  /** Writes a new version; with `cas` only where that is the current one, and 0 where there is none. */
  readonly write: (
    path: string,
    secret: Uint8Array,
    cas?: number,
  ) => Promise<{ readonly version: number; readonly decision: string }>;
  /** Uses a transit key once. `result` may be plaintext: the caller overwrites it when done. */
  readonly transit: (
    path: string,
    item: TransitItem,
  ) => Promise<{ readonly decision: string; readonly results: readonly Uint8Array[] }>;
}

/** What a door is given beside the source. */
export interface DoorParts {
  readonly log: Log;
  /** Aborted when the daemon ends: a door that waits for the broker stops waiting. */
  readonly signal: AbortSignal;
}

export interface OpenDoor {
  /** Ends in order: takes nobody more, lets who is inside finish for a bounded time, overwrites what is held, removes files. */
  readonly close: () => Promise<void>;
}

/** Something of the daemon that applications come to: a Vault-compatible surface, a key socket, a credential socket, a file. */
export interface Door {
  /** For logs and health: which door, never a secret's path. */
  readonly name: string;
  /** Opens it. Comes back once applications can come, and whatever they need lies there. */
  readonly open: (source: SecretSource, parts: DoorParts) => Promise<OpenDoor>;
}
