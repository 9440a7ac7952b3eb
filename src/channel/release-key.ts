/** What goes with a sealed secret, and what of it does the broker sign? The release envelope of PROTOCOL section 7. */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { hasShape, hex, integer, object, oneOf, optional, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { Instant } from "../base/time.ts";
import type { Binding, Suite } from "./bindings.ts";

const MAX_HEADER_BYTES = 4096;
const MAX_ITEMS = 16;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31

/** What a release is sealed as. */
export type ReleaseType = "ostiary-release+hpke" | "ostiary-release+jwe";

/** The header of one release; its exact bytes are the AAD of the seal. */
export type ReleaseHeader = {
  readonly v: 1;
  /** By suite, as {@link releaseTypeOf} says. */
  readonly typ: ReleaseType;
  readonly alg: "ES256";
  /** Name of the broker's signing key. */
  readonly kid: string;
  readonly suite: Suite;
  readonly binding: Binding;
  readonly secret_id: string;
  /** 0 for a token. */
  readonly key_version: number;
  /** Digest of the live bundle, 64 hex digits. */
  readonly policy_hash: string;
  /** The decision id. */
  readonly decision: string;
  readonly iat: Instant;
  readonly exp: Instant;
  /** Position of this item, from 0. */
  readonly seq: number;
  /** How many items the answer holds. */
  readonly of: number;
  /** After how many seconds the policy wants new evidence. */
  readonly reattest?: number;
  /** Of a secret that one guest at a time may hold: under which fencing token this one does, and until when. */
  readonly lease?: { readonly fence: number; readonly until: Instant };
};

/** A release as it is carried: header (the AAD), encapsulated key, ciphertext, signature. */
export interface SealedRelease {
  readonly header: Uint8Array;
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
  readonly sig: Uint8Array;
}

/** The type of a suite's releases. */
export function releaseTypeOf(suite: Suite): ReleaseType {
  return suite === 3 ? "ostiary-release+jwe" : "ostiary-release+hpke";
}

/** The bytes of a header: RFC 8785. */
export function encodeReleaseHeader(header: ReleaseHeader): Uint8Array {
  return canonicalJsonBytes(header);
}

const SECONDS = integer(0, MAX_SECONDS);

const HEADER: Shape<ReleaseHeader> = {
  v: oneOf(1),
  typ: oneOf("ostiary-release+hpke", "ostiary-release+jwe"),
  alg: oneOf("ES256"),
  kid: text(/^.{1,128}$/u),
  suite: integer(1, 3),
  binding: integer(1, 3),
  secret_id: text(/^[!-~]{1,512}$/),
  key_version: integer(0, Number.MAX_SAFE_INTEGER),
  policy_hash: hex(32),
  decision: text(/^[0-9A-Za-z]{1,64}$/),
  iat: SECONDS,
  exp: SECONDS,
  seq: integer(0, MAX_ITEMS - 1),
  of: integer(1, MAX_ITEMS),
  reattest: optional(integer(1, MAX_SECONDS)),
  lease: optional(object({ fence: integer(1, Number.MAX_SAFE_INTEGER), until: SECONDS })),
};

/**
 * Reads a header that a broker is said to have sent: exactly these members, of these types, within these ranges.
 * Whether it is the one asked for, and its signature, are the caller's to see to.
 *
 * @throws {@link Fault} `channel/bad-release`.
 */
export function parseReleaseHeader(bytes: Uint8Array): ReleaseHeader {
  if (bytes.length > MAX_HEADER_BYTES) {
    throw badRelease(`at most ${MAX_HEADER_BYTES} bytes of header`);
  }
  const value = parseStrictJson(bytes, {
    maxBytes: MAX_HEADER_BYTES,
    maxDepth: 3,
    code: "channel/bad-release",
  });
  if (!isHeader(value)) throw badRelease("the members of a release header, each within its range");
  if (value.typ !== releaseTypeOf(value.suite)) throw badRelease("the type of this suite");
  if (value.seq >= value.of) throw badRelease("a position below the number of items");
  return value;
}

/** The `info` of the seal: only the exchange with this binder opens it. */
export function releaseInfo(binder: Uint8Array): Uint8Array {
  return concatBytes(lengthPrefixed(utf8("ostiary/release/v1")), lengthPrefixed(binder));
}

/** What the broker's signing key signs of a release. */
export function releaseSignatureInput(parts: {
  readonly binder: Uint8Array;
  readonly aad: Uint8Array;
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}): Uint8Array {
  return concatBytes(
    lengthPrefixed(utf8("ostiary/release-sig/v1")),
    lengthPrefixed(parts.binder),
    lengthPrefixed(parts.aad),
    lengthPrefixed(parts.enc),
    lengthPrefixed(parts.ct),
  );
}

function isHeader(value: JsonValue): value is ReleaseHeader {
  return hasShape(value, HEADER);
}

function badRelease(expected: string): Fault {
  return new Fault("channel/bad-release", `expected ${expected}`);
}
