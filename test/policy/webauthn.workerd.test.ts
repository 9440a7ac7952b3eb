/** Are assertions judged alike inside workerd? By WebCrypto there: the good one counts, and what is changed of it does not. */
import { describe, expect, it } from "vitest";
import { base64UrlOf, concatBytes, utf8 } from "../../src/base/bytes.ts";
import { derOfP1363 } from "../../src/base/ecdsa-signature.ts";
import { encodeAssertion, whyNotAsserted } from "../../src/policy/webauthn.ts";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";

const { subtle } = crypto;
const primitives = workerPrimitives(subtle);
const BYTES = utf8("what was signed");
const RP_ID = "broker.example";
const ORIGIN = "https://broker.example";

const sha256 = async (bytes: Uint8Array) =>
  new Uint8Array(await subtle.digest("SHA-256", new Uint8Array(bytes)));

const KINDS = {
  "P-256": {
    key: { name: "ECDSA", namedCurve: "P-256" },
    use: { name: "ECDSA", hash: "SHA-256" },
    encode: derOfP1363,
  },
  Ed25519: { key: { name: "Ed25519" }, use: { name: "Ed25519" }, encode: (bytes: Uint8Array) => bytes },
} as const;

async function assertedBy(kind: keyof typeof KINDS, flags: number) {
  const { key, use, encode } = KINDS[kind];
  const pair = await subtle.generateKey(key, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("a pair");
  const exported = await subtle.exportKey("spki", pair.publicKey);
  if (!(exported instanceof ArrayBuffer)) throw new Error("bytes");
  const challenge = base64UrlOf(await sha256(BYTES));
  const clientDataJSON = utf8(JSON.stringify({ type: "webauthn.get", challenge, origin: ORIGIN }));
  const authenticatorData = concatBytes(await sha256(utf8(RP_ID)), Uint8Array.of(flags, 0, 0, 0, 0));
  const signed = new Uint8Array(concatBytes(authenticatorData, await sha256(clientDataJSON)));
  const signature = encode(new Uint8Array(await subtle.sign(use, pair.privateKey, signed)));
  return {
    key: {
      spki: new Uint8Array(exported),
      webauthn: { id: new Uint8Array(16), rpId: RP_ID, origin: ORIGIN },
    },
    assertion: { authenticatorData, clientDataJSON, signature },
  };
}

describe("an assertion in workerd", () => {
  it.each(["P-256", "Ed25519"] as const)(
    "of %s counts, and not for other bytes or signatures",
    async (kind) => {
      const { key, assertion } = await assertedBy(kind, 0x05);
      const encoded = encodeAssertion(assertion);
      expect(await whyNotAsserted(BYTES, encoded, key, primitives)).toBeUndefined();
      expect(await whyNotAsserted(utf8("other"), encoded, key, primitives)).toMatch(/exactly these bytes/);
      const { assertion: other } = await assertedBy(kind, 0x05);
      const moved = encodeAssertion({ ...assertion, signature: other.signature });
      expect(await whyNotAsserted(BYTES, moved, key, primitives)).toMatch(/signature/);
    },
  );

  it("does not count without the person", async () => {
    const { key, assertion } = await assertedBy("P-256", 0x01);
    expect(await whyNotAsserted(BYTES, encodeAssertion(assertion), key, primitives)).toMatch(
      /whom the key knows/,
    );
  });
});
