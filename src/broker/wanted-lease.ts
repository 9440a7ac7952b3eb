/** May this guest hold a secret that one guest at a time may hold, and what is it told then? */
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { leaseTermSeconds } from "../policy/obligations.ts";
import type { Obligations } from "../writ/decision.ts";
import type { StoredLease } from "./lease-store.ts";
import type { SecretSettings } from "./secret-store.ts";
import type { Store } from "./store.ts";
import type { World } from "./world.ts";

/** The lease that a release of this item takes or renews. */
export interface WantedLease {
  readonly seconds: number;
  /** Another guest, whose lease runs: a look that may refuse early and can be explained. The commit decides. */
  readonly heldBy: StoredLease | undefined;
}

interface Asking {
  readonly path: string;
  readonly reportId: string;
  readonly now: Instant;
  readonly obligations: Obligations;
  /** How old the guest's evidence is. */
  readonly heldMs: number;
}

/** `undefined` where any number of guests may hold the secret. */
export async function wantedLease(
  settings: SecretSettings | undefined,
  { path, reportId, now, obligations, heldMs }: Asking,
  store: Store,
): Promise<WantedLease | undefined> {
  if (settings?.leaseSeconds === undefined) return undefined;
  const lease = await store.lease(path);
  const isAnothers = lease !== undefined && lease.until > now && lease.holder !== reportId;
  return {
    seconds: leaseTermSeconds(obligations, settings.leaseSeconds, heldMs),
    heldBy: isAnothers ? lease : undefined,
  };
}

/**
 * The lease that the commit took, as the guest is told of it.
 *
 * @throws {@link Fault} `secret/lease-lost` where an admin broke it before the secret left.
 */
export async function takenLease(
  path: string,
  reportId: string,
  { store, now }: Pick<World, "store" | "now">,
): Promise<StoredLease> {
  const lease = await store.lease(path);
  if (lease?.holder === reportId && lease.until > now()) return lease;
  throw new Fault("secret/lease-lost", `the lease of \`${path}\` was broken before the secret left`);
}
