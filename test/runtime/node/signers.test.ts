/** Do the broker's own keys sign what the Primitives accept, and are other keys refused? */
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import {
  createEd25519Signer,
  createEs256Signer,
  generateEd25519Pem,
  generateEs256Pem,
  spkiOfPem,
} from "../../../src/runtime/node/signers.ts";

const message = utf8("to be signed");
const rows = [
  { kind: "ES256", create: createEs256Signer, generate: generateEs256Pem, scheme: "ecdsa-p256-sha256" },
  { kind: "Ed25519", create: createEd25519Signer, generate: generateEd25519Pem, scheme: "ed25519" },
] as const;

describe.each(rows)("a signer with $kind", ({ kind, create, generate, scheme }) => {
  it("signs what its public half verifies, in 64 bytes, every time", async () => {
    const pem = generate();
    const signer = create("key-1", pem);
    expect(signer).toMatchObject({ kid: "key-1", algorithm: kind });
    expect(signer.spki).toEqual(spkiOfPem(pem));
    for (let i = 0; i < 40; i += 1) {
      const signature = await signer.sign(message);
      expect(signature.length).toBe(64);
      expect(await nodePrimitives.verify(scheme, signer.spki, message, signature)).toBe(true);
    }
  });

  it("takes a key that is parsed already", async () => {
    const key = createPrivateKey(generate());
    const signer = create("key-1", key);
    expect(await nodePrimitives.verify(scheme, signer.spki, message, await signer.sign(message))).toBe(true);
  });

  const others = {
    "no PEM": "nothing of the kind",
    "an empty text": "",
    "a key of the other kind": kind === "ES256" ? generateEd25519Pem() : generateEs256Pem(),
    "a key on P-384": generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
    "an RSA key": generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    "a public key": generateKeyPairSync("ed25519").publicKey,
  };
  it.each(Object.entries(others))("refuses %s", (_name, key) => {
    expect(() => create("key-1", key)).toThrow(expect.objectContaining({ code: "config/invalid" }));
  });

  it("does not repeat a broken key in its refusal", () => {
    const broken = generate().replace("MI", "XX").replace("MC", "XX");
    const secretLine = broken.split("\n")[1] ?? "";
    try {
      create("key-1", broken);
      expect.unreachable();
    } catch (thrown) {
      expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toContain(secretLine);
    }
  });
});
