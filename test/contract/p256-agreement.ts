/** Can this runtime's WebCrypto do what suite 3 will need of it? ECDH P-256 against its Wycheproof file, whole. */
import { describe } from "vitest";
import { concatBytes, equalBytes, parseHex } from "../../src/base/bytes.ts";
import { bareKeyOf } from "../../src/base/spki.ts";
import { type Answer, hexField, itAnswersAll, type VectorText } from "../support/wycheproof.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };
const PKCS8 =
  parseHex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420") ?? new Uint8Array(0);

/** Keys come as the port's other keys do: one form of SubjectPublicKeyInfo, uncompressed, on the curve. */
const agrees: Answer = async (test) => {
  const spki = hexField(test, "public");
  const point = bareKeyOf("ecdsa-p256-sha256", spki);
  if (point === undefined) return false;
  const { subtle } = globalThis.crypto;
  const scalar = hexField(test, "private").slice(-32);
  const padded = concatBytes(new Uint8Array(32 - scalar.length), scalar);
  const own = await subtle.importKey("pkcs8", Uint8Array.from(concatBytes(PKCS8, padded)), P256, false, [
    "deriveBits",
  ]);
  try {
    const raw = Uint8Array.from(concatBytes(Uint8Array.of(4), point));
    const peer = await subtle.importKey("raw", raw, P256, false, []);
    const shared = new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: peer }, own, 256));
    return equalBytes(shared, hexField(test, "shared"));
  } catch {
    return false;
  }
};

export function describeP256Agreement(vector: VectorText): void {
  describe("WebCrypto's ECDH P-256, for suite 3", () => {
    itAnswersAll("ecdh_secp256r1_test", agrees, vector);
  });
}
