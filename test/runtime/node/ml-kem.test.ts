/** Can Node do what suite 2 will need of it? ML-KEM-768 key generation and decapsulation, Wycheproof whole. */
import { createPrivateKey, createPublicKey, decapsulate } from "node:crypto";
import { equalBytes } from "../../../src/base/bytes.ts";
import { cryptoVector } from "../../support/crypto-vectors.ts";
import { type Answer, hexField, itAnswersAll } from "../../support/wycheproof.ts";

const opens: Answer = (test) => {
  const seed = Buffer.from(hexField(test, "seed"));
  try {
    const key = createPrivateKey({ key: seed, format: "raw-seed", asymmetricKeyType: "ml-kem-768" });
    const publicKey = createPublicKey(key).export({ format: "raw-public" });
    const isSameKey = test["ek"] === undefined || equalBytes(publicKey, hexField(test, "ek"));
    return isSameKey && equalBytes(decapsulate(key, hexField(test, "c")), hexField(test, "K"));
  } catch {
    return false;
  }
};

itAnswersAll("mlkem_768_test", opens, cryptoVector);
