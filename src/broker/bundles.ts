/** Which bundle is live? The newest activation, with both its signatures and its sources checked again at load. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Bundle, loadBundle } from "../policy/bundle.ts";
import { ACTIVATION_TYPE, BUNDLE_TYPE, openDsse, parseActivation } from "../policy/signatures.ts";
import type { Activation, Store } from "./store.ts";
import type { BrokerSettings } from "./world.ts";

export interface BundleSources {
  readonly store: Pick<Store, "liveActivation" | "bundle">;
  readonly primitives: Primitives;
  readonly settings: BrokerSettings;
}

/** The bundle that was opened last: facts, which requests may share where they may share nothing else. */
export interface BundleMemory {
  kept?: { readonly activation: Activation; readonly bundle: Bundle };
}

/**
 * Makes the function that answers the live bundle. The activation is read for every decision, so a new one counts at once;
 * the bundle behind it is opened and compiled once.
 *
 * @throws {@link Fault} `policy/bad-signature`, `policy/malformed`, `policy/unknown`: then nothing is released.
 */
export function createBundleCache(
  sources: BundleSources,
  memory: BundleMemory = {},
): () => Promise<Bundle | undefined> {
  return async () => {
    const activation = await sources.store.liveActivation();
    if (activation === undefined) return undefined;
    const { kept } = memory;
    if (kept !== undefined && isSame(kept.activation, activation)) return kept.bundle;
    const bundle = await openActivated(activation, sources);
    memory.kept = { activation, bundle };
    return bundle;
  };
}

function isSame(a: Activation, b: Activation): boolean {
  return a.serial === b.serial && a.digest === b.digest && a.signature === b.signature;
}

/** Whoever can write to the database can write rows; only an admin key can make these two signatures. */
async function openActivated(activation: Activation, sources: BundleSources): Promise<Bundle> {
  const { settings, primitives, store } = sources;
  const expected = { payloadType: ACTIVATION_TYPE, keys: settings.adminKeys };
  const statement = parseActivation((await openDsse(activation.signature, expected, primitives)).payload);
  const isThisOne =
    statement.digest === activation.digest &&
    statement.serial === activation.serial &&
    statement.audience === settings.audience;
  if (!isThisOne) {
    throw new Fault(
      "policy/bad-signature",
      "expected an activation signed for this bundle, serial and broker",
      {
        expected: activation.digest,
        received: statement.digest,
      },
    );
  }
  const stored = await store.bundle(activation.digest);
  if (stored === undefined) {
    throw new Fault("policy/unknown", "the activated bundle is not in the store", {
      digest: activation.digest,
    });
  }
  return openBundle(stored.tar, stored.signature, { digest: activation.digest, settings, primitives });
}

/** Opens a signed bundle: signature over exactly this tar, then recompiled from source. */
export async function openBundle(
  tar: Uint8Array,
  signature: string,
  expected: { readonly digest?: string; readonly settings: BrokerSettings; readonly primitives: Primitives },
): Promise<Bundle> {
  const { settings, primitives } = expected;
  await openDsse(signature, { payloadType: BUNDLE_TYPE, keys: settings.adminKeys, payload: tar }, primitives);
  const bundle = loadBundle(tar, primitives.digest);
  if (expected.digest !== undefined && bundle.digest !== expected.digest) {
    throw new Fault("policy/bad-signature", "the stored bundle is not the one that was activated", {
      expected: expected.digest,
      received: bundle.digest,
    });
  }
  return bundle;
}
