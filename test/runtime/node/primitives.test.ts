/** Do Node's Primitives keep the contract, and do the Worker's and noble's keep it here too? */
import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { spkiOf } from "../../../src/base/spki.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { workerPrimitives } from "../../../src/runtime/workers/primitives.ts";
import { describeP256Agreement } from "../../contract/p256-agreement.ts";
import { describePrimitives } from "../../contract/primitives.ts";
import { cryptoVector as vector } from "../../support/crypto-vectors.ts";
import { noblePrimitives } from "../../support/noble-primitives.ts";

describePrimitives({ name: "node", primitives: nodePrimitives, hasRsa: true, vector });
describePrimitives({
  name: "the Worker's WebCrypto as Node has it",
  primitives: workerPrimitives(crypto.subtle),
  hasRsa: true,
  vector,
});
describePrimitives({ name: "noble", primitives: noblePrimitives, hasRsa: false, vector });
describeP256Agreement(vector);

describe("keys that Node keeps parsed", () => {
  it("stay right when many more have been seen than are kept", async () => {
    const message = Uint8Array.of(1, 2, 3);
    const first = ed25519.keygen();
    const signature = ed25519.sign(message, first.secretKey);
    const spki = spkiOf("ed25519", first.publicKey);
    for (let i = 0; i < 600; i += 1) {
      const other = new Uint8Array(32).fill(i & 255);
      other[31] = i >> 8;
      expect(await nodePrimitives.verify("ed25519", spkiOf("ed25519", other), message, signature)).toBe(
        false,
      );
    }
    expect(await nodePrimitives.verify("ed25519", spki, message, signature)).toBe(true);
  });
});
