/** How does one root give every guest a key of its own, with nothing kept for it? HKDF over what the guest's report says. */
import { concatBytes, isZero, lengthPrefixed, parseHex, u32be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hkdf } from "./derive.ts";
import type { EnvelopeSeat } from "./envelope.ts";

/** What of a report may name a guest to a derivation, by the fields of policy. Each is signed by the hardware. */
export const CONTEXT_FIELDS = [
  "report.chip_id",
  "measurement",
  "host_data",
  "id_block.family_id",
  "id_block.image_id",
  "id_block.id_key",
  "id_block.author_key",
] as const;

export type ContextField = (typeof CONTEXT_FIELDS)[number];

/** What guests get: keys of `size` bytes, the same to all that agree in these fields. */
export interface Derivation {
  /** 16 to 1024 bytes. */
  readonly size: number;
  /** At least one, each once, in the order of {@link CONTEXT_FIELDS}. */
  readonly by: readonly ContextField[];
}

/** The bytes of randomness that a derivation starts from. */
export const ROOT_SIZE = 32;

const MIN_SIZE = 16;
const MAX_SIZE = 1024;
const LABEL = "ostiary/derived/v1";

/**
 * Where a version's envelope belongs. What is derived, and by what, is authenticated with it, and so is what a transit key is for:
 * whoever can only write the database cannot have a root or a transit key given out, nor a root derived by less. No path has a
 * line feed.
 */
export function seatOf({ path, version, kind, make }: SealedVersion): EnvelopeSeat {
  const isKept = kind === "derived" || kind === "transit";
  return isKept ? { path: `${path}\n${make}`, version } : { path, version };
}

interface SealedVersion extends EnvelopeSeat {
  readonly kind: string;
  readonly make: string;
}

/** Puts fields in their one order. @throws {@link Fault} `request/malformed`. */
export function derivationOf(size: number, by: readonly ContextField[]): Derivation {
  const ordered = CONTEXT_FIELDS.filter((field) => by.includes(field));
  if (ordered.length === 0 || ordered.length !== by.length) {
    throw new Fault("request/malformed", "expected at least one field to derive by, each once");
  }
  if (!Number.isInteger(size) || size < MIN_SIZE || size > MAX_SIZE) {
    throw new Fault("request/malformed", `expected ${MIN_SIZE} to ${MAX_SIZE} bytes of a derived key`);
  }
  return { size, by: ordered };
}

/** As the column of a version has it: `derived:32:report.chip_id,measurement`. */
export function derivationText({ size, by }: Derivation): string {
  return `derived:${size}:${by.join(",")}`;
}

/** Reads {@link derivationText}; `undefined` for anything else. */
export function parseDerivation(text: string): Derivation | undefined {
  const [, size = "", fields = ""] = /^derived:([1-9]\d{1,3}):([a-z_.,]+)$/.exec(text) ?? [];
  const names = fields.split(",");
  const by = CONTEXT_FIELDS.filter((field) => names.includes(field));
  if (by.join(",") !== fields || Number(size) > MAX_SIZE || Number(size) < MIN_SIZE) return undefined;
  return { size: Number(size), by };
}

/**
 * HKDF's info for one guest:
 *
 *   LP("ostiary/derived/v1") ‖ LP(path) ‖ u32be(version) ‖ for each field, in order: LP(name) ‖ LP(its bytes)
 *
 * @param hexOf - The field's bytes in lower-case hex; `undefined` where the report has none.
 * @returns `undefined` where a field is absent or all zero: that names nobody, and would be one key for many.
 */
export function derivationInfo(
  { path, version }: EnvelopeSeat,
  { by }: Derivation,
  hexOf: (field: ContextField) => string | undefined,
): Uint8Array | undefined {
  const parts: Uint8Array[] = [lengthPrefixed(utf8(LABEL)), lengthPrefixed(utf8(path)), u32be(version)];
  for (const field of by) {
    const bytes = parseHex(hexOf(field) ?? "");
    if (bytes === undefined || bytes.length === 0 || isZero(bytes)) return undefined;
    parts.push(lengthPrefixed(utf8(field)), lengthPrefixed(bytes));
  }
  return concatBytes(...parts);
}

/** The key itself: HKDF-SHA-256 of the root, without salt. The caller overwrites both. */
export function derivedKey(
  root: Uint8Array,
  plan: { readonly size: number; readonly info: Uint8Array },
  primitives: Pick<Primitives, "hmac">,
): Uint8Array {
  const { size: length, info } = plan;
  return hkdf(primitives, { hash: "sha256", ikm: root, salt: new Uint8Array(0), info, length });
}
