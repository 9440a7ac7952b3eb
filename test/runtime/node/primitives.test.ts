/** Do Node's Primitives keep the contract, and do the Worker's and noble's keep it here too? */
import { spawnSync } from "node:child_process";
import { constants, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { spkiOf } from "../../../src/base/spki.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { workerPrimitives } from "../../../src/runtime/workers/primitives.ts";
import { describeCredential } from "../../contract/credential.ts";
import { describePrimitives, type PrimitivesUnderTest } from "../../contract/primitives.ts";
import { describeSigning } from "../../contract/signing.ts";
import { cryptoVector as vector } from "../../support/crypto-vectors.ts";
import { noblePrimitives } from "../../support/noble-primitives.ts";

const SUBJECTS: readonly PrimitivesUnderTest[] = [
  { name: "node", primitives: nodePrimitives, hasRsa: true, vector },
  {
    name: "the Worker's WebCrypto as Node has it",
    primitives: workerPrimitives(crypto.subtle),
    hasRsa: true,
    vector,
  },
  { name: "noble", primitives: noblePrimitives, hasRsa: false, vector },
];

for (const subject of SUBJECTS) {
  describePrimitives(subject);
  describeSigning(subject);
  if (subject.hasRsa) describeCredential(subject);
}

describe.each([
  { name: "node", primitives: nodePrimitives },
  { name: "the Worker's WebCrypto as Node has it", primitives: workerPrimitives(crypto.subtle) },
])("RSA-PSS on $name", ({ primitives }) => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 4096 });
  const spki = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
  const message = Uint8Array.of(1, 2, 3);
  const pss = (hash: string, saltLength: number) =>
    sign(hash, message, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

  it.each([
    ["SHA-384 and a salt of 48 bytes", true, pss("sha384", 48)],
    ["a salt of 32 bytes", false, pss("sha384", 32)],
    ["no salt", false, pss("sha384", 0)],
    ["the longest salt", false, pss("sha384", 462)],
    ["SHA-256", false, pss("sha256", 48)],
    ["SHA-512", false, pss("sha512", 48)],
    ["PKCS #1 v1.5", false, sign("sha384", message, privateKey)],
  ])("with %s is accepted: %s", async (_name, isAccepted, signature) => {
    expect(await primitives.verify("rsa-pss-sha384", spki, message, signature)).toBe(isAccepted);
  });
});

describe("RS256", () => {
  it("is the same to the byte on Node, in a Worker, and as openssl makes it", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
    const pkcs8 = Uint8Array.from(privateKey.export({ format: "der", type: "pkcs8" }));
    const message = Uint8Array.of(1, 2, 3);
    const made = await nodePrimitives.sign("rsa-3072-pkcs1-sha256", pkcs8, message);
    const web = workerPrimitives(crypto.subtle);
    expect(await web.sign("rsa-3072-pkcs1-sha256", pkcs8, message)).toEqual(made);
    const folder = mkdtempSync(join(tmpdir(), "ostiary-rs256-"));
    writeFileSync(join(folder, "key.pem"), privateKey.export({ format: "pem", type: "pkcs8" }));
    const args = ["dgst", "-sha256", "-sign", join(folder, "key.pem")];
    const { stdout } = spawnSync("openssl", args, { input: message });
    rmSync(folder, { recursive: true });
    expect(made).toEqual(Uint8Array.from(stdout));
  });
});

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
