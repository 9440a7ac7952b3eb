/** Is a use of a transit key read strictly, each operation by its own shape, and its path as it was sent? */
import { describe, expect, it } from "vitest";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import { TRANSIT_OPERATIONS, type TransitOperation } from "../../src/keys/transit-type.ts";
import {
  decodeTransitRequest,
  encodeTransitResults,
  parseTransitPath,
  parseTransitResults,
  transitUrlPath,
} from "../../src/wire/transit.ts";
import { codeOf } from "../support/faults.ts";

const b64 = (size: number) => base64UrlOf(new Uint8Array(size).fill(7));
const TEXT = "ostiary:v1:AAAA";

const GOOD: Readonly<Record<TransitOperation, object>> = {
  encrypt: { plaintext: b64(3), context: b64(2) },
  decrypt: { ciphertext: TEXT },
  datakey: { size: 16, wrappedOnly: true },
  rewrap: { ciphertext: TEXT, context: b64(2) },
  sign: { message: b64(3), padding: "pkcs1" },
  verify: { message: b64(3), made: TEXT },
  hmac: { message: b64(3) },
};

const codeOfBody = (operation: TransitOperation, body: unknown) =>
  codeOf(() => decodeTransitRequest(operation, utf8(JSON.stringify(body))));

const bodyOf = (items: readonly object[]) => ({ v: 1, suite: 1, wrapPub: b64(32), items });

describe("a request for a use", () => {
  it.each(TRANSIT_OPERATIONS)("to %s is read as one, and as no other operation", (operation) => {
    const body = bodyOf([GOOD[operation]]);
    expect(codeOfBody(operation, body)).toBeUndefined();
    const alike = [["decrypt", "rewrap"]].find((pair) => pair.includes(operation)) ?? [operation];
    // A message alone is both a wish to sign it and to authenticate it; here one of them names a padding.
    for (const other of TRANSIT_OPERATIONS.filter((name) => !alike.includes(name))) {
      if (operation === "hmac" && other === "sign") continue;
      expect([other, codeOfBody(other, body)]).toEqual([other, "request/malformed"]);
    }
  });

  it.each<readonly [string, unknown]>([
    ["another version", { ...bodyOf([GOOD.encrypt]), v: 2 }],
    ["a suite that there is not", { ...bodyOf([GOOD.encrypt]), suite: 4 }],
    ["a key of another suite", { ...bodyOf([GOOD.encrypt]), suite: 2 }],
    ["no key", { v: 1, suite: 1, items: [GOOD.encrypt] }],
    ["a member that nobody knows", { ...bodyOf([GOOD.encrypt]), path: "prod/other" }],
    ["an item with one", bodyOf([{ ...GOOD.encrypt, version: 1 }])],
    ["no items", bodyOf([])],
    ["seventeen", bodyOf(Array.from({ length: 17 }, () => GOOD.encrypt))],
    ["a plaintext of a byte too many", bodyOf([{ plaintext: b64(65_537) }])],
    ["a context of a byte too many", bodyOf([{ plaintext: b64(1), context: b64(4097) }])],
    ["padded base64url", bodyOf([{ plaintext: "AA==" }])],
  ])("is refused with %s", (_, body) => {
    expect(codeOfBody("encrypt", body)).toBe("request/malformed");
  });

  it("is refused where a member stands twice", () => {
    const text = JSON.stringify(bodyOf([GOOD.encrypt])).replace('"v":1', '"v":1,"v":1');
    expect(codeOf(() => decodeTransitRequest("encrypt", utf8(text)))).toBe("request/malformed");
  });
});

describe("the path of a use", () => {
  it.each(TRANSIT_OPERATIONS)("ends in %s, and a key may be called like it", (operation) => {
    expect(parseTransitPath(`prod/cards/${operation}`)).toEqual({ path: "prod/cards", operation });
    expect(parseTransitPath(`${operation}/${operation}`)).toEqual({ path: operation, operation });
    expect(transitUrlPath("prod/cards", operation)).toBe(`/v1/transit/prod/cards/${operation}`);
  });

  it.each([
    "",
    "encrypt",
    "/encrypt",
    "a/../encrypt",
    "a//encrypt",
    "a/%62/encrypt",
    "attest/encrypt",
    "a/b",
  ])("is none: %j", (parameter) => {
    expect(parseTransitPath(parameter)).toBeUndefined();
  });

  it("is asked for under no path that would be another", () => {
    for (const path of ["a?b", "a#b", "../a", "a b", ""]) {
      expect(codeOf(() => transitUrlPath(path, "sign"))).toBe("request/malformed");
    }
  });
});

describe("results", () => {
  it("come back as they were, and in no other number", () => {
    const results = [new Uint8Array(0), Uint8Array.of(1, 2)];
    const bytes = encodeTransitResults(results);
    expect(parseTransitResults(bytes, 2)).toEqual(results);
    for (const count of [1, 3])
      expect(codeOf(() => parseTransitResults(bytes, count))).toBe("channel/bad-release");
  });
});
