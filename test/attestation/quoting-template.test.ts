/** Which templates of attestation keys are taken? Those whose quotes a verifier knows, whatever lies behind them. */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { DER, leadingDer } from "../../src/attestation/endorsement/der.ts";
import { quotingTemplateIn } from "../../src/attestation/tpm/quoting-template.ts";
import { concatBytes, equalBytes, parseHex } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { codeOf } from "../support/faults.ts";

const hex = (text: string): Uint8Array => parseHex(text.replaceAll(" ", "")) ?? new Uint8Array(0);
/** By hand after TPM 2.0 Part 2, section 12.2.4: type, nameAlg, objectAttributes, authPolicy, symmetric, scheme, then what is the type's. */
const RSA = hex("0001 000b 00050472 0000 0010 0014 000b 0800 00000000 0000");
const P256 = hex("0023 000b 00050472 0000 0010 0018 000b 0003 0010 0002 aabb 0000");

describe("a template of an attestation key", () => {
  it.each([
    ["rsaSsa", RSA],
    ["ecdsa", P256],
  ] as const)("of %s is taken as it is, without what is behind it", (scheme, template) => {
    expect(quotingTemplateIn(template)).toEqual({ scheme, template });
    expect(quotingTemplateIn(concatBytes(template, new Uint8Array(40)))).toEqual({ scheme, template });
  });

  it.each([
    ["of a storage key", hex("0023 000b 00030472 0000 0006 0080 0043 0010 0003 0010 0000 0000")],
    ["of a symmetric key", hex("0008 000b 00050472 0000 0010 0000")],
    ["of RSA with 3072 bits", hex("0001 000b 00050472 0000 0010 0014 000b 0c00 00000000 0000")],
    ["on P-384", hex("0023 000b 00050472 0000 0010 0018 000b 0004 0010 0000 0000")],
    ["that is cut off", RSA.slice(0, -1)],
    ["with a number longer than what is there", P256.with(21, 9)],
    ["that is none", new Uint8Array(0)],
  ])("%s is refused", (_name, bytes) => {
    expect(codeOf(() => quotingTemplateIn(bytes))).toBe("tpm/malformed");
  });

  property.prop([fc.uint8Array({ maxLength: 80 })])("is read or refused, whatever its bytes", (bytes) => {
    try {
      const { template } = quotingTemplateIn(bytes);
      expect(equalBytes(template, bytes.slice(0, template.length))).toBe(true);
    } catch (thrown) {
      expect(isFault(thrown, "tpm/malformed")).toBe(true);
    }
  });
});

describe("the certificate that begins an index", () => {
  it("ends where it says", () => {
    const certificate = hex("3003 020105");
    for (const behind of [0, 1, 90]) {
      const bytes = concatBytes(certificate, new Uint8Array(behind).fill(0xff));
      expect(leadingDer(bytes, DER.sequence).whole).toEqual(certificate);
    }
  });

  it.each([
    ["nothing", ""],
    ["another element", "020105"],
    ["less than it says", "3004 020105"],
    ["a length that is not minimal", "308103 020105"],
  ])("is refused where there is %s", (_name, text) => {
    expect(codeOf(() => leadingDer(hex(text), DER.sequence))).toBe("endorsement/malformed");
  });
});
