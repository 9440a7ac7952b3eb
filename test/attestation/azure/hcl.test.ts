/** Is the paravisor's blob read as it stands, and nothing that only looks like one? */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRuntimeClaims } from "../../../src/attestation/azure/claims.ts";
import { parseHclBlob } from "../../../src/attestation/azure/hcl.ts";
import { hexOf, utf8 } from "../../../src/base/bytes.ts";
import { bareKeyOf } from "../../../src/base/spki.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { azureHclBlob, type ParavisorPlan } from "../../../src/simulator/azure-hcl.ts";
import { createSimulatedChip } from "../../../src/simulator/sp.ts";
import { AZURE_SAMPLES } from "../../support/azure-vectors.ts";
import { codeOf } from "../../support/faults.ts";
import { itWithVectors, readVector } from "../../support/shared-vectors.ts";
import { simulatedRoot } from "../../support/simulated.ts";

const CHIP = createSimulatedChip(simulatedRoot("milan"));
const MODULUS = Uint8Array.from({ length: 256 }, (_, i) => (i % 2 === 0 ? 0xc1 : 0x35));
const REPORT_DATA_AT = 0x50;

function blobOf(plan: Partial<ParavisorPlan> = {}): Uint8Array {
  return azureHclBlob(CHIP, { akModulus: MODULUS, ...plan });
}

function claimsOf(claims: ParavisorPlan["claims"]): Uint8Array {
  return parseHclBlob(blobOf(claims === undefined ? {} : { claims })).claimsBytes;
}

describe("a blob of Azure's", () => {
  for (const [name, sampleOf] of Object.entries(AZURE_SAMPLES)) {
    itWithVectors(`in ${name} holds claims whose hash the report signs, and one attestation key`, () => {
      const { report, claimsBytes } = parseHclBlob(sampleOf().hcl);
      const reportData = report.slice(REPORT_DATA_AT, REPORT_DATA_AT + 64);
      expect(reportData.slice(0, 32)).toEqual(nodePrimitives.digest("sha256", claimsBytes));
      expect(reportData.slice(32)).toEqual(new Uint8Array(32));
      const { akSpki, paravisor } = parseRuntimeClaims(claimsBytes);
      expect(bareKeyOf("rsa-2048-pkcs1-sha256", akSpki)).toHaveLength(256);
      expect(paravisor).toMatchObject({ isSecureBoot: true, hasTpm: true, hasConsole: true });
    });
  }

  itWithVectors("of an older paravisor, which says of its key that it encrypts, is read as well", () => {
    const { claimsBytes } = parseHclBlob(readVector("azure/azure-cvm-tooling/hcl-report-snp.bin"));
    const modulus = bareKeyOf("rsa-2048-pkcs1-sha256", parseRuntimeClaims(claimsBytes).akSpki);
    expect(hexOf(modulus ?? claimsBytes)).toMatch(/^b58541a6000104e79d59dd923624fca3/);
  });

  itWithVectors("of a TDX guest is refused", () => {
    const blob = readVector("azure/azure-cvm-tooling/hcl-report-tdx.bin");
    expect(codeOf(() => parseHclBlob(blob))).toBe("evidence/malformed");
  });
});

describe("a simulated blob", () => {
  it("is laid out as Azure's are", () => {
    const { report, claimsBytes } = parseHclBlob(blobOf());
    expect(report.slice(REPORT_DATA_AT, REPORT_DATA_AT + 32)).toEqual(
      nodePrimitives.digest("sha256", claimsBytes),
    );
    const { akSpki, paravisor } = parseRuntimeClaims(claimsBytes);
    expect(bareKeyOf("rsa-2048-pkcs1-sha256", akSpki)).toEqual(MODULUS);
    expect(paravisor.isSecureBoot).toBe(true);
  });
});

describe("the blob's header", () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ["another signature", 0x000, 0x49],
    ["version 0", 0x004, 0],
    ["version 3", 0x004, 3],
    ["a size of the report that is not its own", 0x008, 0],
    ["another request type", 0x00c, 1],
    ["a status that is not zero", 0x010, 1],
    ["reserved bytes that are set", 0x014, 1],
    ["the last reserved byte set", 0x01f, 1],
    ["a size of the runtime data that is not its own", 0x4c0, 0],
    ["version 2 of the runtime data", 0x4c4, 2],
    ["the report type of VBS", 0x4c8, 1],
    ["the report type of a VM that no hardware vouches for", 0x4c8, 3],
    ["the report type of TDX", 0x4c8, 4],
    ["the hash type of SHA-384", 0x4cc, 2],
    ["the hash type of SHA-512", 0x4cc, 3],
    ["claims that are longer than the blob", 0x4d1, 0x0a],
    ["claims of more than a megabyte", 0x4d2, 0xff],
    ["a byte after the claims", 2599, 1],
  ];
  it.each(rows)("is refused with %s", (_name, at, byte) => {
    const patch = (blob: Uint8Array): void => void blob.fill(byte, at, at + 1);
    expect(codeOf(() => parseHclBlob(blobOf({ patch })))).toBe("evidence/malformed");
  });

  it("is refused where anything of the blob is missing", () => {
    const whole = blobOf();
    for (const size of [0, 3, 0x1f, 0x20, 0x4bf, 0x4d3, 0x4d4, 0x500]) {
      expect(
        codeOf(() => parseHclBlob(whole.slice(0, size))),
        String(size),
      ).toBe("evidence/malformed");
    }
  });

  it("is refused in a blob of more than 4 KiB", () => {
    const long = new Uint8Array(4097);
    long.set(blobOf());
    expect(codeOf(() => parseHclBlob(long))).toBe("evidence/malformed");
    expect(codeOf(() => parseHclBlob(long.slice(0, 4096)))).toBeUndefined();
  });
});

describe("runtime claims", () => {
  const withoutKey: readonly (readonly [string, NonNullable<ParavisorPlan["claims"]>])[] = [
    ["no JSON", () => "HCLAkPub"],
    ["a list", (text) => `[${text}]`],
    ["bytes that are no UTF-8", (text) => Uint8Array.of(...utf8(text), 0xff)],
    ["a byte order mark", (text) => Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8(text))],
    ["text after the object", (text) => `${text}{}`],
    ["a member twice", (text) => text.replace('"vm-configuration"', '"keys":[],"vm-configuration"')],
    ["a member of a key twice", (text) => text.replace('"kty":"RSA"', '"kty":"RSA","kty":"RSA"')],
    [
      "a member twice, once with an escape",
      (text) => text.replace('"kty":"RSA"', '"kty":"RSA","\\u006bty":"RSA"'),
    ],
    ["nesting without an end", () => `${"[".repeat(1000)}${"]".repeat(1000)}`],
    ["no keys", (text) => text.replace('"keys"', '"locks"')],
    ["keys that are no list", (text) => text.replace(/"keys":\[.*?\]/, '"keys":{}')],
    ["no key of that name", (text) => text.replace("HCLAkPub", "HCLAkPriv")],
    ["two keys of that name", (text) => text.replace("HCLEkPub", "HCLAkPub")],
    ["a key of another type", (text) => text.replace('"kty":"RSA"', '"kty":"EC"')],
    ["the exponent 3", (text) => text.replace('"e":"AQAB"', '"e":"Aw"')],
    ["the exponent as little-endian", (text) => text.replace('"e":"AQAB"', '"e":"AQAA"')],
    ["a modulus with padding", (text) => text.replace(/("n":"[\w-]+)"/, '$1=="')],
    ["no modulus", (text) => text.replace(/,"n":"[\w-]+"/, "")],
    ["a modulus that is a number", (text) => text.replace(/"n":"[\w-]+"/, '"n":5')],
  ];
  it.each(withoutKey)("name no attestation key: %s", (_name, claims) => {
    expect(codeOf(() => parseRuntimeClaims(claimsOf(claims)))).toBe("evidence/ak-missing");
  });

  it.each([
    ["is even", MODULUS.with(255, 0x34)],
    ["has its top bit clear", MODULUS.with(0, 0x7f)],
    ["has 255 bytes", new Uint8Array(255).fill(0xc1)],
    ["has 257 bytes", new Uint8Array(257).fill(0xc1)],
    ["has none", new Uint8Array(0)],
  ])("name no attestation key: a modulus that %s", (_name, akModulus) => {
    const { claimsBytes } = parseHclBlob(blobOf({ akModulus }));
    expect(codeOf(() => parseRuntimeClaims(claimsBytes))).toBe("evidence/ak-missing");
  });

  const malformed: readonly (readonly [string, NonNullable<ParavisorPlan["claims"]>])[] = [
    ["no configuration", (text) => text.replace('"vm-configuration"', '"vm"')],
    ["a flag in words", (text) => text.replace('"secure-boot":true', '"secure-boot":"true"')],
    ["a flag as a number", (text) => text.replace('"tpm-enabled":true', '"tpm-enabled":1')],
    ["an id that is no text", (text) => text.replace(/"vmUniqueId":"[\w-]+"/, '"vmUniqueId":[]')],
    ["user data that is no hex", (text) => text.replace("0".repeat(128), "x".repeat(128))],
    ["user data of 63 bytes", (text) => text.replace("0".repeat(128), "0".repeat(126))],
  ];
  it.each(malformed)("are refused with %s", (_name, claims) => {
    expect(codeOf(() => parseRuntimeClaims(claimsOf(claims)))).toBe("evidence/malformed");
  });

  it("are read whatever else a newer paravisor says, and whatever order it says it in", () => {
    const claims = claimsOf((text) => text.replace('{"keys":[', '{"new":{"a":[1]},"keys":[{"kid":"Other"},'));
    expect(bareKeyOf("rsa-2048-pkcs1-sha256", parseRuntimeClaims(claims).akSpki)).toEqual(MODULUS);
  });

  it("say nothing of what the paravisor leaves out", () => {
    const claims = claimsOf((text) => text.replace(/"vm-configuration":\{.*?\}/, '"vm-configuration":{}'));
    expect(parseRuntimeClaims(claims).paravisor).toEqual({});
  });

  it("end in a fault or in a key, whatever the bytes are", () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(utf8));
    fc.assert(
      fc.property(bytes, (any) => {
        expect(codeOf(() => parseRuntimeClaims(any))).toMatch(/^evidence\/(ak-missing|malformed)$/);
        expect(codeOf(() => parseHclBlob(any))).toBe("evidence/malformed");
      }),
      { numRuns: 200 },
    );
  });
});
