/** Does a simulated vTPM quote as a real one does? OpenSSL's signature over the structure that the TCG describes. */
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, utf8 } from "../../src/base/bytes.ts";
import { spkiOf } from "../../src/base/spki.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedVtpm, generateAttestationKey } from "../../src/simulator/vtpm.ts";
import { AZURE_SAMPLES } from "../support/azure-vectors.ts";
import { itWithVectors } from "../support/shared-vectors.ts";

const KEY = generateAttestationKey();

describe("a simulated vTPM", () => {
  it("signs its quotes by the key whose modulus it names", () => {
    const vtpm = createSimulatedVtpm(KEY);
    const { quote, signature } = vtpm.quote({ qualifyingData: utf8("a nonce") });
    const spki = spkiOf("rsa-2048-pkcs1-sha256", vtpm.akModulus);
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    expect(verify("sha256", quote, key, signature)).toBe(true);
  });

  it("shows 24 registers, and digests them in their order", () => {
    const eleven = new Uint8Array(32).fill(0x11);
    const { quote, pcrs } = createSimulatedVtpm(KEY, { 11: eleven }).quote({ qualifyingData: utf8("n") });
    expect(pcrs).toHaveLength(24);
    expect(pcrs[11]).toEqual(eleven);
    expect(quote.slice(-32)).toEqual(nodePrimitives.digest("sha256", concatBytes(...pcrs)));
  });

  itWithVectors("lays a quote out as Azure's does, byte for byte where nothing is its own", () => {
    const real = AZURE_SAMPLES["evidence-v0.json"]?.();
    const { quote } = createSimulatedVtpm(KEY).quote({ qualifyingData: utf8("challenge") });
    expect(quote).toHaveLength(real?.quote.length ?? 0);
    const fixed = (bytes: Uint8Array): readonly string[] => [
      hexOf(bytes.slice(0, 10)), // magic, type, size and hash of the key's name
      hexOf(bytes.slice(42, 53)), // extraData
      hexOf(bytes.slice(70, 90)), // safe, firmware version, selection
      hexOf(bytes.slice(88, 90)),
    ];
    expect(fixed(quote)).toEqual(fixed(real?.quote ?? quote.slice(1)));
  });
});
