/** How does a bundle become live? Proposed, then activated, each under an admin's signature, each an entry of the ledger. */
import { parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Bundle } from "../policy/bundle.ts";
import { ACTIVATION_TYPE, openDsse, parseActivation } from "../policy/signatures.ts";
import { readTar } from "../policy/tar.ts";
import type { ActivationSummary, BundleDetail, BundleList, BundleSummary } from "../wire/messages.ts";
import { openBundle } from "./bundles.ts";
import { refuseUnexplainedGains } from "./gains.ts";
import { namesToNotify } from "./notified.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { Activation, StoredBundle } from "./store.ts";
import type { World } from "./world.ts";

/**
 * Takes a signed bundle in: signature, sources and predecessor must hold. It decides nothing until it is activated.
 *
 * @throws {@link Fault} `policy/bad-signature`, `policy/malformed`, `policy/not-next`.
 */
export async function proposeBundle(
  proposed: { readonly tar: Uint8Array; readonly signature: string },
  actor: Actor,
  world: World,
): Promise<{ readonly digest: string; readonly isNew: boolean }> {
  const bundle = await openBundle(proposed.tar, proposed.signature, world);
  await refuseOutOfLine(bundle, world);
  const stored: StoredBundle = {
    digest: bundle.digest,
    tar: proposed.tar,
    signature: proposed.signature,
    proposedAt: world.now(),
    proposedBy: actor.kid,
  };
  const act = { act: "policy-propose", subject: namesOf(bundle), digest: bundle.digest };
  const isNew = await world.store.putBundle(stored, adminEntry(act, actor, world));
  return { digest: bundle.digest, isNew };
}

/**
 * Makes a proposed bundle live from the next decision on. The statement names bundle, serial and broker, so that neither an
 * old activation nor that of another broker can be used again.
 *
 * @throws {@link Fault} `policy/unknown`, `policy/bad-signature`, `policy/not-next` (also where another admin was first),
 *   `policy/nobody-to-notify`, `policy/unexplained-gain`.
 */
export async function activateBundle(
  request: { readonly digest: string; readonly signature: string },
  actor: Actor,
  world: World,
): Promise<ActivationSummary> {
  const stored = await world.store.bundle(request.digest);
  if (stored === undefined) throw unknownBundle(request.digest);
  const bundle = await openBundle(stored.tar, stored.signature, { ...world, digest: request.digest });
  const serial = await refuseOutOfLine(bundle, world);
  refuseUnheard(bundle, world);
  const { settings, primitives } = world;
  const expected = { payloadType: ACTIVATION_TYPE, keys: settings.adminKeys };
  const statement = parseActivation((await openDsse(request.signature, expected, primitives)).payload);
  if (statement.digest !== bundle.digest || statement.audience !== settings.audience) {
    throw new Fault("policy/bad-signature", "expected an activation signed for this bundle and this broker");
  }
  if (statement.serial !== serial) throw notNext(`activation ${serial}`, String(statement.serial));
  await refuseUnexplainedGains(bundle, world);
  const { digest } = bundle;
  const activation: Activation = {
    serial,
    digest,
    signature: request.signature,
    at: world.now(),
    by: actor.kid,
  };
  const act = { act: "policy-activate", subject: namesOf(bundle), digest };
  if (!(await world.store.activateBundle(activation, adminEntry(act, actor, world)))) {
    throw notNext(`activation ${serial}`, "another admin's activation");
  }
  return activationOf(activation);
}

/** A policy that would have somebody notified, who is not known here, promises what nobody keeps. */
function refuseUnheard({ program }: Bundle, { settings }: World): void {
  const unknown = namesToNotify(program).filter((name) => settings.notifies?.includes(name) !== true);
  if (unknown.length === 0) return;
  const names = unknown.join(", ").slice(0, 200);
  throw new Fault("policy/nobody-to-notify", `expected a [[notify]] for each name of the policies: ${names}`);
}

/** Every known bundle, newest first, and the live activation. */
export async function listBundles(world: World): Promise<BundleList> {
  const [bundles, live] = await Promise.all([world.store.bundles(), world.store.liveActivation()]);
  return { bundles: bundles.map(summaryOf), ...(live === undefined ? {} : { live: activationOf(live) }) };
}

/** One bundle with its sources, opened and checked again. @throws {@link Fault} `policy/unknown`, `policy/bad-signature`. */
export async function showBundle(digest: string, world: World): Promise<BundleDetail> {
  const stored = await world.store.bundle(digest);
  if (stored === undefined) throw unknownBundle(digest);
  const bundle = await openBundle(stored.tar, stored.signature, { ...world, digest });
  return { ...summaryOf(stored), modules: bundle.modules, sources: sourcesOf(stored.tar) };
}

function summaryOf(stored: Omit<StoredBundle, "tar">): BundleSummary {
  const { digest, proposedAt, proposedBy } = stored;
  return { digest, proposedAt, proposedBy };
}

/** An activation as it is told: without its signature. */
function activationOf({ serial, digest, at, by }: Activation): ActivationSummary {
  return { serial, digest, at, by };
}

function sourcesOf(tar: Uint8Array): BundleDetail["sources"] {
  return readTar(tar).map(({ path, bytes }) => ({
    path,
    text: parseUtf8(bytes) ?? `${bytes.length} bytes, not text`,
  }));
}

/** A bundle names its predecessor; answers the serial that its activation would have. */
async function refuseOutOfLine(bundle: Bundle, world: World): Promise<number> {
  const live = await world.store.liveActivation();
  const expected = live?.digest;
  const received = bundle.manifest.previous ?? undefined;
  if (expected !== received)
    throw notNext(`previous ${expected ?? "none"}`, `previous ${received ?? "none"}`);
  return (live?.serial ?? 0) + 1;
}

function namesOf(bundle: Bundle): string {
  return bundle.modules.map(({ name, version }) => `${name} ${version}`).join(", ");
}

function unknownBundle(digest: string): Fault {
  return new Fault("policy/unknown", `expected the digest of a known bundle, received \`${digest}\``);
}

function notNext(expected: string, received: string): Fault {
  return new Fault("policy/not-next", `expected ${expected}, received ${received}`, { expected, received });
}
