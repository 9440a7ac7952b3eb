/** PROTOCOL sections 7 and 8: what is sealed with a secret, what the broker signs, and a strict reading of the header. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { isFault } from "../../src/base/fault.ts";
import { instant } from "../../src/base/time.ts";
import {
  encodeReleaseHeader,
  parseReleaseHeader,
  type ReleaseHeader,
  releaseInfo,
  releaseSignatureInput,
} from "../../src/channel/release-key.ts";
import { sessionSignatureInput } from "../../src/channel/session.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { bytesOf } from "../support/protocol-fields.ts";
import { protocolVectors } from "../support/protocol-vectors.ts";
import { itWithVectors } from "../support/shared-vectors.ts";

const HEADER: ReleaseHeader = {
  v: 1,
  typ: "ostiary-release+hpke",
  alg: "ES256",
  kid: "signing-1",
  suite: 1,
  binding: 3,
  secret_id: "prod/db/luks",
  key_version: 3,
  policy_hash: "ab".repeat(32),
  decision: "01JD0000000000000000000000",
  iat: instant(1_760_000_000),
  exp: instant(1_760_000_060),
  seq: 0,
  of: 1,
};

describe("the vectors", () => {
  itWithVectors("give info, the signed bytes and a header that reads and writes the same", () => {
    const { release, vectors } = protocolVectors();
    expect(release.length).toBeGreaterThan(0);
    for (const vector of release) {
      const binder = bytesOf(vectors.find(({ name }) => name === vector.reportDataOf)?.reportData ?? "");
      const aad = utf8(vector.header);
      expect(hexOf(releaseInfo(binder))).toBe(vector.info);
      const input = releaseSignatureInput({ binder, aad, enc: bytesOf(vector.enc), ct: bytesOf(vector.ct) });
      expect(hexOf(input)).toBe(vector.signatureInput);
      expect(hexOf(nodePrimitives.digest("sha256", input))).toBe(vector.signatureInputSha256);
      expect(encodeReleaseHeader(parseReleaseHeader(aad))).toEqual(aad);
    }
  });

  itWithVectors("give what an attested broker signs for a session", () => {
    const { session } = protocolVectors();
    expect(session.length).toBeGreaterThan(0);
    for (const vector of session) {
      const input = sessionSignatureInput({
        audience: vector.audience,
        guestNonce: bytesOf(vector.guestNonce),
        cb: bytesOf(vector.cb),
        leafSpki: bytesOf(vector.leafSpki),
      });
      expect(hexOf(input)).toBe(vector.signatureInput);
      expect(hexOf(nodePrimitives.digest("sha256", input))).toBe(vector.signatureInputSha256);
    }
  });
});

describe("a session", () => {
  it("refuses a guest nonce or an exporter of another size", () => {
    const fields = {
      audience: "https://broker.example",
      guestNonce: new Uint8Array(32),
      cb: new Uint8Array(0),
      leafSpki: new Uint8Array(0),
    };
    expect(codeOf(() => sessionSignatureInput(fields))).toBeUndefined();
    expect(codeOf(() => sessionSignatureInput({ ...fields, guestNonce: new Uint8Array(31) }))).toBe(
      "request/malformed",
    );
    expect(codeOf(() => sessionSignatureInput({ ...fields, cb: new Uint8Array(16) }))).toBe(
      "internal/invariant",
    );
  });
});

describe("a release header", () => {
  it("reads back as it was written", () => {
    const headers = fc.record({
      ...Object.fromEntries(Object.entries(HEADER).map(([name, value]) => [name, fc.constant(value)])),
      kid: fc.string({ minLength: 1, maxLength: 32, unit: fc.constantFrom("a", "é", "-", "9") }),
      suite: fc.constantFrom(1, 2),
      binding: fc.constantFrom(1, 2, 3),
      key_version: fc.maxSafeNat(),
      seq: fc.nat({ max: 15 }),
      of: fc.constant(16),
    });
    fc.assert(
      fc.property(headers, (changes) => {
        const header: ReleaseHeader = { ...HEADER, ...changes };
        expect(parseReleaseHeader(encodeReleaseHeader(header))).toEqual(header);
      }),
    );
  });

  const deviations: readonly { readonly name: string; readonly change: Record<string, unknown> }[] = [
    { name: "another version", change: { v: 2 } },
    { name: "another type", change: { typ: "ostiary-release+jwe" } },
    { name: "another algorithm", change: { alg: "none" } },
    { name: "no key name", change: { kid: "" } },
    { name: "a key name of 129 characters", change: { kid: "k".repeat(129) } },
    { name: "no wrap", change: { suite: 0 } },
    { name: "the JWE suite under the HPKE type", change: { suite: 3 } },
    { name: "a suite as text", change: { suite: "1" } },
    { name: "no binding", change: { binding: 0 } },
    { name: "an unknown binding", change: { binding: 4 } },
    { name: "an empty path", change: { secret_id: "" } },
    { name: "a path with a space", change: { secret_id: "a b" } },
    { name: "a path of 513 characters", change: { secret_id: "a".repeat(513) } },
    { name: "a version below zero", change: { key_version: -1 } },
    { name: "half a version", change: { key_version: 0.5 } },
    { name: "a policy hash in upper case", change: { policy_hash: "AB".repeat(32) } },
    { name: "a short policy hash", change: { policy_hash: "ab" } },
    { name: "no decision", change: { decision: "" } },
    { name: "a time before 1970", change: { iat: -1 } },
    { name: "a time after 9999", change: { exp: 253_402_300_800 } },
    { name: "a position that is not below the count", change: { seq: 1, of: 1 } },
    { name: "seventeen items", change: { of: 17 } },
    { name: "no items", change: { of: 0 } },
    { name: "a member more", change: { note: "hello" } },
    { name: "a member less", change: { exp: undefined } },
    { name: "a null member", change: { exp: null } },
  ];
  it.each(deviations)("is refused with $name", ({ change }) => {
    const bytes = utf8(JSON.stringify({ ...HEADER, ...change }));
    expect(codeOf(() => parseReleaseHeader(bytes))).toBe("channel/bad-release");
  });

  it.each([
    { name: "a list", text: "[]" },
    { name: "null", text: "null" },
    { name: "nothing", text: "" },
    { name: "a member twice", text: canonicalJson(HEADER).replace("{", '{"v":1,') },
    { name: "more than 4 KiB", text: `${" ".repeat(4096)}${canonicalJson(HEADER)}` },
    { name: "nesting", text: canonicalJson(HEADER).replace('"v":1', '"v":[[1]]') },
  ])("is refused when it is $name", ({ text }) => {
    expect(codeOf(() => parseReleaseHeader(utf8(text)))).toBe("channel/bad-release");
  });

  it("is refused with its own code whatever bytes come, and with any byte of a good one changed to nonsense", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(() => parseReleaseHeader(bytes))).toBe("channel/bad-release");
      }),
    );
    const good = encodeReleaseHeader(HEADER);
    for (let at = 0; at < good.length; at += 1) {
      const changed = good.map((byte, i) => (i === at ? 0xff : byte));
      expect(codeOf(() => parseReleaseHeader(changed))).toBe("channel/bad-release");
    }
    expect(isFault(undefined)).toBe(false);
  });
});

describe("what the broker signs", () => {
  it("tells apart every way to divide the same bytes into its parts", () => {
    const seen = new Set<string>();
    const bytes = Uint8Array.of(1, 2, 3);
    for (let a = 0; a <= 3; a += 1) {
      for (let b = a; b <= 3; b += 1) {
        const parts = {
          binder: new Uint8Array(64),
          aad: bytes.slice(0, a),
          enc: bytes.slice(a, b),
          ct: bytes.slice(b),
        };
        seen.add(hexOf(releaseSignatureInput(parts)));
      }
    }
    expect(seen.size).toBe(10);
  });

  it("differs for each exchange", () => {
    const one = releaseInfo(new Uint8Array(64));
    const other = releaseInfo(new Uint8Array(64).fill(1));
    expect(hexOf(one)).not.toBe(hexOf(other));
  });
});
