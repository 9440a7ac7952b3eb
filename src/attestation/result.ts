/** What do we say of a guest to others? An attestation result in the shape of EAR (draft-ietf-rats-ear-04); signing is elsewhere. */
import type { JsonObject } from "../base/canonical-json.ts";
import type { EndorsementKind } from "./endorsement/profile.ts";

/** The profile that this revision of the draft names; changed only together with a version of ours. */
const EAR_PROFILE = "tag:ietf.org,2026:rats/ear#04";
/** Who appraised. */
export const VERIFIER = { developer: "https://ostiary.dev", build: "ostiary 0.1.0" };

/** AR4SI claims (draft-ietf-rats-ar4si): 2 and 3 affirm, 32 warns. */
const RECOGNISED = 2;
const APPROVED_AT_BOOT = 3;
const APPROVED_WITH_CAVEAT = 32;

export interface Opinion {
  /** `warning` where a retiring reference value carried the allow. A refusal is no result. */
  readonly status: "affirming" | "warning";
  /** Digest of the bundle that was appraised. */
  readonly policyId: string;
}

/**
 * The claims of an attestation result: profile, verifier, and one submodule `snp`.
 *
 * @param endorsed - By what AMD vouches for the evidence that was verified.
 */
export function attestationResultOf(endorsed: EndorsementKind, opinion: Opinion): JsonObject {
  return {
    eat_profile: EAR_PROFILE,
    ear_status: opinion.status,
    ear_verifier_id: VERIFIER,
    submods: {
      snp: {
        ear_status: opinion.status,
        ear_trustworthiness_vector: trustVectorOf(endorsed, opinion.status),
        ear_appraisal_policy_ids: [`urn:ostiary:bundle:${opinion.policyId}`],
      },
    },
  };
}

/** What is said of each property (draft-ietf-rats-ar4si). */
export function trustVectorOf(endorsed: EndorsementKind, status: Opinion["status"]): JsonObject {
  return {
    ...(endorsed === "vcek" ? { "instance-identity": RECOGNISED } : {}),
    configuration: RECOGNISED,
    executables: status === "warning" ? APPROVED_WITH_CAVEAT : APPROVED_AT_BOOT,
    hardware: RECOGNISED,
    "runtime-opaque": RECOGNISED,
  };
}
