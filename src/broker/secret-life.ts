/** How does a version leave service, and what holds for a secret as a whole? By an admin's hand, or when its time has come. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import { addSeconds } from "../base/time.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import type { SecretCondemnation, SecretSettingsChange, SecretStateChange } from "../wire/secret-messages.ts";
import type { DestroyOrder, SecretSettings } from "./secret-store.ts";
import { type Actor, adminEntry, rotateSecret, unknownSecret } from "./secrets.ts";
import type { World } from "./world.ts";

/**
 * Disables, enables or destroys one version. A destroyed one stays destroyed.
 *
 * @throws {@link Fault} `secret/unknown`; `secret/in-use` where more guests than the change says hold what would be destroyed.
 */
export async function setSecretState(
  change: SecretStateChange & { readonly path: string },
  actor: Actor,
  world: World,
): Promise<void> {
  const { path, version, state, despite = 0 } = change;
  const entry = entryOf(
    { act: `secret-${state}`, path, version, what: whatOf(state, despite) },
    actor,
    world,
  );
  const isDone =
    state === "destroyed"
      ? await world.store.destroyVersion({ path, version, despite }, entry)
      : await world.store.setVersionState(path, version, state, entry);
  if (!isDone) throw await refusalOf({ path, version, despite }, world);
}

/**
 * Takes a version out of service at once, and destroys it after a wait in which `enabled` or `disabled` take it back.
 *
 * @throws {@link Fault} `secret/unknown`, `secret/in-use`.
 */
export async function condemnSecret(
  change: SecretCondemnation & { readonly path: string },
  actor: Actor,
  world: World,
): Promise<void> {
  const { path, version, destroyAfter, despite = 0 } = change;
  const destroyAt = addSeconds(world.now(), destroyAfter);
  const what = whatOf(String(destroyAt), despite);
  const entry = entryOf({ act: "secret-condemned", path, version, what }, actor, world);
  if (!(await world.store.condemnVersion({ path, version, destroyAt, despite }, entry))) {
    throw await refusalOf({ path, version, despite }, world);
  }
}

/** The override is part of what the ledger has the digest of. */
function whatOf(state: string, despite: number): string {
  return despite === 0 ? state : `${state} despite ${despite}`;
}

/** Who would be cut off is looked for once it is known that something stands against it. */
async function refusalOf({ path, version, despite }: DestroyOrder, world: World): Promise<Fault> {
  const readers = await world.store.countReaders(path, version);
  if (readers <= despite) return notThere(path, version);
  return new Fault(
    "secret/in-use",
    `expected every guest that read version ${version} of \`${path}\` to have confirmed a later one, ${readers} have not`,
    { readers },
  );
}

/**
 * Changes what is named and keeps the rest.
 *
 * @throws {@link Fault} `secret/unknown`; `request/malformed` for a current version that would not be given; `request/conflict`
 *   where somebody else changed them meanwhile.
 */
export async function changeSettings(
  order: { readonly path: string; readonly change: SecretSettingsChange },
  actor: Actor,
  world: World,
): Promise<void> {
  const { path, change } = order;
  const kept = await world.store.secretSettings(path);
  const settings = changedSettings(kept ?? NOTHING_CHOSEN, change);
  await refuseAbsentVersion(path, settings, world);
  const digest = hexOf(world.primitives.digest("sha256", utf8(settingsText(settings))));
  const entry = adminEntry({ act: "secret-settings", subject: path, digest }, actor, world);
  if (await world.store.putSecretSettings({ path, settings, expected: kept?.entrySeq }, entry)) return;
  throw new Fault("request/conflict", `expected the settings of \`${path}\` to be as they were a moment ago`);
}

const NOTHING_CHOSEN: SecretSettings = {
  bindings: undefined,
  current: undefined,
  minimum: 1,
  rotateSeconds: undefined,
  isRetiring: false,
  leaseSeconds: undefined,
  owner: "",
  labels: {},
};

function changedSettings(kept: SecretSettings, change: SecretSettingsChange): SecretSettings {
  return {
    bindings: change.bindings ?? kept.bindings,
    current: change.current === undefined ? kept.current : (change.current ?? undefined),
    minimum: change.minimum ?? kept.minimum,
    rotateSeconds:
      change.rotateSeconds === undefined ? kept.rotateSeconds : (change.rotateSeconds ?? undefined),
    isRetiring: change.retire ?? kept.isRetiring,
    leaseSeconds: change.leaseSeconds === undefined ? kept.leaseSeconds : (change.leaseSeconds ?? undefined),
    owner: change.owner ?? kept.owner,
    labels: change.labels ?? kept.labels,
  };
}

/** Of a current version that is not there, or a minimum above every version, nobody would get anything: that is `disable`'s word. */
async function refuseAbsentVersion(
  path: string,
  { current, minimum, rotateSeconds }: SecretSettings,
  world: World,
): Promise<void> {
  const versions = await world.store.secretVersions(path);
  const newest = versions.at(-1);
  if (newest === undefined) throw unknownSecret(path);
  if (minimum > newest.version) {
    throw new Fault(
      "request/malformed",
      `expected a minimum of at most ${newest.version}, the newest version`,
    );
  }
  const isGiven = versions.some(({ version, state }) => version === current && state === "enabled");
  if (current !== undefined && (!isGiven || current < minimum)) {
    throw new Fault(
      "request/malformed",
      `expected an enabled version of at least ${minimum} as the current one`,
    );
  }
  if (rotateSeconds !== undefined && newest.kind !== "generated") {
    throw new Fault("request/malformed", "expected a generated secret: nobody can make the next static one");
  }
}

/** What the ledger has the digest of. */
function settingsText({ bindings, ...settings }: SecretSettings): string {
  const names = bindings?.map((binding) => BINDING_NAMES[binding]);
  const { current, minimum, rotateSeconds, isRetiring, leaseSeconds, owner, labels } = settings;
  return canonicalJson({
    bindings: names,
    current,
    minimum,
    rotateSeconds,
    retire: isRetiring,
    leaseSeconds,
    owner,
    labels,
  });
}

// ── what happens by itself ──────────────────────────────────────────────────────────────────────────────────────────

/** Who acts where nobody asked: a schedule that an admin set. */
const BROKER: Actor = { kid: "broker" };

/** At one turn; what is left is done at the next. */
const MAX_AT_ONCE = 100;

/**
 * Destroys what was condemned and is due, makes the versions that are due, and retires those that nobody holds any more. Of
 * several brokers each thing is done by one.
 */
export async function keepSecretTimes(world: World): Promise<void> {
  const now = world.now();
  const { store } = world;
  for (const { path, version } of await store.condemnedUntil(now, MAX_AT_ONCE)) {
    const entry = entryOf({ act: "secret-destroyed", path, version, what: "destroyed" }, BROKER, world);
    await store.destroyCondemned(path, version, now, entry); // in order, few: false where somebody took it back or reads it
  }
  for (const { path } of await store.dueRotations(now, MAX_AT_ONCE)) await rotateDue(path, world);
  for (const { path, version } of await store.retirable(MAX_AT_ONCE)) {
    const entry = entryOf({ act: "secret-retired", path, version, what: "disabled" }, BROKER, world);
    await store.setVersionState(path, version, "disabled", entry);
  }
}

/** One secret that cannot be rotated holds up no other. */
async function rotateDue(path: string, world: World): Promise<void> {
  try {
    await rotateSecret({ path }, BROKER, world);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    if (thrown.code !== "request/conflict")
      world.log("error", "rotation-failed", { path, code: thrown.code });
  }
}

interface Act {
  readonly act: string;
  readonly path: string;
  readonly version: number;
  readonly what: string;
}

function entryOf({ act, path, version, what }: Act, actor: Actor, world: World) {
  const digest = hexOf(world.primitives.digest("sha256", utf8(what)));
  return adminEntry({ act, subject: `${path}@${version}`, digest }, actor, world);
}

function notThere(path: string, version: number): Fault {
  return new Fault(
    "secret/unknown",
    `expected a version of \`${path}\` that is not destroyed, received ${version}`,
  );
}
