/** What must AES-GCM-SIV do on every runtime? Its Wycheproof file, whole, both ways. */
import { describe } from "vitest";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { sivOpen, sivSeal } from "../../src/keys/siv.ts";
import { type Answer, hexField, itAnswersAll, type VectorText } from "../support/wycheproof.ts";

const sealsAndOpens: Answer = (test) => {
  const [key, nonce, aad] = [hexField(test, "key"), hexField(test, "iv"), hexField(test, "aad")];
  const plaintext = hexField(test, "msg");
  const sealed = concatBytes(hexField(test, "ct"), hexField(test, "tag"));
  try {
    const opened = sivOpen(key, nonce, aad, sealed);
    return (
      opened !== undefined &&
      equalBytes(opened, plaintext) &&
      equalBytes(sivSeal(key, nonce, aad, plaintext), sealed)
    );
  } catch (thrown) {
    if (nonce.length !== 12) return false;
    throw thrown;
  }
};

export function describeSiv(vector: VectorText): void {
  describe("AES-GCM-SIV against Wycheproof", () => {
    itAnswersAll("aes_gcm_siv_test", sealsAndOpens, vector);
  });
}
