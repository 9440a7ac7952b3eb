/** How does everything come under another root key while the broker serves? Page by page, each row only if it is still what was read. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { seatOf } from "../keys/derivation.ts";
import { envelopeHead, openEnvelope, parseEnvelope, sealEnvelope } from "../keys/envelope.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { RootKeyPage, RootKeyState, SecretPlace } from "../wire/messages.ts";
import { importKeyAad } from "./import-keys.ts";
import { epochAad } from "./nonce-epochs.ts";
import type { Rewrap, StoredEnvelope } from "./secret-store.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import { claimStore } from "./startup.ts";
import { tokenKeyAad } from "./token-keys.ts";
import type { World } from "./world.ts";

/** One request reads so many versions; a stop in between loses at most these. */
const PAGE = 200;

/** Which key wraps, which others open, and how many versions of secrets do not lie under the first. */
export async function describeRootKey({ kek, store }: Pick<World, "kek" | "store">): Promise<RootKeyState> {
  return { id: kek.id, also: kek.also ?? [], left: await store.countEnvelopesWithout(envelopeHead(kek.id)) };
}

/**
 * Wraps the next page of versions under the key that wraps now. With the last page, and only when no version is left under
 * another key, the broker's own keys follow, and at the very end the mark that says which key opens this database: a stop
 * anywhere in between leaves a database that the earlier key still opens, and the next call goes on.
 *
 * @param after - `next` of the page before; `undefined` begins.
 * @throws {@link Fault} `kek/wrong-key` for a version under a key that is not here, `secret/malformed`, `kek/unavailable`.
 */
export async function rewrapPage(
  after: SecretPlace | undefined,
  actor: Actor,
  world: World,
): Promise<RootKeyPage> {
  const page = await world.store.envelopes(after, PAGE);
  const rewraps: Rewrap[] = [];
  for (const stored of page) {
    if (parseEnvelope(stored.envelope).kekId !== world.kek.id) rewraps.push(await rewrapped(stored, world));
  }
  const done = rewraps.length === 0 ? 0 : await put(rewraps, actor, world);
  const last = page.at(-1);
  if (last !== undefined && page.length === PAGE) {
    return { rewrapped: done, next: { path: last.path, version: last.version } };
  }
  return { ...(await finished(actor, world)), rewrapped: done };
}

async function rewrapped(stored: StoredEnvelope, { kek }: World): Promise<Rewrap> {
  const seat = seatOf(stored);
  const plaintext = await openEnvelope({ ...seat, envelope: stored.envelope }, kek);
  try {
    const { envelope: from, ...rest } = stored;
    return { ...rest, from, envelope: await sealEnvelope({ ...seat, plaintext }, kek) };
  } finally {
    zeroize(plaintext);
  }
}

async function put(rewraps: readonly Rewrap[], actor: Actor, world: World): Promise<number> {
  const seats = rewraps.map(({ path, version }) => `${path}@${version}`).join("\n");
  return world.store.rewrapEnvelopes(rewraps, entryOf("kek-rewrap", seats, { actor, world }));
}

async function finished(actor: Actor, world: World): Promise<RootKeyState> {
  const state = await describeRootKey(world);
  if (state.left > 0) return state;
  await rewrapOwnKeys(world);
  await claimStore(world.store, world.kek);
  await world.store.appendEntry(entryOf("kek-migrated", world.kek.id, { actor, world }));
  return state;
}

/** Secrets of nonce epochs, keys of tokens and keys for imports: a handful, each put only in the place of what was read. */
async function rewrapOwnKeys({ store, kek }: World): Promise<void> {
  for (const { kid, wrapped } of await store.nonceEpochs()) {
    await store.rewrapNonceEpoch(kid, wrapped, await again(wrapped, epochAad(kid), kek));
  }
  for (const key of await store.tokenKeys()) {
    await store.rewrapTokenKey(key.serial, key.wrapped, await again(key.wrapped, tokenKeyAad(key), kek));
  }
  for (const key of await store.importKeys()) {
    await store.rewrapImportKey(key.id, key.wrapped, await again(key.wrapped, importKeyAad(key), kek));
  }
}

async function again(wrapped: Uint8Array, aad: Uint8Array, kek: World["kek"]): Promise<Uint8Array> {
  const plaintext = await kek.unwrap(wrapped, aad);
  try {
    return await kek.wrap(plaintext, aad);
  } finally {
    zeroize(plaintext);
  }
}

function entryOf(act: string, what: string, by: { readonly actor: Actor; readonly world: World }) {
  const digest = hexOf(by.world.primitives.digest("sha256", utf8(what)));
  return adminEntry({ act, subject: by.world.kek.id, digest }, by.actor, by.world);
}
