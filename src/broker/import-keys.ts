/** How does an admin bring a key that nobody on the way sees? Sealed to a key of the broker's that takes one secret. */
import { concatBytes, hexOf, lengthPrefixed, u16be, u64be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { addSeconds } from "../base/time.ts";
import {
  type ImportSuite,
  importKeyInput,
  importKeySize,
  importPublicKeyOf,
  openImport,
} from "../channel/import-seal.ts";
import type { Made } from "../keys/make-secret.ts";
import { broughtTransitKey } from "../keys/transit-key.ts";
import { transitTypeText } from "../keys/transit-type.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { SealedSecret, SignedImportKey } from "../wire/import-messages.ts";
import type { SecretSummary } from "../wire/secret-messages.ts";
import type { StoredImportKey } from "./import-store.ts";
import { type Actor, adminEntry, putVersion, spentImportKey } from "./secrets.ts";
import type { World } from "./world.ts";

const ID_BYTES = 16;

/** Makes a key and signs it, so that nobody between can put one of his own in its place. */
export async function makeImportKey(
  wanted: { readonly suite: ImportSuite; readonly validSeconds: number },
  actor: Actor,
  world: World,
): Promise<SignedImportKey> {
  const { suite } = wanted;
  const createdAt = world.now();
  const head = {
    id: hexOf(world.random(ID_BYTES)),
    suite,
    expiresAt: addSeconds(createdAt, wanted.validSeconds),
  };
  const privateKey = world.random(importKeySize(suite));
  try {
    const publicKey = await importPublicKeyOf(suite, privateKey, world.primitives);
    const wrapped = await world.kek.wrap(privateKey, importKeyAad(head));
    const digest = hexOf(world.primitives.digest("sha256", publicKey));
    const entry = adminEntry({ act: "import-key", subject: head.id, digest }, actor, world);
    await world.store.putImportKey({ ...head, publicKey, wrapped, createdAt, createdBy: actor.kid }, entry);
    const key = { ...head, audience: world.settings.audience, publicKey };
    return { ...key, signature: await world.signer.sign(importKeyInput(key)) };
  } finally {
    zeroize(privateKey);
  }
}

/** Whoever can only write the database makes no key last longer. */
export function importKeyAad({
  id,
  suite,
  expiresAt,
}: Pick<StoredImportKey, "id" | "suite" | "expiresAt">): Uint8Array {
  const head = lengthPrefixed(utf8("ostiary/import-key-wrap/v1"));
  return concatBytes(head, lengthPrefixed(utf8(id)), u16be(suite), u64be(BigInt(expiresAt)));
}

/**
 * Opens what was sealed and puts it as the next version of its path; the key is forgotten with it.
 *
 * @throws {@link Fault} `secret/import-key` for a key that was used, has expired or is not of this broker; `request/malformed` for what was
 *   sealed for another path or use, or is no key of its type; `request/conflict`.
 */
export async function importSecret(
  order: { readonly path: string; readonly sealed: SealedSecret },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, sealed } = order;
  const key = await world.store.importKey(sealed.key);
  if (key === undefined || key.expiresAt <= world.now()) throw spentImportKey();
  const content = await contentOf({ path, sealed, key }, world);
  const kind =
    sealed.use === "static"
      ? ({ kind: "static", make: "" } as const)
      : ({ kind: "transit", make: transitTypeText(sealed.use) } as const);
  return putVersion({ path, ...kind, content, importKey: key.id }, actor, world);
}

interface Brought {
  readonly path: string;
  readonly sealed: SealedSecret;
  readonly key: StoredImportKey;
}

/** Opens what was sealed to a key. @throws {@link Fault} `request/malformed`, `kek/unavailable`. */
export async function contentOf({ path, sealed, key }: Brought, world: World): Promise<Made> {
  const { use, publicKey } = sealed;
  const privateKey = await world.kek.unwrap(key.wrapped, importKeyAad(key));
  try {
    const by = {
      key: { ...key, audience: world.settings.audience },
      privateKey,
      place: { path, use, publicKey },
    };
    const plaintext = await openImport(sealed, by, world.primitives);
    if (plaintext === undefined) {
      throw new Fault("request/malformed", "expected a secret sealed to this key, for this path and use");
    }
    if (use !== "static") return broughtTransitKey(use, { secret: plaintext, publicKey }, world.primitives);
    return { plaintext, publicKey: new Uint8Array(0) };
  } finally {
    zeroize(privateKey);
  }
}
