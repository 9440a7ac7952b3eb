/** Which keys does a guest make in an SVSM's vTPM? The endorsement key that the manifest names, and one that quotes: the same each time, from the TPM's seed. */
import { concatBytes, parseHex, u16be, u32be } from "../../base/bytes.ts";
import { sized } from "./command.ts";
import { OBJECT, TPM_ALG, TPM_ECC_NIST_P256 } from "./words.ts";

const NOTHING = new Uint8Array(0);
const OWN = OBJECT.fixedTpm | OBJECT.fixedParent | OBJECT.sensitiveDataOrigin | OBJECT.restricted;
/** TPM2_PolicySecret with the endorsement hierarchy's authorization: Policy A of TCG's profile. */
const POLICY_A = parseHex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa") ?? NOTHING;

/** TCG EK Credential Profile, template L-1: RSA of 2048 bits. An SVSM makes the key of its manifest from it. */
export const EK_TEMPLATE = concatBytes(
  u16be(TPM_ALG.rsa),
  u16be(TPM_ALG.sha256),
  u32be(OWN | OBJECT.adminWithPolicy | OBJECT.decrypt),
  sized(POLICY_A),
  u16be(TPM_ALG.aes),
  u16be(128),
  u16be(TPM_ALG.cfb),
  u16be(TPM_ALG.null),
  u16be(2048),
  u32be(0),
  sized(new Uint8Array(256)),
);

/** A restricted key on P-256, which a TPM makes in no time; its name is that of no other program's key. */
export const AK_TEMPLATE = concatBytes(
  u16be(TPM_ALG.ecc),
  u16be(TPM_ALG.sha256),
  u32be(OWN | OBJECT.userWithAuth | OBJECT.noDa | OBJECT.sign),
  sized(NOTHING),
  u16be(TPM_ALG.null),
  u16be(TPM_ALG.ecdsa),
  u16be(TPM_ALG.sha256),
  u16be(TPM_ECC_NIST_P256),
  u16be(TPM_ALG.null),
  sized(Uint8Array.from("ostiary", (letter) => letter.charCodeAt(0))),
  sized(NOTHING),
);
