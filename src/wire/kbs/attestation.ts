/** How is `POST /kbs/v0/attest` written? The body of protocol 0.4.0, and that of 0.2.0 which older guests send. */
import * as v from "valibot";
import type { CarriedEvidence } from "../../attestation/evidence.ts";
import type { KbsVersion } from "../../channel/kbs-binding.ts";
import type { KbsPublicKey } from "../../channel/kbs-key.ts";
import { decodeExact, REQUEST, type Reading } from "../codec.ts";
import { MAX_BODY_BYTES } from "../limits.ts";
import { kbsEvidenceField } from "./evidence.ts";

/** What a guest sends of itself. Nothing of it is believed. */
export interface KbsAttestation {
  /** The nonce as the guest repeats it; 0.2.0 does not. */
  readonly nonce?: string;
  /** Of the guest's key, exactly the members that came: they are hashed. */
  readonly teePubkey: KbsPublicKey;
  readonly evidence: CarriedEvidence;
  /** What further devices say, as one text: hashed, and not looked at. 0.2.0 has none. */
  readonly additionalEvidence?: string;
  /** The text whose digest HOST_DATA is to be. */
  readonly initData?: string;
}

const TEXT = v.pipe(v.string(), v.maxLength(MAX_BODY_BYTES));
const MAX_NONCE_LENGTH = 128;
const WORD = v.pipe(v.string(), v.regex(/^[\w+-]{1,32}$/));
const INTEGER = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,700}$/));

/** Which curves, algorithms and keys are taken is told by `kbsKeyOf`, with the reason. */
export const TEE_PUBKEY = v.variant("kty", [
  v.strictObject({ kty: v.literal("EC"), crv: WORD, alg: WORD, x: INTEGER, y: INTEGER }),
  v.strictObject({ kty: v.literal("RSA"), alg: WORD, n: INTEGER, e: INTEGER }),
]);

export const KBS_ATTESTATION = v.pipe(
  v.strictObject({
    "init-data": v.exactOptional(v.nullable(v.strictObject({ format: v.literal("toml"), body: TEXT }))),
    "runtime-data": v.strictObject({
      nonce: v.pipe(v.string(), v.maxLength(MAX_NONCE_LENGTH)),
      "tee-pubkey": TEE_PUBKEY,
    }),
    "tee-evidence": v.strictObject({ primary_evidence: kbsEvidenceField(), additional_evidence: TEXT }),
  }),
  v.transform((body): KbsAttestation => {
    const initData = body["init-data"]?.body;
    return {
      nonce: body["runtime-data"].nonce,
      teePubkey: body["runtime-data"]["tee-pubkey"],
      evidence: body["tee-evidence"].primary_evidence,
      additionalEvidence: body["tee-evidence"].additional_evidence,
      ...(initData === undefined ? {} : { initData }),
    };
  }),
);

const ATTESTATION_0_2 = v.pipe(
  v.strictObject({ "tee-pubkey": TEE_PUBKEY, "tee-evidence": kbsEvidenceField() }),
  v.transform(
    (body): KbsAttestation => ({
      teePubkey: body["tee-pubkey"],
      evidence: body["tee-evidence"],
    }),
  ),
);

const READING: Reading = { ...REQUEST, code: "evidence/malformed" };

/**
 * Reads the body of one protocol version.
 *
 * @throws {@link Fault} `evidence/malformed`, `request/too-large`; `endorsement/malformed` for a certificate in PEM that is none.
 */
export function decodeKbsAttestation(bytes: Uint8Array, version: KbsVersion): KbsAttestation {
  return decodeExact(version === "0.4.0" ? KBS_ATTESTATION : ATTESTATION_0_2, bytes, READING);
}
