/** What does a token of the KBS exchange say? An EAR in the profile of Trustee, with the claims that its consumers read (kbs-protocol). */

import { trustVectorOf, VERIFIER } from "../../attestation/result.ts";
import type { Report } from "../../attestation/snp/report.ts";
import { base64Of, base64UrlOf, hexOf } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import type { Instant } from "../../base/time.ts";
import type { BoundEvidence } from "../../channel/bind.ts";
import type { BindingTranscript } from "../../channel/transcript.ts";
import type { KbsAttestation } from "../../wire/kbs/attestation.ts";
import { kbsAudienceOf } from "../../wire/kbs/token.ts";
import { MAX_TOKEN_LENGTH } from "../../wire/token.ts";
import type { AuthorizedItem } from "../commit.ts";
import type { Judged } from "../decide.ts";
import { evidenceMarkOf } from "../evidence-term.ts";
import { exchangeOf, jwkOf, signedJws } from "../tokens.ts";
import type { World } from "../world.ts";
import type { InitData } from "./init-data.ts";

const PROFILE = "tag:github.com,2024:confidential-containers/Trustee";

/** A decision that allowed, and what its guest said of itself. */
export interface KbsTokenPlan {
  readonly judged: Judged<BindingTranscript>;
  readonly item: AuthorizedItem;
  readonly attestation: KbsAttestation;
  readonly initData: InitData | undefined;
  readonly expiresAt: Instant;
}

/**
 * Issues the token, by the key that signs all tokens. Its audience is `/kbs/v0` of this broker, so that no other door takes it.
 *
 * @throws {@link Fault} `kek/unavailable`, `store/unavailable` where the signing key cannot be had.
 */
export async function issueKbsToken(plan: KbsTokenPlan, world: World): Promise<string> {
  const { current } = await world.tokenKeys.keys();
  const { kid, spki } = current.signer;
  const header = { alg: "ES256", jwk: { alg: "ES256", ...jwkOf(spki) }, kid, typ: "JWT" };
  const whole = claimsOf(plan, plan.initData?.claims, world);
  // Whoever shows a token shows it in a header: of init-data too large for one its digest is left.
  const isFit = canonicalJson(whole).length <= MAX_CLAIMS;
  return signedJws(header, isFit ? whole : claimsOf(plan, undefined, world), current.signer);
}

/** In base64url, beside header and signature, within the length of a token that is looked at. */
const MAX_CLAIMS = (MAX_TOKEN_LENGTH * 3) / 4 - 512;

function claimsOf(plan: KbsTokenPlan, initDataClaims: JsonObject | undefined, world: World): JsonObject {
  const { judged, item, expiresAt } = plan;
  const { authorization, bound, nonce, now } = judged;
  const status = item.isWarning ? "warning" : "affirming";
  return {
    iss: world.settings.issuer,
    sub: item.allowedBy,
    aud: kbsAudienceOf(world.settings.audience),
    iat: now,
    nbf: now,
    exp: expiresAt,
    jti: authorization.decisionId,
    eat_nonce: base64UrlOf(nonce.bytes),
    eat_profile: PROFILE,
    "ear.verifier-id": VERIFIER,
    submods: {
      cpu0: {
        "ear.status": status,
        "ear.trustworthiness-vector": trustVectorOf(bound.endorsement.kind, status),
        "ear.appraisal-policy-id": `urn:ostiary:bundle:${authorization.policyHash}`,
        "ear.veraison.annotated-evidence": annotatedOf(plan, initDataClaims),
      },
    },
    ostiary: exchangeOf({
      authorization,
      evidence: evidenceMarkOf(bound, authorization, now, world),
      isSimulated: bound.isSimulated,
    }),
  };
}

function annotatedOf(
  { judged, attestation, initData }: KbsTokenPlan,
  initDataClaims: JsonObject | undefined,
): JsonObject {
  const { bound, nonce, transcript } = judged;
  const { report } = bound.evidence;
  const { teePubkey, additionalEvidence } = attestation;
  return {
    [bound.evidence.kind === "azure-hcl" ? "az-snp-vtpm" : "snp"]: snpClaimsOf(bound),
    init_data: initData?.digest ?? hexOf(report.hostData),
    ...(initDataClaims === undefined ? {} : { init_data_claims: initDataClaims }),
    report_data: hexOf(transcript.binder),
    runtime_data_claims: {
      nonce: base64Of(nonce.bytes),
      "tee-pubkey": { ...teePubkey },
      ...(additionalEvidence === undefined ? {} : { "additional-evidence": additionalEvidence }),
    },
  };
}

function snpClaimsOf({ evidence }: BoundEvidence): JsonObject {
  const { report } = evidence;
  const claims = reportClaimsOf(report);
  if (evidence.kind !== "azure-hcl") return claims;
  const registers = evidence.quote.pcrs.map((value, at) => [
    `pcr${String(at).padStart(2, "0")}`,
    hexOf(value),
  ]);
  return { ...claims, tpm: Object.fromEntries(registers) };
}

function reportClaimsOf({ guestPolicy, platformInfo, reportedTcb, measurement, chipId }: Report): JsonObject {
  return {
    policy_abi_major: guestPolicy.abiMajor,
    policy_abi_minor: guestPolicy.abiMinor,
    policy_smt_allowed: guestPolicy.smt,
    policy_migrate_ma: guestPolicy.migrateMa,
    policy_debug_allowed: guestPolicy.debug,
    policy_single_socket: guestPolicy.singleSocket,
    reported_tcb_bootloader: reportedTcb.bootloader,
    reported_tcb_tee: reportedTcb.tee,
    reported_tcb_snp: reportedTcb.snp,
    reported_tcb_microcode: reportedTcb.microcode,
    ...(reportedTcb.fmc === undefined ? {} : { reported_tcb_fmc: reportedTcb.fmc }),
    platform_tsme_enabled: platformInfo.tsme,
    platform_smt_enabled: platformInfo.smt,
    measurement: hexOf(measurement),
    chip_id: hexOf(chipId),
  };
}
