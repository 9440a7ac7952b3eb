/** Which keys sign the paravisors of Azure's confidential VMs, and which versions are too old? A list of one's own, by product. */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { hasShape, hex, integer, isJsonObject, list, object, oneOf, optional, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Carried, plainName } from "./carried.ts";
import { malformed } from "./fields.ts";

/** What a list says, and what of it is for Writ. */
export interface AzureList {
  /** Who made the list, by its own word. */
  readonly issuer: string | undefined;
  readonly carried: Carried;
}

export const MAX_AZURE_LIST_BYTES = 1_048_576;
const LIMITS = { maxBytes: MAX_AZURE_LIST_BYTES, maxDepth: 6, code: "reference/malformed" } as const;
const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const MAX_KEYS = 1_000;
const KEY_SIZE = 48;
const KEY_FIELD = "id_block.id_key";

const WORDS = text(/^.{1,200}$/u);
const SVN = integer(0, 0xffff_ffff);
const SHAPE = {
  version: oneOf(1),
  issuer: optional(WORDS),
  keys: list(object({ digest: hex(KEY_SIZE), label: WORDS, source: optional(WORDS) }), 1, MAX_KEYS),
  minimumSvn: object({ milan: optional(SVN), genoa: optional(SVN), turin: optional(SVN) }),
};
/** Digests alone, as other projects keep them. */
const BARE = list(hex(KEY_SIZE), 1, MAX_KEYS);

interface Key {
  readonly digest: string;
  readonly label: string;
}

/**
 * Reads a list: `{"version":1,"keys":[{"digest":…,"label":…}],"minimumSvn":{"milan":…}}`, or digests alone.
 *
 * Microsoft publishes none and signs none: a key is known from reports of VMs that are trusted already.
 *
 * @param bytes - JSON, attacker-controlled.
 * @throws {@link Fault} `reference/malformed`, `request/too-large`.
 */
export function parseAzureList(bytes: Uint8Array): AzureList {
  const value = parseStrictJson(bytes, LIMITS);
  if (BARE(value)) return { issuer: undefined, carried: carriedOf(bareKeys(value), {}) };
  if (!isJsonObject(value) || !hasShape(value, SHAPE)) {
    throw malformed(
      "Azure's keys: expected version 1, keys with a digest of 48 bytes in lower-case hex and a label, and minimumSvn by product",
    );
  }
  const { issuer, minimumSvn } = value;
  return {
    issuer: typeof issuer === "string" ? plainName(issuer) : undefined,
    carried: carriedOf(keysIn(value), isJsonObject(minimumSvn) ? minimumSvn : {}),
  };
}

function bareKeys(value: JsonValue): readonly Key[] {
  return (Array.isArray(value) ? value : []).map((digest, at) => ({
    digest: String(digest),
    label: `azure id key ${at + 1}`,
  }));
}

function keysIn({ keys }: JsonObject): readonly Key[] {
  return (Array.isArray(keys) ? keys : []).map(({ digest, label }) => ({
    digest: String(digest),
    label: plainName(String(label)),
  }));
}

function carriedOf(keys: readonly Key[], minimumSvn: JsonObject): Carried {
  for (const name of ["digest", "label"] as const) {
    if (new Set(keys.map((key) => key[name])).size < keys.length)
      throw malformed(`Azure's keys: expected each ${name} once`);
  }
  const least = PRODUCTS.flatMap((product) => {
    const svn = minimumSvn[product];
    return svn === undefined ? [] : [`(product == ${product} and id_block.guest_svn >= ${svn})`];
  });
  return {
    sets: [
      { field: KEY_FIELD, suffix: "", entries: keys.map(({ digest, label }) => ({ label, value: digest })) },
    ],
    floors: [],
    conditions: least.length === 0 ? [] : [`any { ${least.join(", ")} }`],
    notes: least.length === 0 ? ["a least security version: nobody says which is too old"] : [],
  };
}
