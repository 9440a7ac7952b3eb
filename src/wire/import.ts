/** How are keys to seal to, and what is sealed to them, written? In requests, and in the files that an admin carries between machines. */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { TRANSIT_TYPES } from "../keys/transit-type.ts";
import { decode, encode, REQUEST, type Reading } from "./codec.ts";
import { bytesField, bytesText, fixedBytesField, instantField, instantText, textField } from "./fields.ts";
import type { ImportKeyRequest, SealedSecret, SignedImportKey } from "./import-messages.ts";
import { MAX_AUDIENCE_BYTES, MAX_BODY_BYTES, MAX_SECRET_BYTES } from "./limits.ts";

/** A secret may take days to an offline machine and back, and no more. */
const MAX_VALID_SECONDS = 7 * 86_400;
const MIN_VALID_SECONDS = 60;
const TAG_BYTES = 16;

const ID = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const SUITE = v.picklist([1, 2]);

export const IMPORT_KEY_REQUEST = v.strictObject({
  suite: SUITE,
  validSeconds: v.pipe(v.number(), v.integer(), v.minValue(MIN_VALID_SECONDS), v.maxValue(MAX_VALID_SECONDS)),
});

export const SIGNED_IMPORT_KEY = v.object({
  id: ID,
  audience: textField(MAX_AUDIENCE_BYTES),
  suite: SUITE,
  publicKey: bytesField(32, 1216),
  expiresAt: instantField(),
  signature: fixedBytesField(64),
});

const MAX_PUBLIC_KEY_BYTES = 1024;

/** The members of a sealed secret beside the `kind` that says it is one. */
export const SEALED_MEMBERS = {
  key: ID,
  use: v.picklist(["static", ...TRANSIT_TYPES]),
  publicKey: v.exactOptional(bytesField(1, MAX_PUBLIC_KEY_BYTES)),
  enc: bytesField(32, 1120),
  ct: bytesField(TAG_BYTES, MAX_SECRET_BYTES + TAG_BYTES),
} as const;

const SEALED_SECRET = v.strictObject(SEALED_MEMBERS);

/** A file that an admin carries. */
const FILE: Reading = { maxBytes: MAX_BODY_BYTES, maxDepth: 4, code: "request/malformed" };

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeImportKeyRequest(bytes: Uint8Array): ImportKeyRequest {
  return decode(IMPORT_KEY_REQUEST, bytes, REQUEST);
}

export function encodeImportKeyRequest({ suite, validSeconds }: ImportKeyRequest): string {
  return encode({ suite, validSeconds });
}

/** Reads an answer of the broker, or the file that it was kept in. Nothing in it is proven yet. @throws {@link Fault} `request/malformed`. */
export function decodeSignedImportKey(bytes: Uint8Array): SignedImportKey {
  return decode(SIGNED_IMPORT_KEY, bytes, FILE);
}

export function encodeSignedImportKey(key: SignedImportKey): string {
  const { id, audience, suite, publicKey, expiresAt, signature } = key;
  return encode({
    id,
    audience,
    suite,
    publicKey: bytesText(publicKey),
    expiresAt: instantText(expiresAt),
    signature: bytesText(signature),
  });
}

/** Reads the file that `secret seal` wrote. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSealedSecret(bytes: Uint8Array): SealedSecret {
  return sealedOf(decode(SEALED_SECRET, bytes, FILE));
}

export function sealedOf(read: v.InferOutput<typeof SEALED_SECRET>): SealedSecret {
  const { key, use, publicKey = new Uint8Array(0), enc, ct } = read;
  return { key, use, publicKey, enc, ct };
}

export function encodeSealedSecret(sealed: SealedSecret): string {
  return encode(sealedMembersOf(sealed));
}

export function sealedMembersOf({ key, use, publicKey, enc, ct }: SealedSecret): JsonObject {
  return {
    key,
    use,
    publicKey: publicKey.length === 0 ? undefined : bytesText(publicKey),
    enc: bytesText(enc),
    ct: bytesText(ct),
  };
}
