/** How does a bundle become live? Proposed, then activated, each under an admin's signature, each an entry of the ledger. */
import { parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Bundle } from "../policy/bundle.ts";
import type { Roster } from "../policy/roster.ts";
import type { ActivationStatement } from "../policy/statements.ts";
import { readTar } from "../policy/tar.ts";
import type { ActivationSummary, BundleDetail, BundleList, BundleSummary } from "../wire/messages.ts";
import { refuseUnexplainedGains } from "./gains.ts";
import { refuseBeyond, refuseUnapproved } from "./judge-bundle.ts";
import { namesToNotify } from "./notified.ts";
import { bundleOf, type OpenedBundle, openActivation, openBundle } from "./open-bundle.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { Activation, StoredBundle } from "./store.ts";
import { weaknessesOf } from "./weaknesses.ts";
import type { World } from "./world.ts";

/**
 * Takes a signed bundle in: signature, sources and predecessor must hold. It decides nothing until it is activated.
 *
 * @throws {@link Fault} `policy/bad-signature`, `policy/malformed`, `policy/not-next`; `admin/forbidden` where it changes what its author's role does not reach.
 */
export async function proposeBundle(
  proposed: { readonly tar: Uint8Array; readonly signature: string },
  actor: Actor,
  world: World,
): Promise<{ readonly digest: string; readonly isNew: boolean }> {
  const { now: roster } = await world.roster();
  const opened = await openBundle(proposed.tar, proposed.signature, { roster, primitives: world.primitives });
  const { bundle } = opened;
  const serial = await refuseOutOfLine(bundle, world);
  await refuseBeyond(opened, { serial, at: world.now(), roster }, world);
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
 * @throws {@link Fault} `policy/unknown`, `policy/bad-signature`, `policy/unapproved`, `policy/not-next` (also where another admin was first),
 *   `policy/nobody-to-notify`, `policy/unexplained-gain`.
 */
export async function activateBundle(
  request: { readonly digest: string; readonly signature: string },
  actor: Actor,
  world: World,
): Promise<ActivationSummary> {
  const { now: roster } = await world.roster();
  const opened = await knownBundle(request.digest, roster, world);
  const { bundle } = opened;
  const serial = await refuseOutOfLine(bundle, world);
  refuseUnheard(bundle, world);
  const statement = await openActivation(request.signature, roster, world.primitives);
  refuseOtherOrder(statement, { digest: bundle.digest, serial, roster }, world);
  const approvals = await refuseUnapproved(opened, { serial, at: statement.at, roster }, world);
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
  const terms = { roster: roster.serial, approvals };
  if (!(await world.store.activateBundle(activation, terms, adminEntry(act, actor, world)))) {
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

/** What an order has to be about. */
interface Order {
  readonly digest: string;
  readonly serial: number;
  readonly roster: Roster;
}

/** An order is for now: approvals have to be alive when it says that it was signed. */
const SKEW_SECONDS = 300;

function refuseOtherOrder(statement: ActivationStatement, order: Order, world: World): void {
  if (statement.digest !== order.digest || statement.audience !== world.settings.audience) {
    throw new Fault("policy/bad-signature", "expected an activation signed for this bundle and this broker");
  }
  if (statement.serial !== order.serial)
    throw notNext(`activation ${order.serial}`, String(statement.serial));
  if (statement.roster !== (order.roster.head ?? null)) throw notNext("the admins of now", "those of before");
  if (Math.abs(statement.at - world.now()) > SKEW_SECONDS) {
    throw new Fault("policy/bad-signature", "expected an activation that was signed now");
  }
}

/** A bundle that is known, opened under the admins of now. @throws {@link Fault} `policy/unknown`, `policy/bad-signature`. */
export async function knownBundle(
  digest: string,
  roster: Roster,
  { store, primitives }: World,
): Promise<OpenedBundle> {
  const stored = await store.bundle(digest);
  if (stored === undefined) throw unknownBundle(digest);
  return openBundle(stored.tar, stored.signature, { digest, roster, primitives });
}

/** Every known bundle, newest first, and the live activation. */
export async function listBundles(world: World): Promise<BundleList> {
  const [bundles, live] = await Promise.all([world.store.bundles(), world.store.liveActivation()]);
  const { now } = await world.roster();
  return {
    bundles: bundles.map(summaryOf),
    ...(live === undefined ? {} : { live: activationOf(live) }),
    ...(now.head === undefined ? {} : { roster: now.head }),
    warnings: weaknessesOf(world.settings.governance, now),
  };
}

/** One bundle with its sources, compiled again. @throws {@link Fault} `policy/unknown`, `policy/bad-signature`, `policy/malformed`. */
export async function showBundle(digest: string, world: World): Promise<BundleDetail> {
  const stored = await world.store.bundle(digest);
  if (stored === undefined) throw unknownBundle(digest);
  const bundle = bundleOf(stored.tar, digest, world.primitives);
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
export async function refuseOutOfLine(bundle: Bundle, world: World): Promise<number> {
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
