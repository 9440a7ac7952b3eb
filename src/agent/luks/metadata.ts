/** Which LUKS2 metadata does the agent open? One key slot or two, one crypt segment, one digest; every member known. */
import { parseBase64 } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import {
  hasShape,
  integer,
  isJsonObject,
  list,
  object,
  oneOf,
  optional,
  type Rule,
  text,
} from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";

type Kdf =
  | { readonly type: "pbkdf2"; readonly hash: string; readonly iterations: number; readonly salt: string }
  | {
      readonly type: "argon2id";
      readonly time: number;
      readonly memory: number;
      readonly cpus: number;
      readonly salt: string;
    };

export type Keyslot = {
  readonly type: "luks2";
  readonly key_size: number;
  readonly af: { readonly type: "luks1"; readonly stripes: 4000; readonly hash: string };
  readonly area: {
    readonly type: "raw";
    readonly offset: string;
    readonly size: string;
    readonly encryption: string;
    readonly key_size: number;
  };
  readonly kdf: Kdf;
};

export type Segment = {
  readonly type: "crypt";
  readonly offset: string;
  readonly size: "dynamic";
  readonly iv_tweak: "0";
  readonly encryption: string;
  readonly sector_size: number;
  readonly integrity?: {
    readonly type: string;
    readonly journal_encryption: "none";
    readonly journal_integrity: "none";
  };
};

/** The marker of one key slot: `marker.ts` says what it proves. */
export type MarkerToken = {
  readonly type: "x-ostiary";
  readonly keyslots: readonly [string];
  readonly marker: 1;
  readonly secret: string;
  readonly version: number;
  readonly epoch: number;
  readonly state: "new" | "ready";
  readonly mac: string;
};

export type Metadata = {
  readonly keyslots: Readonly<Record<string, Keyslot>>;
  readonly tokens: Readonly<Record<string, MarkerToken>>;
  readonly segments: { readonly "0": Segment };
  readonly digests: {
    readonly "0": {
      readonly type: "pbkdf2";
      readonly keyslots: readonly string[];
      readonly segments: readonly string[];
      readonly hash: string;
      readonly iterations: number;
      readonly salt: string;
      readonly digest: string;
    };
  };
  readonly config: { readonly json_size: string; readonly keyslots_size: string };
};

/** The one cipher of volumes and of key slots. A null cipher opens with any key and encrypts nothing. */
const CIPHER = "aes-xts-plain64";
const XTS_BYTES = 64;
const HMAC_BYTES = 32;
const STRIPES = 4000;
const SECTOR = 4096;
/** Each half of an hour of CPU is the host's to ask for without these bounds (platforms: "memory cap: DoS"). */
const MOST = { iterations: 50_000_000, argonKib: 1_048_576, argonTime: 64, argonCpus: 4 };
const MAX_KEYSLOTS_BYTES = 128 * 1024 * 1024;
const MAX_JSON_DEPTH = 8;

const decimal = text(/^(0|[1-9]\d{0,14})$/);
const slotName = text(/^([0-9]|[12][0-9]|3[01])$/);
const hash = oneOf("sha256", "sha512");
const bytesOf =
  (...sizes: readonly number[]): Rule =>
  (value) =>
    typeof value === "string" && sizes.includes(parseBase64(value)?.length ?? -1);
const iterations = integer(1000, MOST.iterations);

const KDFS: readonly Readonly<Record<string, Rule>>[] = [
  { type: oneOf("pbkdf2"), hash, iterations, salt: bytesOf(32) },
  {
    type: oneOf("argon2id"),
    time: integer(1, MOST.argonTime),
    memory: integer(32, MOST.argonKib),
    cpus: integer(1, MOST.argonCpus),
    salt: bytesOf(32),
  },
];

const KEYSLOT: Readonly<Record<string, Rule>> = {
  type: oneOf("luks2"),
  key_size: oneOf(XTS_BYTES, XTS_BYTES + HMAC_BYTES),
  af: object({ type: oneOf("luks1"), stripes: oneOf(STRIPES), hash }),
  area: object({
    type: oneOf("raw"),
    offset: decimal,
    size: decimal,
    encryption: oneOf(CIPHER),
    key_size: oneOf(XTS_BYTES),
  }),
  kdf: (value) => KDFS.some((rules) => hasShape(value, rules)),
};

const SEGMENT: Readonly<Record<string, Rule>> = {
  type: oneOf("crypt"),
  offset: decimal,
  size: oneOf("dynamic"),
  iv_tweak: oneOf("0"),
  encryption: oneOf(CIPHER),
  sector_size: oneOf(512, SECTOR),
  integrity: optional(
    object({
      type: oneOf("hmac(sha256)"),
      journal_encryption: oneOf("none"),
      journal_integrity: oneOf("none"),
    }),
  ),
};

const TOKEN: Readonly<Record<string, Rule>> = {
  type: oneOf("x-ostiary"),
  keyslots: list(slotName, 1, 1),
  marker: oneOf(1),
  secret: text(/^[A-Za-z0-9._/-]{1,512}$/),
  version: integer(1, Number.MAX_SAFE_INTEGER),
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  state: oneOf("new", "ready"),
  mac: text(/^[A-Za-z0-9_-]{43}$/),
};

const DIGEST: Readonly<Record<string, Rule>> = {
  type: oneOf("pbkdf2"),
  keyslots: list(slotName, 1, 2),
  segments: (value) => Array.isArray(value) && value.length === 1 && value[0] === "0",
  hash,
  iterations,
  salt: bytesOf(32),
  digest: bytesOf(32, 64),
};

const CONFIG: Readonly<Record<string, Rule>> = { json_size: decimal, keyslots_size: decimal };

/**
 * Reads the JSON area of a header of `size` bytes: one JSON text, zeros after it, and in it what this file lets pass.
 *
 * @throws {@link Fault} `disk/bad-header`; the detail `member` says where.
 * @see LUKS2 On-Disk Format 1.1, section 3
 */
export function parseMetadata(area: Uint8Array, size: number): Metadata {
  const end = area.indexOf(0);
  if (end <= 0 || area.subarray(end).some((byte) => byte !== 0))
    throw bad("JSON text", "one text, and zeros after it");
  const limits = { maxBytes: area.length, maxDepth: MAX_JSON_DEPTH, code: "disk/bad-header" } as const;
  const value = parseStrictJson(area.slice(0, end), limits);
  return checkedMetadata(value, size);
}

/** The same of a value that somebody else read. @throws {@link Fault} `disk/bad-header`. */
export function checkedMetadata(value: JsonValue, size: number): Metadata {
  if (!isMetadata(value))
    throw bad(wrongPlaceOf(value), "what LUKS2 has there, of the kinds that are opened");
  refuseAreas(value, size);
  refuseKeySizes(value);
  refuseLinks(value);
  return value;
}

/** Whether this is a key slot of the kind that is opened, wherever it lies. */
export function isKeyslot(value: JsonValue | undefined): value is Keyslot {
  return hasShape(value, KEYSLOT);
}

function isMetadata(value: JsonValue): value is Metadata {
  return wrongPlaceOf(value) === "";
}

/** Which member, at the level of objects, is not as its table says; empty where all are. */
function wrongPlaceOf(value: JsonValue): string {
  const top = { keyslots: isJsonObject, tokens: isJsonObject, segments: isJsonObject, digests: isJsonObject };
  if (!hasShape(value, { ...top, config: isJsonObject }) || !isJsonObject(value)) return "the metadata";
  const { keyslots, tokens, segments, digests, config } = value;
  return (
    wrongEntryOf("keyslots", keyslots, { rules: KEYSLOT, name: slotName, most: 2, least: 1 }) ??
    wrongEntryOf("tokens", tokens, { rules: TOKEN, name: slotName, most: 2, least: 0 }) ??
    wrongEntryOf("segments", segments, { rules: SEGMENT, name: oneOf("0"), most: 1, least: 1 }) ??
    wrongEntryOf("digests", digests, { rules: DIGEST, name: oneOf("0"), most: 1, least: 1 }) ??
    (hasShape(config, CONFIG) ? "" : `config${wrongMemberOf(config, CONFIG)}`)
  );
}

interface Entries {
  readonly rules: Readonly<Record<string, Rule>>;
  readonly name: Rule;
  readonly least: number;
  readonly most: number;
}

function wrongEntryOf(
  place: string,
  value: JsonValue | undefined,
  { rules, name, least, most }: Entries,
): string | undefined {
  if (!isJsonObject(value)) return place;
  const entries = Object.entries(value);
  if (entries.length < least || entries.length > most) return place;
  for (const [key, entry] of entries) {
    if (!name(key)) return place;
    if (!hasShape(entry, rules)) return `${place}.${key}${wrongMemberOf(entry, rules)}`;
  }
  return undefined;
}

/** The name of a member that has a rule and breaks it; a stranger's name is not repeated. */
function wrongMemberOf(value: JsonValue | undefined, rules: Readonly<Record<string, Rule>>): string {
  if (!isJsonObject(value)) return "";
  const wrong = Object.entries(rules).find(([name, rule]) => !rule(value[name]));
  return wrong === undefined ? ", a member that LUKS2 or the agent does not know" : `.${wrong[0]}`;
}

/** Areas lie behind both headers, before the data, and apart from each other. */
function refuseAreas({ keyslots, segments, config }: Metadata, size: number): void {
  const begin = 2 * size;
  const bytes = Number(config.keyslots_size);
  if (config.json_size !== String(size - 4096)) throw bad("config.json_size", `${size - 4096}`);
  if (bytes % SECTOR !== 0 || bytes > MAX_KEYSLOTS_BYTES)
    throw bad("config.keyslots_size", "whole pages, 128 MiB at most");
  const offset = Number(segments[0].offset);
  if (offset % SECTOR !== 0 || offset < begin + bytes)
    throw bad("segments.0.offset", "data behind the key slots");
  let free = begin;
  const slots = Object.entries(keyslots).map(([name, slot]) => ({
    name,
    ...placeOf(slot),
    needs: areaBytes(slot),
  }));
  for (const { name, at, length, needs } of slots.sort((a, b) => a.at - b.at)) {
    const isPlaced = at % SECTOR === 0 && at >= free && at + length <= begin + bytes;
    if (!isPlaced || length !== needs)
      throw bad(`keyslots.${name}.area`, "a place of its own among the key slots");
    free = at + length;
  }
}

/** Where a key slot's bytes are on the disk. */
export function placeOf({ area }: Keyslot): { readonly at: number; readonly length: number } {
  return { at: Number(area.offset), length: Number(area.size) };
}

/** A key in 4000 stripes, in whole pages (LUKS2 On-Disk Format 1.1, section 3.2.1). */
function areaBytes(slot: Keyslot): number {
  return Math.ceil((slot.key_size * STRIPES) / SECTOR) * SECTOR;
}

/** A volume key has the cipher's 64 bytes, and 32 more exactly where sectors carry an HMAC. */
function refuseKeySizes({ keyslots, segments, digests }: Metadata): void {
  const expected = segments[0].integrity === undefined ? XTS_BYTES : XTS_BYTES + HMAC_BYTES;
  for (const [name, slot] of Object.entries(keyslots)) {
    if (slot.key_size !== expected) throw bad(`keyslots.${name}.key_size`, String(expected));
  }
  const { hash: algorithm, digest } = digests[0];
  if (parseBase64(digest)?.length !== (algorithm === "sha256" ? 32 : 64))
    throw bad("digests.0.digest", "the hash's size");
}

/** The one digest stands for every key slot; each marker for one, and two slots only with a marker each. */
function refuseLinks({ keyslots, tokens, digests }: Metadata): void {
  const slots = Object.keys(keyslots).sort().join();
  if (digests[0].keyslots.toSorted().join() !== slots) throw bad("digests.0.keyslots", "all key slots");
  const marked = Object.values(tokens).map((token) => token.keyslots[0]);
  const isEach =
    marked.length === 0 ? Object.keys(keyslots).length === 1 : marked.toSorted().join() === slots;
  if (!isEach) throw bad("tokens", "one marker for each key slot");
  const versions = new Set(Object.values(tokens).map(({ version }) => version));
  const paths = new Set(
    Object.values(tokens).map(({ secret, epoch, state }) => `${epoch} ${state} ${secret}`),
  );
  if (versions.size !== marked.length || paths.size > 1)
    throw bad("tokens", "markers of two versions of one secret");
}

function bad(member: string, expected: string): Fault {
  return new Fault(
    "disk/bad-header",
    `expected ${expected}: \`${member}\` of the LUKS2 header is something else`,
    {
      member,
    },
  );
}
