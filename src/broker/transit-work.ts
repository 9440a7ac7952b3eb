/** What does a transit key do, once that is decided and recorded? Keys are unwrapped here, used, and overwritten. */
import { equalBytes, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { seatOf } from "../keys/derivation.ts";
import { openEnvelope } from "../keys/envelope.ts";
import { decryptBy, encryptBy, TRANSIT_SALT_SIZE } from "../keys/transit-cipher.ts";
import { buildOf, type Padding, parseTransitKey, type TransitKey } from "../keys/transit-key.ts";
import { transitText } from "../keys/transit-text.ts";
import type { TransitType } from "../keys/transit-type.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { TransitItem } from "../wire/transit.ts";
import type { Authorization, AuthorizedItem } from "./commit.ts";
import { notOpened } from "./transit-fault.ts";
import { isOpening } from "./wanted.ts";
import type { World } from "./world.ts";

/**
 * Does every item, in order. Takes an authorization and nothing less: the type says that the decision is durable.
 *
 * @returns One result for each item, two for a data key; the caller overwrites them.
 * @throws {@link Fault} `transit/not-opened`; `secret/disabled` where a version left service meanwhile; `secret/malformed`, `kek/…`.
 */
export async function resultsOf(
  items: readonly TransitItem[],
  authorization: Authorization,
  world: World,
): Promise<readonly Uint8Array[]> {
  const keys = new Map<number, OpenKey>();
  const results: Uint8Array[] = [];
  try {
    for (const [index, item] of items.entries()) {
      const allowed = authorization.items[index];
      if (allowed === undefined)
        throw new Fault("internal/invariant", "expected an authorization of every item");
      const bench: Bench = { allowed, authorization, keys, world };
      results.push(...(await resultOf(item, bench))); // in order: as they were asked
    }
    return results;
  } catch (thrown) {
    zeroize(...results);
    throw thrown;
  } finally {
    for (const { secret } of keys.values()) zeroize(secret);
  }
}

interface OpenKey extends TransitKey {
  readonly path: string;
  readonly version: number;
  readonly type: TransitType;
}

interface Bench {
  readonly allowed: AuthorizedItem;
  readonly authorization: Authorization;
  /** By version: each is unwrapped once. */
  readonly keys: Map<number, OpenKey>;
  readonly world: World;
}

async function resultOf(item: TransitItem, bench: Bench): Promise<readonly Uint8Array[]> {
  switch (item.operation) {
    case "encrypt":
      return [await encrypted(item, await keyOf(bench, storedVersion(bench)), bench.world)];
    case "decrypt":
      return [await decrypted(item, bench)];
    case "rewrap":
      return [await moved(item, bench)];
    case "datakey":
      return dataKey(item, bench);
    case "sign":
      return [await signed(item, bench)];
    case "hmac":
      return [await authenticated(item, bench)];
    case "verify":
      return [Uint8Array.of((await isMade(item, bench)) ? 1 : 0)];
  }
}

function storedVersion({ allowed }: Bench): number {
  if (allowed.stored === undefined) throw new Fault("internal/invariant", "expected a stored transit key");
  return allowed.stored.version;
}

/**
 * Unwraps a version: the one that was decided on, or the one that a ciphertext is moved to. By the kind and the type that were
 * decided on: rows that say otherwise now do not open.
 */
async function keyOf({ allowed, authorization, keys, world }: Bench, version: number): Promise<OpenKey> {
  const known = keys.get(version);
  if (known !== undefined) return known;
  const { stored, given } = allowed;
  if (!authorization.items.includes(allowed) || stored?.kind !== "transit" || given.kind !== "used") {
    throw new Fault("internal/invariant", "expected an item of this authorization that uses a transit key");
  }
  const now = await world.store.secretVersion(stored.path, version);
  if (now?.state !== "enabled") {
    if (isOpening(allowed.wanted)) throw notOpened(authorization.decisionId);
    throw new Fault("secret/disabled", `version ${version} of \`${stored.path}\` left service meanwhile`);
  }
  const seat = seatOf({ ...stored, version });
  const bytes = await openEnvelope({ ...seat, envelope: now.envelope }, world.kek);
  try {
    const key = { ...parseTransitKey(bytes), path: stored.path, version, type: given.type };
    keys.set(version, key);
    return key;
  } finally {
    zeroize(bytes);
  }
}

function cipherOf({ path, version, secret: key }: OpenKey) {
  return { path, version, key };
}

async function encrypted(
  { plaintext, context }: { readonly plaintext: Uint8Array; readonly context: Uint8Array },
  key: OpenKey,
  { random, primitives }: World,
): Promise<Uint8Array> {
  const salt = random(TRANSIT_SALT_SIZE);
  const bytes = await encryptBy(cipherOf(key), { plaintext, context, salt }, primitives);
  return utf8(transitText({ version: key.version, bytes }));
}

type Opening = Extract<TransitItem, { readonly operation: "decrypt" | "rewrap" }>;

async function decrypted({ made, context }: Opening, bench: Bench): Promise<Uint8Array> {
  const key = await keyOf(bench, storedVersion(bench));
  const { bytes } = made;
  const plaintext = await decryptBy(cipherOf(key), { bytes, context }, bench.world.primitives);
  if (plaintext === undefined) throw notOpened(bench.authorization.decisionId);
  return plaintext;
}

async function moved(item: Opening, bench: Bench): Promise<Uint8Array> {
  const { given } = bench.allowed;
  if (given.kind !== "used") throw new Fault("internal/invariant", "expected a version to move to");
  const plaintext = await decrypted(item, bench);
  try {
    return await encrypted(
      { plaintext, context: item.context },
      await keyOf(bench, given.reads),
      bench.world,
    );
  } finally {
    zeroize(plaintext);
  }
}

async function dataKey(
  { size, context, isWrappedOnly }: Extract<TransitItem, { readonly operation: "datakey" }>,
  bench: Bench,
): Promise<readonly Uint8Array[]> {
  const key = await keyOf(bench, storedVersion(bench));
  const plaintext = bench.world.random(size);
  const wrapped = await encrypted({ plaintext, context }, key, bench.world);
  if (!isWrappedOnly) return [plaintext, wrapped];
  zeroize(plaintext);
  return [new Uint8Array(0), wrapped];
}

async function signed(
  { message, padding }: Extract<TransitItem, { readonly operation: "sign" }>,
  bench: Bench,
): Promise<Uint8Array> {
  const key = await keyOf(bench, storedVersion(bench));
  const bytes = await bench.world.primitives.sign(schemeOf(key, padding), key.secret, message);
  if (bytes === undefined) throw new Fault("secret/malformed", "expected a private key of its type");
  return utf8(transitText({ version: key.version, bytes }));
}

function schemeOf({ type }: OpenKey, padding: Padding) {
  const build = buildOf(type);
  if (build.use === "signature") return build.schemes[padding];
  throw new Fault("internal/invariant", "expected a key that signs");
}

async function authenticated(
  { message }: Extract<TransitItem, { readonly operation: "hmac" }>,
  bench: Bench,
): Promise<Uint8Array> {
  const key = await keyOf(bench, storedVersion(bench));
  return utf8(transitText({ version: key.version, bytes: macOf(key, message, bench.world) }));
}

function macOf({ type, secret }: OpenKey, message: Uint8Array, { primitives }: World): Uint8Array {
  const build = buildOf(type);
  if (build.use === "mac") return primitives.hmac(build.hash, secret, message);
  throw new Fault("internal/invariant", "expected a key that authenticates");
}

/** By the public half that lies in the envelope: the one in a row may be anybody's. */
async function isMade(
  { message, made, padding }: Extract<TransitItem, { readonly operation: "verify" }>,
  bench: Bench,
): Promise<boolean> {
  const { bytes } = made;
  const key = await keyOf(bench, storedVersion(bench));
  if (buildOf(key.type).use === "mac") return equalBytes(macOf(key, message, bench.world), bytes);
  return bench.world.primitives.verify(schemeOf(key, padding), key.publicKey, message, bytes);
}
