/** Who asks the hardware for evidence? A provider: behind it a kernel interface, a vTPM, or the simulator. */
import type { CarriedEvidence } from "./evidence.ts";
import type { Credential } from "./tpm/make-credential.ts";

/** Two keys of one TPM, as the guest says. */
export interface VtpmKeys {
  /** TPMT_PUBLIC of the endorsement key. */
  readonly ek: Uint8Array;
  /** What the TPM calls the attestation key: 34 bytes. */
  readonly akName: Uint8Array;
}

/**
 * Where evidence comes from. Used behind a transcript that is made here, and nowhere else: whoever may have bytes of his
 * own choice signed can pass for any guest (PROTOCOL section 2, rule 6).
 */
export interface EvidenceProvider<Carried extends CarriedEvidence = CarriedEvidence> {
  readonly name: string;
  /** What `attest` gives. It decides the label of the transcript and so the binder (PROTOCOL sections 2 and 10). */
  readonly format: Carried["format"];
  /** The level at which reports are requested; it stands in the transcript. 0 in `azure-hcl` and `svsm`, where the guest is not who asks. */
  readonly vmpl: 0 | 1 | 2 | 3;
  /**
   * The keys of a vTPM that quotes beside the report, for which the verifier makes a credential together with its nonce; absent where
   * there is none to be made.
   *
   * @throws {@link Fault} `provider/unavailable`, `tpm/…`.
   */
  readonly vtpmKeys?: () => Promise<VtpmKeys>;
  /**
   * Has the binder signed.
   *
   * @param binder - The hash of a transcript: 64 bytes for `raw` and `svsm`, 32 for `azure-hcl`.
   * @param credential - For the keys of the vTPM, from whom the evidence is for; without one no vTPM is asked.
   * @throws {@link Fault} `provider/unavailable`.
   */
  readonly attest: (binder: Uint8Array, credential?: Credential) => Promise<Carried>;
}
