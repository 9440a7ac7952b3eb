/** Which secrets make and open nonces now? At most two epochs, a new one daily, kept wrapped in the store. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { type NonceKey, type NonceKeys, nonceMacKey } from "../channel/nonce.ts";
import type { NonceEpoch, Store } from "./store.ts";
import type { Kek } from "./world.ts";

const EPOCH_SECONDS = 86_400;
const VIEW_SECONDS = 60;
const CLUSTER_SECRET_BYTES = 32;
const MAX_KID = 256;

export interface NonceEpochSources {
  readonly store: Pick<Store, "nonceEpochs" | "putNonceEpoch" | "retireNonceEpoch">;
  readonly kek: Kek;
  readonly random: (size: number) => Uint8Array;
  readonly primitives: Primitives;
  readonly now: () => Instant;
  readonly audience: string;
  readonly tenant: string;
  readonly lifetimeSeconds: number;
}

/**
 * Makes the function that answers the live nonce keys. It reads the store when its view is older than a minute, and
 * begins a new epoch when the newest is a day old; brokers that race for one epoch end with the same secret. No view outlives
 * its epoch's day, or a broker would refuse the nonces of one that has begun the next.
 */
export function createNonceEpochs(sources: NonceEpochSources): () => Promise<NonceKeys> {
  let kept: View | undefined;
  let pending: Promise<View> | undefined;
  return async () => {
    const now = sources.now();
    if (kept !== undefined && now < kept.until) return kept.keys;
    pending ??= readEpochs(sources, now).finally(() => {
      pending = undefined;
    });
    kept = await pending;
    return kept.keys;
  };
}

interface View {
  readonly keys: NonceKeys;
  readonly until: number;
}

async function readEpochs(sources: NonceEpochSources, now: Instant): Promise<View> {
  const epochs = await currentEpochs(sources, now);
  const live: NonceKey[] = [];
  for (const epoch of epochs) live.push(await openEpoch(epoch, sources)); // one after the other: at most two
  const [current] = live;
  if (current === undefined)
    throw new Fault("internal/invariant", "a nonce epoch was just made and is not there");
  const { audience, tenant, lifetimeSeconds } = sources;
  const endsAt = Math.max(...epochs.map(({ createdAt }) => createdAt)) + EPOCH_SECONDS;
  return {
    keys: { current, live, audience, tenant, lifetimeSeconds },
    until: Math.min(now + VIEW_SECONDS, endsAt),
  };
}

/** The newest epoch first, at most two; makes one where the newest has had its day. */
async function currentEpochs(sources: NonceEpochSources, now: Instant): Promise<readonly NonceEpoch[]> {
  const epochs = newestFirst(await sources.store.nonceEpochs());
  const [newest] = epochs;
  if (newest !== undefined && now < newest.createdAt + EPOCH_SECONDS) return epochs.slice(0, 2);
  const kid = newest === undefined ? 0 : (newest.kid + 1) % MAX_KID;
  const secret = sources.random(CLUSTER_SECRET_BYTES);
  const wrapped = await sources.kek.wrap(secret, epochAad(kid));
  secret.fill(0);
  await sources.store.putNonceEpoch({ kid, wrapped, createdAt: now }); // false: another broker was first, read its epoch
  for (const old of epochs.slice(1)) await sources.store.retireNonceEpoch(old.kid);
  return newestFirst(await sources.store.nonceEpochs()).slice(0, 2);
}

async function openEpoch(epoch: NonceEpoch, sources: NonceEpochSources): Promise<NonceKey> {
  const secret = await sources.kek.unwrap(epoch.wrapped, epochAad(epoch.kid));
  const macKey = nonceMacKey(secret, sources.primitives);
  secret.fill(0);
  return { kid: epoch.kid, macKey };
}

function newestFirst(epochs: readonly NonceEpoch[]): readonly NonceEpoch[] {
  return [...epochs].sort((a, b) => b.createdAt - a.createdAt);
}

/** What the wrapped secret of an epoch is authenticated with. */
export function epochAad(kid: number): Uint8Array {
  return utf8(`ostiary/nonce-epoch/v1/${kid}`);
}
