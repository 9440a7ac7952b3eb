/** How is the use of a transit key asked for, and how is it answered? Items in the clear of TLS, the answer sealed to the guest. */
import * as v from "valibot";
import { concatBytes, lengthPrefixed } from "../base/bytes.ts";
import type { JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { Reader } from "../base/reader.ts";
import type { SealedRelease } from "../channel/release-key.ts";
import { parseTransitText, type TransitText, transitText } from "../keys/transit-text.ts";
import { TRANSIT_OPERATIONS, type TransitOperation } from "../keys/transit-type.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { bytesField, bytesText, decisionIdField } from "./fields.ts";
import { MAX_BODY_BYTES, MAX_ITEMS, MAX_SECRET_BYTES } from "./limits.ts";
import type { SuiteId } from "./messages.ts";
import { refuseOddKey, SEALED_RELEASE, sealedOf } from "./release.ts";
import { isSecretPath } from "./resource-path.ts";

/** One thing to be done with a key. */
export type TransitItem =
  | { readonly operation: "encrypt"; readonly plaintext: Uint8Array; readonly context: Uint8Array }
  | { readonly operation: "decrypt" | "rewrap"; readonly made: TransitText; readonly context: Uint8Array }
  | {
      readonly operation: "datakey";
      readonly size: number;
      readonly context: Uint8Array;
      /** Whether the key itself stays here, and its wrapped form alone is given. */
      readonly isWrappedOnly: boolean;
    }
  | { readonly operation: "sign"; readonly message: Uint8Array; readonly padding: "pss" | "pkcs1" }
  | { readonly operation: "hmac"; readonly message: Uint8Array }
  | {
      readonly operation: "verify";
      readonly message: Uint8Array;
      readonly made: TransitText;
      readonly padding: "pss" | "pkcs1";
    };

/** At most 16 items, each of the same operation. */
export interface TransitRequest {
  readonly suite: SuiteId;
  /** The guest's one-use key: the answer is sealed to it. */
  readonly wrapPub: Uint8Array;
  readonly items: readonly TransitItem[];
}

export interface TransitAnswer {
  readonly decision: string;
  /** {@link encodeTransitResults}, sealed and signed as a release is. */
  readonly sealed: SealedRelease;
}

const MAX_CONTEXT_BYTES = 4 * 1024;
/** A ciphertext of the largest plaintext, in base64url with its head. */
const MAX_TEXT_LENGTH = 88_000;
const DEFAULT_DATAKEY_BYTES = 32;

const TEXT = v.pipe(
  v.string(),
  v.maxLength(MAX_TEXT_LENGTH),
  v.rawTransform<string, TransitText>(({ dataset, addIssue, NEVER }) => {
    const text = parseTransitText(dataset.value);
    if (text !== undefined) return text;
    addIssue({ message: "", expected: "a text as `ostiary:v3:AAAA`" });
    return NEVER;
  }),
);

const MESSAGE = bytesField(0, MAX_SECRET_BYTES);
const CONTEXT = { context: v.exactOptional(bytesField(0, MAX_CONTEXT_BYTES)) };
const PADDING = { padding: v.exactOptional(v.picklist(["pss", "pkcs1"])) };
const NONE = new Uint8Array(0);

function opened(operation: "decrypt" | "rewrap") {
  return v.pipe(
    v.strictObject({ ciphertext: TEXT, ...CONTEXT }),
    v.transform(({ ciphertext: made, context = NONE }): TransitItem => ({ operation, made, context })),
  );
}

/** What an item looks like, and what it becomes. */
const ITEMS = {
  encrypt: v.pipe(
    v.strictObject({ plaintext: MESSAGE, ...CONTEXT }),
    v.transform(
      ({ plaintext, context = NONE }): TransitItem => ({ operation: "encrypt", plaintext, context }),
    ),
  ),
  decrypt: opened("decrypt"),
  rewrap: opened("rewrap"),
  datakey: v.pipe(
    v.strictObject({
      size: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(64))),
      wrappedOnly: v.exactOptional(v.literal(true)),
      ...CONTEXT,
    }),
    v.transform(
      ({
        size = DEFAULT_DATAKEY_BYTES,
        wrappedOnly: isWrappedOnly = false,
        context = NONE,
      }): TransitItem => ({
        operation: "datakey",
        size,
        isWrappedOnly,
        context,
      }),
    ),
  ),
  sign: v.pipe(
    v.strictObject({ message: MESSAGE, ...PADDING }),
    v.transform(({ message, padding = "pss" }): TransitItem => ({ operation: "sign", message, padding })),
  ),
  hmac: v.pipe(
    v.strictObject({ message: MESSAGE }),
    v.transform(({ message }): TransitItem => ({ operation: "hmac", message })),
  ),
  verify: v.pipe(
    v.strictObject({ message: MESSAGE, made: TEXT, ...PADDING }),
    v.transform(
      ({ message, made, padding = "pss" }): TransitItem => ({ operation: "verify", message, made, padding }),
    ),
  ),
} as const satisfies Record<TransitOperation, v.GenericSchema<unknown, TransitItem>>;

function requestOf<Item extends v.GenericSchema<unknown, TransitItem>>(item: Item) {
  return v.strictObject({
    v: v.literal(1),
    suite: v.picklist([1, 2, 3]),
    wrapPub: bytesField(32, 1216),
    items: v.pipe(v.array(item), v.minLength(1), v.maxLength(MAX_ITEMS)),
  });
}

/** Any of them, for the description of the interface. */
export const TRANSIT_REQUEST = v.union([
  requestOf(ITEMS.encrypt),
  requestOf(ITEMS.decrypt),
  requestOf(ITEMS.datakey),
  requestOf(ITEMS.sign),
  requestOf(ITEMS.hmac),
  requestOf(ITEMS.verify),
]);

/** As large as the results of the largest request may be. */
const SEALED_ANSWER = v.strictObject({ ...SEALED_RELEASE.entries, ct: bytesField(1, 2 * MAX_BODY_BYTES) });

export const TRANSIT_ANSWER = v.object({
  v: v.literal(1),
  decision: decisionIdField(),
  sealed: SEALED_ANSWER,
});

/** The key and what is to be done with it, of what follows `/v1/transit/`: its last segment is the operation. */
export function parseTransitPath(
  parameter: string,
): { readonly path: string; readonly operation: TransitOperation } | undefined {
  const at = parameter.lastIndexOf("/");
  const operation = TRANSIT_OPERATIONS.find((name) => name === parameter.slice(at + 1));
  const path = parameter.slice(0, Math.max(0, at));
  return operation !== undefined && isSecretPath(path) ? { path, operation } : undefined;
}

/** Where a broker is asked. @throws {@link Fault} `request/malformed` for what is no path of a secret. */
export function transitUrlPath(path: string, operation: TransitOperation): string {
  if (isSecretPath(path)) return `/v1/transit/${path}/${operation}`;
  throw new Fault("request/malformed", `expected the path of a transit key in normal form`);
}

/** Reads the request of an operation. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeTransitRequest(operation: TransitOperation, bytes: Uint8Array): TransitRequest {
  const { suite, wrapPub, items } = decode(requestOf(ITEMS[operation]), bytes, REQUEST);
  refuseOddKey({ suite, wrapPub });
  return { suite, wrapPub, items };
}

/** Writes it. The items are all of one operation, which the path says. */
export function encodeTransitRequest({ suite, wrapPub, items }: TransitRequest): string {
  return encode({ v: 1, suite, wrapPub: bytesText(wrapPub), items: items.map(writtenOf) });
}

function writtenOf(item: TransitItem): JsonObject {
  switch (item.operation) {
    case "encrypt":
      return { plaintext: bytesText(item.plaintext), context: contextText(item) };
    case "decrypt":
    case "rewrap":
      return { ciphertext: transitText(item.made), context: contextText(item) };
    case "datakey":
      return {
        size: item.size,
        wrappedOnly: item.isWrappedOnly ? true : undefined,
        context: contextText(item),
      };
    case "sign":
      return { message: bytesText(item.message), padding: item.padding };
    case "hmac":
      return { message: bytesText(item.message) };
    case "verify":
      return { message: bytesText(item.message), made: transitText(item.made), padding: item.padding };
  }
}

function contextText({ context }: { readonly context: Uint8Array }): string | undefined {
  return context.length === 0 ? undefined : bytesText(context);
}

/** Reads the answer. @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeTransitAnswer(bytes: Uint8Array): TransitAnswer {
  const { decision, sealed } = decode(TRANSIT_ANSWER, bytes, ANSWER);
  return { decision, sealed };
}

export function encodeTransitAnswer({ decision, sealed }: TransitAnswer): string {
  return encode({ v: 1, decision, sealed: sealedOf(sealed) });
}

/** What is sealed: `LP(result)` for each item in order; a data key has two, the key itself (empty where it stays) and its wrapped form. */
export function encodeTransitResults(results: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...results.map(lengthPrefixed));
}

/** Reads them. @throws {@link Fault} `channel/bad-release` for another number of them. */
export function parseTransitResults(bytes: Uint8Array, count: number): readonly Uint8Array[] {
  const reader = new Reader(bytes, "channel/bad-release");
  const results = Array.from({ length: count }, () => reader.lengthPrefixed(MAX_TEXT_LENGTH));
  reader.end();
  return results;
}
