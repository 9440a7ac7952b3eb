/** How does a secret lie in the database? As SecretEnvelope v1: magic, version, KEK id, and the wrapped secret. */
import { concatBytes, equalBytes, lengthPrefixed, parseUtf8, u8, u32be, utf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import { Reader } from "../base/reader.ts";

/*
 *   4f 53 45   "OSE"
 *   01         version
 *   ..         length of the KEK id, 1 to 255
 *   ..         KEK id, UTF-8
 *   ..         what the KEK's `wrap` gave, to the end
 *
 * AAD = LP("ostiary/envelope/v1") ‖ LP(path) ‖ u32be(version of the secret) ‖ LP(KEK id)
 */
const MAGIC = utf8("OSE");
const FORMAT_VERSION = 1;
const LABEL = "ostiary/envelope/v1";
const MAX_WRAPPED_BYTES = 1 << 20;

/** The part of the broker's Kek port that envelopes need. */
export interface WrappingKek {
  readonly id: string;
  /** Ids of further keys that `unwrap` opens for. */
  readonly also?: readonly string[];
  readonly wrap: (plaintext: Uint8Array, aad: Uint8Array) => Promise<Uint8Array>;
  readonly unwrap: (wrapped: Uint8Array, aad: Uint8Array) => Promise<Uint8Array>;
}

/** Which secret an envelope belongs to. Both are authenticated: an envelope moved to another row does not open. */
export interface EnvelopeSeat {
  readonly path: string;
  /** 1, 2, 3 …; below 2^32. */
  readonly version: number;
}

/**
 * Seals one version of a secret under the KEK.
 *
 * @returns The envelope's bytes. The plaintext is neither kept nor overwritten: that is for the caller.
 * @throws {@link Fault} what the KEK throws; `internal/invariant` for a plaintext beyond 1 MiB.
 */
export async function sealEnvelope(
  secret: EnvelopeSeat & { readonly plaintext: Uint8Array },
  kek: WrappingKek,
): Promise<Uint8Array> {
  const wrapped = await kek.wrap(secret.plaintext, aadOf(secret, kek.id));
  return encodeEnvelope({ kekId: kek.id, wrapped });
}

/**
 * Opens one version of a secret.
 *
 * @returns The plaintext; the caller overwrites it when done.
 * @throws {@link Fault} `secret/malformed` for an envelope that was altered or belongs to another path or version,
 * `kek/wrong-key` for one sealed under another KEK, `kek/unavailable` when the KEK cannot be used.
 */
export async function openEnvelope(
  secret: EnvelopeSeat & { readonly envelope: Uint8Array },
  kek: WrappingKek,
): Promise<Uint8Array> {
  const { kekId, wrapped } = parseEnvelope(secret.envelope);
  if (kekId !== kek.id && kek.also?.includes(kekId) !== true) {
    throw new Fault(
      "kek/wrong-key",
      `expected an envelope under \`${kek.id}\`, received one under \`${kekId}\``,
    );
  }
  try {
    return await kek.unwrap(wrapped, aadOf(secret, kekId));
  } catch (thrown) {
    // The id says the key is the right one, so what does not fit is the envelope or its place.
    if (!isFault(thrown, "kek/wrong-key")) throw thrown;
    throw new Fault("secret/malformed", "the envelope was altered or moved", { version: secret.version });
  }
}

/**
 * What every envelope under a KEK begins with, and none under another: the length stands before the id.
 *
 * @throws {@link Fault} `internal/invariant` for an id that no envelope can name.
 */
export function envelopeHead(kekId: string): Uint8Array {
  const id = utf8(kekId);
  if (id.length === 0 || id.length > 255)
    throw new Fault("internal/invariant", "a KEK id has 1 to 255 bytes");
  return concatBytes(MAGIC, u8(FORMAT_VERSION), u8(id.length), id);
}

/** An envelope taken apart; nothing in it is proven yet. */
export interface Envelope {
  readonly kekId: string;
  readonly wrapped: Uint8Array;
}

/** Writes an envelope: what {@link parseEnvelope} reads. */
export function encodeEnvelope({ kekId, wrapped }: Envelope): Uint8Array {
  if (wrapped.length === 0 || wrapped.length > MAX_WRAPPED_BYTES) {
    throw new Fault("internal/invariant", "an envelope holds 1 byte to 1 MiB");
  }
  return concatBytes(envelopeHead(kekId), wrapped);
}

/**
 * Takes an envelope apart without opening it, which tells under which KEK it lies.
 *
 * @throws {@link Fault} `secret/malformed`.
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const reader = new Reader(bytes, "secret/malformed");
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) throw malformed("expected the magic `OSE`");
  const version = reader.u8();
  if (version !== FORMAT_VERSION) throw malformed(`expected envelope version 1, received ${version}`);
  const kekId = parseUtf8(reader.bytes(reader.u8()));
  if (kekId === undefined || kekId === "") throw malformed("expected a KEK id in UTF-8");
  if (reader.left === 0 || reader.left > MAX_WRAPPED_BYTES)
    throw malformed("expected 1 byte to 1 MiB wrapped");
  return { kekId, wrapped: reader.bytes(reader.left) };
}

function aadOf({ path, version }: EnvelopeSeat, kekId: string): Uint8Array {
  const label = lengthPrefixed(utf8(LABEL));
  return concatBytes(label, lengthPrefixed(utf8(path)), u32be(version), lengthPrefixed(utf8(kekId)));
}

function malformed(message: string): Fault {
  return new Fault("secret/malformed", message);
}
