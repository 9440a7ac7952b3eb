/** Who holds a secret that one guest at a time may hold, and how does a holder lose it before its time? */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { LeaseEndOrder, LeaseReturn, LeaseState } from "../wire/secret-messages.ts";
import type { Holder } from "./dpop.ts";
import { reportIdOf } from "./readers.ts";
import { type Actor, adminEntry, unknownSecret } from "./secrets.ts";
import type { World } from "./world.ts";

/** The last lease of a secret, running or not; without members but the length where nobody took one yet. @throws {@link Fault} `secret/unknown`. */
export async function describeLease(path: string, { store, now }: World): Promise<LeaseState> {
  if ((await store.secretVersions(path)).length === 0) throw unknownSecret(path);
  const seconds = (await store.secretSettings(path))?.leaseSeconds;
  const lease = await store.lease(path);
  const length = seconds === undefined ? {} : { seconds };
  if (lease === undefined) return { ...length, isRunning: false };
  const { path: _, ...rest } = lease;
  return { ...length, isRunning: lease.until > now(), last: rest };
}

/**
 * Ends a lease in the place of its holder, who is not asked and may still use what it has: the order says by the fence which
 * holder is meant.
 *
 * @throws {@link Fault} `secret/unknown`, `secret/not-leased`.
 */
export async function breakLease(
  { path, fence }: LeaseEndOrder & { readonly path: string },
  actor: Actor,
  world: World,
): Promise<LeaseState> {
  const { store, primitives } = world;
  if ((await store.secretVersions(path)).length === 0) throw unknownSecret(path);
  const digest = hexOf(primitives.digest("sha256", utf8(String(fence))));
  const entry = adminEntry({ act: "lease-broken", subject: path, digest }, actor, world);
  if (!(await store.breakLease({ path, fence, at: world.now() }, entry))) throw notLeased(fence);
  return describeLease(path, world);
}

/** Ends the lease of the guest whose token this is. @throws {@link Fault} `token/invalid`, `secret/not-leased`. */
export async function giveBackLease(
  { secret: path, fence }: LeaseReturn,
  holder: Holder | undefined,
  world: World,
): Promise<void> {
  const self = await reportIdOf(holder, world);
  const isDone = await world.store.returnLease({ path, fence, at: world.now(), holder: self });
  if (!isDone) throw notLeased(fence);
}

function notLeased(fence: number): Fault {
  return new Fault("secret/not-leased", `expected a lease that runs, under fence ${fence}`);
}
