/** How do secrets come in, change and leave service? By an admin's hand, versioned, enveloped before they touch the store. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import type { Binding } from "../channel/bindings.ts";
import { sealEnvelope } from "../keys/envelope.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { MAX_SECRET_BYTES } from "../wire/limits.ts";
import type { SecretSummary } from "../wire/messages.ts";
import type { SecretKind, VersionState } from "./store.ts";
import type { World } from "./world.ts";

const MIN_GENERATED_BYTES = 16;

/** Who did it: the `kid` of the admin key that signed the request. */
export interface Actor {
  readonly kid: string;
}

/**
 * Puts plaintext as the next version of a path. Zeroises `plaintext`.
 *
 * @throws {@link Fault} `request/malformed`, `request/too-large`, `request/conflict` when another writer was first.
 */
export async function putSecret(
  put: { readonly path: string; readonly plaintext: Uint8Array; readonly kind?: SecretKind },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, plaintext, kind = "static" } = put;
  try {
    if (plaintext.length === 0)
      throw new Fault("request/malformed", "expected a secret of at least one byte");
    if (plaintext.length > MAX_SECRET_BYTES) {
      throw new Fault("request/too-large", `expected at most ${MAX_SECRET_BYTES} bytes of secret`);
    }
    const versions = await world.store.secretVersions(path);
    const version = versions.reduce((highest, known) => Math.max(highest, known.version), 0) + 1;
    const envelope = await sealEnvelope({ path, version, plaintext }, world.kek);
    return await storeVersion({ path, kind, version, envelope }, actor, world);
  } finally {
    zeroize(plaintext);
  }
}

/** Makes a random secret of a new path; it never leaves but to a guest. @throws {@link Fault} `secret/exists`. */
export async function generateSecret(
  wanted: { readonly path: string; readonly size: number },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  if ((await world.store.secretVersions(wanted.path)).length > 0) {
    throw new Fault("secret/exists", `expected a new path, \`${wanted.path}\` has versions already`);
  }
  return putSecret(
    { path: wanted.path, plaintext: randomOf(wanted.size, world), kind: "generated" },
    actor,
    world,
  );
}

/** Adds a random version to a generated secret. @throws {@link Fault} `secret/unknown`; `request/malformed` for a static one. */
export async function rotateSecret(
  wanted: { readonly path: string; readonly size: number },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const [known] = await showSecret(wanted.path, world);
  if (known?.kind !== "generated") {
    throw new Fault("request/malformed", "expected a generated secret: put the next version of a static one");
  }
  return putSecret(
    { path: wanted.path, plaintext: randomOf(wanted.size, world), kind: "generated" },
    actor,
    world,
  );
}

/** Disables, enables or destroys one version. A destroyed one stays destroyed. @throws {@link Fault} `secret/unknown`. */
export async function setSecretState(
  change: { readonly path: string; readonly version: number; readonly state: VersionState },
  actor: Actor,
  world: World,
): Promise<void> {
  const { path, version, state } = change;
  const digest = hexOf(world.primitives.digest("sha256", utf8(state)));
  const entry = adminEntry({ act: `secret-${state}`, subject: `${path}@${version}`, digest }, actor, world);
  if (!(await world.store.setVersionState(path, version, state, entry))) {
    throw new Fault(
      "secret/unknown",
      `expected a version of \`${path}\` that is not destroyed, received ${version}`,
    );
  }
}

/** Says over which bindings a secret may be released, beside what policy says. @throws {@link Fault} `secret/unknown`, `request/malformed`. */
export async function setSecretBindings(
  change: { readonly path: string; readonly bindings: readonly Binding[] },
  actor: Actor,
  world: World,
): Promise<void> {
  const { path, bindings } = change;
  if (bindings.length === 0) throw new Fault("request/malformed", "expected at least one binding");
  const names = bindings.map((binding) => BINDING_NAMES[binding]).join(" ");
  const digest = hexOf(world.primitives.digest("sha256", utf8(names)));
  const entry = adminEntry({ act: "secret-bindings", subject: path, digest }, actor, world);
  if (!(await world.store.setSecretBindings(path, bindings, entry))) throw unknown(path);
}

/** Every version of a path, without its bytes, newest first. @throws {@link Fault} `secret/unknown`. */
export async function showSecret(path: string, world: World): Promise<readonly SecretSummary[]> {
  const versions = await world.store.secretVersions(path);
  if (versions.length === 0) throw unknown(path);
  const bindings = await world.store.secretBindings(path);
  const chosen = bindings === undefined ? {} : { bindings };
  return versions.map((version) => ({ ...version, ...chosen })).sort((a, b) => b.version - a.version);
}

function unknown(path: string): Fault {
  return new Fault("secret/unknown", `expected a known path, received \`${path}\``);
}

/** The newest version of every path, without its bytes. */
export async function listSecrets(world: World): Promise<readonly SecretSummary[]> {
  return world.store.secrets();
}

async function storeVersion(
  made: {
    readonly path: string;
    readonly kind: SecretKind;
    readonly version: number;
    readonly envelope: Uint8Array;
  },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const summary = {
    path: made.path,
    kind: made.kind,
    version: made.version,
    state: "enabled",
    createdAt: world.now(),
    createdBy: actor.kid,
  } as const;
  const digest = hexOf(world.primitives.digest("sha256", made.envelope));
  const entry = adminEntry(
    { act: "secret-put", subject: `${made.path}@${made.version}`, digest },
    actor,
    world,
  );
  if (!(await world.store.putSecretVersion({ ...summary, envelope: made.envelope }, entry))) {
    throw new Fault(
      "request/conflict",
      `expected version ${made.version} of \`${made.path}\` to be the next one`,
    );
  }
  return summary;
}

function randomOf(size: number, world: World): Uint8Array {
  if (!Number.isInteger(size) || size < MIN_GENERATED_BYTES || size > MAX_SECRET_BYTES) {
    throw new Fault("request/malformed", `expected ${MIN_GENERATED_BYTES} to ${MAX_SECRET_BYTES} bytes`);
  }
  return world.random(size);
}

/** The leaf of an administrative act (PROTOCOL section 15). */
export function adminEntry(
  act: { readonly act: string; readonly subject: string; readonly digest: string },
  actor: Actor,
  world: Pick<World, "now">,
): EntryDraft {
  return { v: 1, kind: "admin", time: world.now(), actor: actor.kid, ...act };
}
