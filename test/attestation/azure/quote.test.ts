/** Does a quote count only for its key, its type, its one selection and the values beside it? Real quotes, then every deviation. */
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRuntimeClaims } from "../../../src/attestation/azure/claims.ts";
import { parseHclBlob } from "../../../src/attestation/azure/hcl.ts";
import { parseQuoteAttest } from "../../../src/attestation/tpm/attest.ts";
import { bitsOf } from "../../../src/attestation/tpm/pcrs.ts";
import { type CarriedQuote, parseQuote, verifyQuote } from "../../../src/attestation/tpm/quote.ts";
import { TPM_ALG } from "../../../src/attestation/tpm/words.ts";
import { concatBytes, hexOf, utf8 } from "../../../src/base/bytes.ts";
import { spkiOf } from "../../../src/base/spki.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { createSimulatedVtpm, generateAttestationKey, type QuotePlan } from "../../../src/simulator/vtpm.ts";
import { AZURE_SAMPLES, type AzureSample } from "../../support/azure-vectors.ts";
import { codeOf, codeOfPromise } from "../../support/faults.ts";
import { itWithVectors, readVector } from "../../support/shared-vectors.ts";

const VTPM = createSimulatedVtpm(generateAttestationKey());
const SPKI = spkiOf("rsa-2048-pkcs1-sha256", VTPM.akModulus);
const NONCE = utf8("the binder of this exchange: 32b");
/** After magic, type, the key's name, the nonce, and clock, resets and restarts. */
const SAFE_AT = 4 + 2 + (2 + 34) + (2 + NONCE.length) + 16;
const ALL = bitsOf(Array.from({ length: 24 }, (_, pcr) => pcr));
const SHA256 = { bank: TPM_ALG.sha256, bits: ALL };
const SHA1_BANK = 0x0004;

function quoted(plan: Partial<QuotePlan> = {}): CarriedQuote {
  return VTPM.quote({ qualifyingData: NONCE, ...plan });
}

/** What reading and then verifying ends in. */
async function outcome(carried: CarriedQuote, spki = SPKI): Promise<string | undefined> {
  return codeOfPromise(Promise.resolve().then(() => verifyQuote(parseQuote(carried), spki, nodePrimitives)));
}

function akOf({ hcl }: AzureSample): Uint8Array {
  return parseRuntimeClaims(parseHclBlob(hcl).claimsBytes).akSpki;
}

describe("a quote of a real VM of Azure's", () => {
  for (const [name, sampleOf] of Object.entries(AZURE_SAMPLES)) {
    itWithVectors(`in ${name} is of the key in the claims, over its nonce and these registers`, async () => {
      const sample = sampleOf();
      const { attest, pcrs } = parseQuote(sample);
      expect(attest.extraData).toEqual(sample.nonce);
      expect(hexOf(pcrs[0] ?? NONCE)).toBe(sample.pcr0);
      expect(await outcome(sample, akOf(sample))).toBeUndefined();
    });

    itWithVectors(`in ${name} is not of another VM's key`, async () => {
      const others = Object.entries(AZURE_SAMPLES).filter(([other]) => other !== name);
      const sample = sampleOf();
      const keys = others.map(([, of]) => akOf(of())).filter((key) => hexOf(key) !== hexOf(akOf(sample)));
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys) expect(await outcome(sample, key)).toBe("evidence/quote-signature");
    });
  }

  itWithVectors("that Azure's own tools made is read from their file", async () => {
    const bytes = readVector("azure/azure-cvm-tooling/quote.bin"); // lengths of 8 bytes: signature, message, 24 values
    const message = bytes.slice(8 + 256 + 8, 8 + 256 + 8 + 122);
    const from = 8 + 256 + 8 + 122 + 8;
    const pcrs = Array.from({ length: 24 }, (_, i) => bytes.slice(from + 32 * i, from + 32 * (i + 1)));
    const pem = new TextDecoder().decode(readVector("azure/azure-cvm-tooling/akpub.pem"));
    const key = Uint8Array.from(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64"));
    const carried = { quote: message, signature: bytes.slice(8, 8 + 256), pcrs };
    expect(new TextDecoder().decode(parseQuote(carried).attest.extraData)).toBe("challenge");
    expect(await outcome(carried, key)).toBeUndefined();
  });
});

describe("a quote", () => {
  it("passes without a deviation", async () => {
    expect(await outcome(quoted())).toBeUndefined();
  });

  const deviations: readonly (readonly [string, Partial<QuotePlan>, string])[] = [
    ["of another magic", { magic: 0xff544346 }, "evidence/quote-type"],
    ["that certifies a key", { type: 0x8017 }, "evidence/quote-type"],
    ["that tells the time", { type: 0x8019 }, "evidence/quote-type"],
    ["that certifies an NV index", { type: 0x8014 }, "evidence/quote-type"],
    ["of no bank", { selections: [] }, "evidence/quote-selection"],
    ["of the SHA-1 bank", { selections: [{ bank: SHA1_BANK, bits: ALL }] }, "evidence/quote-selection"],
    ["of one bank twice", { selections: [SHA256, SHA256] }, "evidence/quote-selection"],
    ["of two banks", { selections: [{ bank: SHA1_BANK, bits: ALL }, SHA256] }, "evidence/quote-selection"],
    [
      "of an empty second selection",
      { selections: [SHA256, { ...SHA256, bits: bitsOf([]) }] },
      "evidence/quote-selection",
    ],
    [
      "without PCR 23",
      { selections: [{ ...SHA256, bits: Uint8Array.of(0xff, 0xff, 0x7f) }] },
      "evidence/quote-selection",
    ],
    ["of PCR 11 alone", { selections: [{ ...SHA256, bits: bitsOf([11]) }] }, "evidence/quote-selection"],
    [
      "of a mask of two bytes",
      { selections: [{ ...SHA256, bits: ALL.slice(1) }] },
      "evidence/quote-selection",
    ],
    [
      "of a mask of four bytes",
      { selections: [{ ...SHA256, bits: concatBytes(ALL, Uint8Array.of(0)) }] },
      "evidence/quote-selection",
    ],
    [
      "of seventeen selections",
      { selections: Array.from({ length: 17 }, () => SHA256) },
      "evidence/malformed",
    ],
    [
      "with bytes after it",
      { patchBefore: (attest) => concatBytes(attest, Uint8Array.of(0)) },
      "evidence/malformed",
    ],
    ["that lacks its last byte", { patchBefore: (attest) => attest.slice(0, -1) }, "evidence/malformed"],
    [
      "in a TPM2B_ATTEST",
      { patchBefore: (attest) => concatBytes(Uint8Array.of(0, attest.length), attest) },
      "evidence/quote-type",
    ],
    ["whose clock is neither safe nor not", { patchBefore: patched(SAFE_AT, 2) }, "evidence/malformed"],
    ["of registers in another order", { digested: [...quoted().pcrs].reverse() }, "evidence/quote-digest"],
    ["of some of the registers", { digested: quoted().pcrs.slice(0, 12) }, "evidence/quote-digest"],
  ];
  it.each(deviations)("%s is refused", async (_name, plan, code) => {
    expect(await outcome(quoted(plan))).toBe(code);
  });

  it("with a value that was not quoted is refused, whichever it is", async () => {
    const good = quoted();
    for (let at = 0; at < 24; at += 1) {
      const pcrs = good.pcrs.map((value, pcr) => (pcr === at ? new Uint8Array(32).fill(0xee) : value));
      expect(await outcome({ ...good, pcrs })).toBe("evidence/quote-digest");
    }
  });

  it("with other than 24 values of 32 bytes is refused", async () => {
    const good = quoted();
    const [first = NONCE, ...rest] = good.pcrs;
    const lists = [
      rest,
      [...good.pcrs, first],
      [first.slice(1), ...rest],
      [concatBytes(first, Uint8Array.of(0)), ...rest],
    ];
    for (const pcrs of lists) expect(await outcome({ ...good, pcrs })).toBe("evidence/malformed");
  });

  it("of a key of another size, or under its padding for PSS, is refused", async () => {
    const good = quoted();
    const longer = generateKeyPairSync("rsa", { modulusLength: 3072 }).publicKey;
    const spki = Uint8Array.from(longer.export({ type: "spki", format: "der" }));
    expect(await outcome(good, spki)).toBe("evidence/quote-signature");
    for (const signature of [
      good.signature.slice(1),
      new Uint8Array(256),
      concatBytes(good.signature, Uint8Array.of(0)),
    ]) {
      expect(await outcome({ ...good, signature })).toBe("evidence/quote-signature");
    }
  });

  it("is not believed with any byte of it or of its signature flipped", async () => {
    const good = quoted();
    const flipped = (bytes: Uint8Array, at: number) =>
      bytes.map((byte, i) => (i === at ? byte ^ 0x40 : byte));
    for (let at = 0; at < good.quote.length; at += 1) {
      const code = await outcome({ ...good, quote: flipped(good.quote, at) });
      expect(code, `quote ${at}`).toMatch(/^evidence\/(quote-(type|signature)|malformed)$/);
    }
    for (let at = 0; at < 256; at += 1) {
      expect(await outcome({ ...good, signature: flipped(good.signature, at) }), `signature ${at}`).toBe(
        "evidence/quote-signature",
      );
    }
  });

  it("ends in a fault or is one, whatever the bytes are", () => {
    const good = quoted().quote;
    const cut = fc
      .tuple(fc.nat({ max: good.length }), fc.uint8Array({ maxLength: 40 }))
      .map(([at, tail]) => concatBytes(good.slice(0, at), tail));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), cut), (bytes) => {
        expect(codeOf(() => parseQuoteAttest(bytes)) ?? "read").toMatch(
          /^(evidence\/(quote-type|malformed)|read)$/,
        );
      }),
      { numRuns: 300 },
    );
  });
});

function patched(at: number, byte: number) {
  return (attest: Uint8Array): Uint8Array => attest.map((old, i) => (i === at ? byte : old));
}
