/** Is what a KBS guest's hardware has to sign what the protocol says? Hashes that another tool computed of its text. */
import { describe, expect, it } from "vitest";
import { hexOf, parseHex } from "../../src/base/bytes.ts";
import { canonicalJsonBytes } from "../../src/base/canonical-json.ts";
import { isKbsInitData, type KbsRuntimeData, kbsBinder } from "../../src/channel/kbs-binding.ts";
import type { KbsPublicKey } from "../../src/channel/kbs-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const KEY: KbsPublicKey = {
  kty: "EC",
  crv: "P-256",
  alg: "ECDH-ES+A256KW",
  x: "A".repeat(43),
  y: "B".repeat(43),
};
const DATA: KbsRuntimeData = { nonce: "bm9uY2U=", teePubkey: KEY, additionalEvidence: "" };

/** SHA-384 by Python's hashlib of its own sorted, compact JSON. */
const HASHED = {
  "0.4.0": "4282c5aa19f11a5898d7f37e12cb2b09301f07a77562a4da1fb7844a5acd6eac9b684c07d02e06f3f1ab7b47d562dc79",
  "0.2.0": "12caa85c5d2d3bde72d4e320364a816471d35ba699306943c3f581c9aabdaf53d2e3c1d01411c196efbe58bdb93adc19",
};
const WITH_DEVICES =
  "ea539e1a2c62c63b5e5c4f3cd2648857b9a7e975f4c5636cb2133867208fa6bf8e75f73f8484797a605516ca6dcb999d";

const binderOf = (
  version: "0.2.0" | "0.4.0",
  data: KbsRuntimeData,
  format: "raw" | "azure-hcl" = "azure-hcl",
) => hexOf(kbsBinder(version, data, format, nodePrimitives));

describe("what binds evidence to a KBS conversation", () => {
  it("hashes canonical JSON as the protocol's check value does", () => {
    const hash = nodePrimitives.digest("sha384", canonicalJsonBytes({ b: 1, a: "test", c: { d: "e" } }));
    expect(hexOf(hash)).toMatch(/^e71ce8e7.*8870c3$/);
  });

  it("is SHA-384 of nonce, key and further devices in 0.4.0, of nonce and key in 0.2.0", () => {
    expect(binderOf("0.4.0", DATA)).toBe(HASHED["0.4.0"]);
    expect(binderOf("0.2.0", DATA)).toBe(HASHED["0.2.0"]);
    expect(binderOf("0.4.0", { ...DATA, additionalEvidence: '{"nvidia":{}}' })).toBe(WITH_DEVICES);
  });

  it("fills REPORT_DATA up with zeroes, and a quote's qualifying data not", () => {
    expect(binderOf("0.4.0", DATA, "raw")).toBe(HASHED["0.4.0"] + "00".repeat(16));
  });

  it("depends on every member of the key, the algorithm too", () => {
    const changes = [{ alg: "ECDH-ES" }, { crv: "P-521" }, { x: "C".repeat(43) }, { y: "C".repeat(43) }];
    const others = changes.map((change) => binderOf("0.4.0", { ...DATA, teePubkey: { ...KEY, ...change } }));
    const more = [binderOf("0.4.0", { ...DATA, nonce: "bm9uY2V=" }), HASHED["0.4.0"], HASHED["0.2.0"]];
    expect(new Set([...others, ...more]).size).toBe(7);
  });

  it("does not depend on the order in which the members came", () => {
    const turned: KbsPublicKey = {
      y: KEY.kty === "EC" ? KEY.y : "",
      x: "A".repeat(43),
      alg: KEY.alg,
      crv: "P-256",
      kty: "EC",
    };
    expect(binderOf("0.4.0", { ...DATA, teePubkey: turned })).toBe(HASHED["0.4.0"]);
  });
});

describe("init-data", () => {
  const TEXT = 'algorithm = "sha384"\nversion = "0.1.0"\n\n[data]\n';
  /** By Python's hashlib: SHA-256, and the first 32 bytes of SHA-384 and SHA-512. */
  const HOST_DATA = {
    sha256: "b48d6b94867db18669143188b4e9fd531978e1d01e7398671081a40ceb1dad0f",
    sha384: "fbc7001483d5457110a2e37e6d1b44845466383778c598aeedb64ab213f64eac",
    sha512: "93599d7219412ca382339671e9427ada59ceb957a2c826e1d973e46dc19d23fc",
  };
  const isOver = (hostData: Uint8Array, text = TEXT) => isKbsInitData(hostData, text, nodePrimitives);
  const bytes = (hex: string) => parseHex(hex) ?? new Uint8Array(0);

  it.each(Object.entries(HOST_DATA))("is the guest's where HOST_DATA is its %s", (_hash, hostData) => {
    expect(isOver(bytes(hostData))).toBe(true);
    expect(isOver(bytes(hostData), `${TEXT} `)).toBe(false);
    for (let at = 0; at < 32; at += 1) {
      const bent = bytes(hostData);
      expect(isOver(bent.with(at, (bent[at] ?? 0) ^ 1))).toBe(false);
    }
  });

  it("is nobody's where HOST_DATA is zero, shorter, or the text is none", () => {
    expect(isOver(new Uint8Array(32))).toBe(false);
    expect(isOver(bytes(HOST_DATA.sha256).slice(0, 31))).toBe(false);
    expect(isOver(new Uint8Array(32), "\ud800")).toBe(false);
  });
});
