/** How do secrets come in, and what do admins see of them? Versioned, and enveloped before they touch the store. */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type ContextField, derivationOf, derivationText, ROOT_SIZE, seatOf } from "../keys/derivation.ts";
import { sealEnvelope } from "../keys/envelope.ts";
import { type Made, makeSecret } from "../keys/make-secret.ts";
import { parseRecipe, type Recipe, recipeText } from "../keys/recipe.ts";
import { makeTransitKey } from "../keys/transit-key.ts";
import { parseTransitType, type TransitType, transitTypeText } from "../keys/transit-type.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { type Admin, reaches } from "../policy/admins.ts";
import { MAX_SECRET_BYTES } from "../wire/limits.ts";
import type { SecretSummary } from "../wire/secret-messages.ts";
import type { SecretHead, SecretVersion, StoredSettings } from "./secret-store.ts";
import type { World } from "./world.ts";

/** Who did it: the name that the admin key or account has which the request was signed for, and what its roles reach. */
export interface Actor {
  readonly kid: string;
  /** Absent where nobody asked by a request. */
  readonly admin?: Pick<Admin, "person" | "roles" | "under">;
}

/**
 * Puts plaintext as the next version of a path. Zeroises `plaintext`.
 *
 * @throws {@link Fault} `request/malformed`, `request/too-large`, `request/conflict` when another writer was first.
 */
export async function putSecret(
  put: { readonly path: string; readonly plaintext: Uint8Array },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, plaintext } = put;
  const content = { plaintext, publicKey: new Uint8Array(0) };
  return putVersion({ path, kind: "static", make: "", content }, actor, world);
}

/** Makes a secret of a new path; it never leaves but to a guest. @throws {@link Fault} `secret/exists`, `request/malformed`. */
export async function generateSecret(
  wanted: { readonly path: string; readonly make: Recipe },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, make } = wanted;
  await refuseKnown(path, world);
  return putMade({ path, make }, actor, world);
}

/**
 * Makes a root of which each guest gets a key of its own, by what its report says.
 *
 * @throws {@link Fault} `secret/exists`, `request/malformed`.
 */
export async function deriveSecret(
  wanted: { readonly path: string; readonly size: number; readonly by: readonly ContextField[] },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, size, by } = wanted;
  const derivation = derivationOf(size, by);
  await refuseKnown(path, world);
  return putRoot({ path, make: derivationText(derivation) }, actor, world);
}

/** Makes a transit key: guests use it here and never get it. @throws {@link Fault} `secret/exists`. */
export async function makeTransit(
  wanted: { readonly path: string; readonly type: TransitType },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  await refuseKnown(wanted.path, world);
  return putTransit(wanted, actor, world);
}

async function putTransit(
  { path, type }: { readonly path: string; readonly type: TransitType },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const content = await makeTransitKey(type, world);
  return putVersion({ path, kind: "transit", make: transitTypeText(type), content }, actor, world);
}

function putRoot(
  wanted: Pick<SecretHead, "path" | "make">,
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const content = { plaintext: world.random(ROOT_SIZE), publicKey: new Uint8Array(0) };
  return putVersion({ ...wanted, kind: "derived", content }, actor, world);
}

async function refuseKnown(path: string, { store }: World): Promise<void> {
  if ((await store.secretVersions(path)).length === 0) return;
  throw new Fault("secret/exists", `expected a new path, \`${path}\` has versions already`);
}

/**
 * Adds a fresh version to a generated secret, by the recipe of its newest version unless another is named, a fresh root to a
 * derived one, or a fresh key to a transit one.
 *
 * @throws {@link Fault} `secret/unknown`; `request/malformed` for a static one.
 */
export async function rotateSecret(
  wanted: { readonly path: string; readonly make?: Recipe },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path } = wanted;
  const newest = (await world.store.secretVersions(path)).at(-1);
  if (newest === undefined) throw unknownSecret(path);
  if (newest.kind === "derived" && wanted.make === undefined)
    return putRoot({ path, make: newest.make }, actor, world);
  const type = newest.kind === "transit" ? parseTransitType(newest.make) : undefined;
  if (type !== undefined && wanted.make === undefined) return putTransit({ path, type }, actor, world);
  if (newest.kind !== "generated") {
    throw new Fault("request/malformed", "expected a generated secret: put the next version of a static one");
  }
  return putMade({ path, make: wanted.make ?? recipeOf(newest) }, actor, world);
}

/** Versions from before recipes were kept are random bytes; how many, nobody wrote down. */
function recipeOf({ path, make }: SecretHead): Recipe {
  const recipe = parseRecipe(make);
  if (recipe !== undefined) return recipe;
  throw new Fault(
    "request/malformed",
    `expected a size: it was not kept for the newest version of \`${path}\``,
  );
}

async function putMade(
  wanted: { readonly path: string; readonly make: Recipe },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, make } = wanted;
  const content = await makeSecret(make, world);
  return putVersion({ path, kind: "generated", make: recipeText(make), content }, actor, world);
}

export interface NewVersion extends Pick<SecretHead, "path" | "kind" | "make"> {
  /** Its plaintext is overwritten here, whatever happens. */
  readonly content: Made;
  /** The one that it was sealed to, which is spent with it. */
  readonly importKey?: string;
  /** The number that was decided on; the next one where nobody decided. */
  readonly version?: number;
  /** How the log calls it; by whether it came sealed unless it is said. */
  readonly act?: "secret-put" | "secret-import" | "secret-write";
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`, `request/conflict`; `secret/import-key` where its key was spent meanwhile. */
export async function putVersion(wanted: NewVersion, actor: Actor, world: World): Promise<SecretSummary> {
  const { content, path, kind, make } = wanted;
  const { plaintext, publicKey } = content;
  try {
    if (plaintext.length === 0)
      throw new Fault("request/malformed", "expected a secret of at least one byte");
    if (plaintext.length > MAX_SECRET_BYTES) {
      throw new Fault("request/too-large", `expected at most ${MAX_SECRET_BYTES} bytes of secret`);
    }
    const newest = (await world.store.secretVersions(path)).at(-1);
    refuseOtherUse(newest, wanted);
    const version = (newest?.version ?? 0) + 1;
    if (wanted.version !== undefined && wanted.version !== version)
      throw notNext({ path, version: wanted.version });
    const seat = seatOf({ path, version, kind, make });
    const envelope = await sealEnvelope({ ...seat, plaintext }, world.kek);
    const head = { path, kind, make, version, publicKey, state: "enabled", destroyAt: undefined } as const;
    const row = { ...head, ...nowBy(actor, world), envelope };
    return await storeVersion(row, wanted, world);
  } finally {
    zeroize(plaintext);
  }
}

/** A transit key stays one, of its type: nobody gives out by a path what was never to leave, nor decrypts by another cipher. */
function refuseOtherUse(newest: SecretHead | undefined, { path, kind, make }: NewVersion): void {
  if (newest === undefined || (newest.kind !== "transit" && kind !== "transit")) return;
  if (newest.kind === kind && newest.make === make) return;
  throw new Fault(
    "request/malformed",
    `expected a version like the ones of \`${path}\`, which are ${newest.make || newest.kind}`,
  );
}

function nowBy({ kid }: Actor, { now }: World) {
  return { createdAt: now(), createdBy: kid };
}

async function storeVersion(
  row: SecretVersion,
  { importKey, act = importKey === undefined ? "secret-put" : "secret-import" }: NewVersion,
  world: World,
): Promise<SecretSummary> {
  const { envelope, ...head } = row;
  const { path, version, createdBy: kid } = head;
  const digest = hexOf(world.primitives.digest("sha256", envelope));
  const entry = adminEntry({ act, subject: `${path}@${version}`, digest }, { kid }, world);
  const isPut =
    importKey === undefined
      ? await world.store.putSecretVersion(row, entry)
      : await world.store.importSecretVersion(row, { key: importKey, now: world.now() }, entry);
  if (isPut) return summaryOf(head, undefined);
  if (importKey !== undefined && (await world.store.importKey(importKey)) === undefined)
    throw spentImportKey();
  throw notNext(row);
}

function notNext({ path, version }: Pick<SecretHead, "path" | "version">): Fault {
  return new Fault("request/conflict", `expected version ${version} of \`${path}\` to be the next one`);
}

export function spentImportKey(): Fault {
  return new Fault(
    "secret/import-key",
    "expected an import key of this broker that is still good and has taken no secret yet",
  );
}

/** Every version of a path, without its bytes, newest first. @throws {@link Fault} `secret/unknown`. */
export async function showSecret(path: string, world: World): Promise<readonly SecretSummary[]> {
  const versions = await world.store.secretVersions(path);
  if (versions.length === 0) throw unknownSecret(path);
  const settings = await world.store.secretSettings(path);
  return versions.map((version) => summaryOf(version, settings)).reverse();
}

/** The newest version of every path that the actor's roles reach, without its bytes. */
export async function listSecrets({ admin }: Actor, world: World): Promise<readonly SecretSummary[]> {
  const reached = (await world.store.secrets()).filter(
    ({ path }) => admin === undefined || reaches(admin, path),
  );
  return reached.map((version) => summaryOf(version, undefined));
}

/** What nobody chose is left out. */
function summaryOf(version: SecretHead, settings: StoredSettings | undefined): SecretSummary {
  const { make, publicKey, destroyAt, ...head } = version;
  return {
    ...head,
    ...(make === "" ? {} : { make }),
    ...(publicKey.length === 0 ? {} : { publicKey }),
    ...(destroyAt === undefined ? {} : { destroyAt }),
    ...(settings === undefined ? {} : chosenOf(settings)),
  };
}

function chosenOf(settings: StoredSettings) {
  const { bindings, current, minimum, rotateSeconds, isRetiring, leaseSeconds, owner, labels } = settings;
  return {
    ...(bindings === undefined ? {} : { bindings }),
    ...(current === undefined ? {} : { current }),
    ...(minimum === 1 ? {} : { minimum }),
    ...(rotateSeconds === undefined ? {} : { rotateSeconds }),
    ...(isRetiring ? ({ retire: true } as const) : {}),
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
    ...(owner === "" ? {} : { owner }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

export function unknownSecret(path: string): Fault {
  return new Fault("secret/unknown", `expected a known path, received \`${path}\``);
}

/** The leaf of an administrative act (PROTOCOL section 15). */
export function adminEntry(
  act: { readonly act: string; readonly subject: string; readonly digest: string },
  actor: Actor,
  world: Pick<World, "now" | "pseudonym">,
): EntryDraft {
  const { now, pseudonym = (name: string) => name } = world;
  return { v: 1, kind: "admin", time: now(), actor: pseudonym(actor.kid), ...act };
}
