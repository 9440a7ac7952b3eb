/** How does a guest write a secret? Sealed to a key that the broker signed; the answer is sealed to the guest. */
import * as v from "valibot";
import { u32be } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { Reader } from "../base/reader.ts";
import type { ImportSuite, SealedImport } from "../channel/import-seal.ts";
import type { SealedRelease } from "../channel/release-key.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { bytesField, bytesText, countField, decisionIdField } from "./fields.ts";
import { SEALED_MEMBERS } from "./import.ts";
import type { SuiteId } from "./messages.ts";
import { refuseOddKey, SEALED_RELEASE, sealedOf } from "./release.ts";
import { isSecretPath } from "./resource-path.ts";

/** The next version of a path, from a guest. */
export interface WriteRequest {
  readonly suite: SuiteId;
  /** The guest's one-use key: the answer is sealed to it. */
  readonly wrapPub: Uint8Array;
  /** The newest version that the guest expects, 0 for a new path; `undefined`: whichever it is. */
  readonly cas: number | undefined;
  /** Sealed for this path, as a static secret, to the import key of that name. */
  readonly sealed: SealedImport & { readonly key: string };
}

export interface WriteAnswer {
  readonly decision: string;
  /** {@link encodeWritten}, sealed and signed as a release is. */
  readonly sealed: SealedRelease;
}

/** Where a guest asks for a key to seal a secret to. */
export const IMPORT_KEY_PATH = "/v1/import-key";

export const GUEST_KEY_REQUEST = v.strictObject({ v: v.literal(1), suite: v.picklist([1, 2]) });

const { key: KEY, enc: ENC, ct: CT } = SEALED_MEMBERS;

export const WRITE_REQUEST = v.strictObject({
  v: v.literal(1),
  suite: v.picklist([1, 2, 3]),
  wrapPub: bytesField(32, 1216),
  cas: v.exactOptional(countField(0)),
  sealed: v.strictObject({ key: KEY, enc: ENC, ct: CT }),
});

export const WRITE_ANSWER = v.object({
  v: v.literal(1),
  decision: decisionIdField(),
  sealed: SEALED_RELEASE,
});

/** Where a secret is written. @throws {@link Fault} `request/malformed` for what is no path of a secret. */
export function writeUrlPath(path: string): string {
  if (isSecretPath(path)) return `/v1/secret/${path}`;
  throw new Fault("request/malformed", "expected the path of a secret in normal form");
}

/** @throws {@link Fault} `request/malformed`. */
export function decodeGuestKeyRequest(bytes: Uint8Array): { readonly suite: ImportSuite } {
  return decode(GUEST_KEY_REQUEST, bytes, REQUEST);
}

export function encodeGuestKeyRequest({ suite }: { readonly suite: ImportSuite }): string {
  return encode({ v: 1, suite });
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeWriteRequest(bytes: Uint8Array): WriteRequest {
  const { suite, wrapPub, cas, sealed } = decode(WRITE_REQUEST, bytes, REQUEST);
  refuseOddKey({ suite, wrapPub });
  return { suite, wrapPub, cas, sealed };
}

export function encodeWriteRequest({ suite, wrapPub, cas, sealed }: WriteRequest): string {
  const { key, enc, ct } = sealed;
  const written = { key, enc: bytesText(enc), ct: bytesText(ct) };
  return encode({ v: 1, suite, wrapPub: bytesText(wrapPub), cas, sealed: written });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeWriteAnswer(bytes: Uint8Array): WriteAnswer {
  const { decision, sealed } = decode(WRITE_ANSWER, bytes, ANSWER);
  return { decision, sealed };
}

export function encodeWriteAnswer({ decision, sealed }: WriteAnswer): string {
  return encode({ v: 1, decision, sealed: sealedOf(sealed) });
}

/** What is sealed: `u32be(version)`, the number that was given. */
export function encodeWritten(version: number): Uint8Array {
  return u32be(version);
}

/** @throws {@link Fault} `channel/bad-release`. */
export function parseWritten(bytes: Uint8Array): number {
  const reader = new Reader(bytes, "channel/bad-release");
  const version = reader.u32be();
  reader.end();
  return version;
}
