/** How is a token of the drop-in KBS read where the broker itself takes it? As one of its own, and with the key that answers are sealed to. */
import * as v from "valibot";
import type { KbsPublicKey } from "../../channel/kbs-key.ts";
import { decode } from "../codec.ts";
import { textField } from "../fields.ts";
import type { TokenClaims } from "../messages.ts";
import { TOKEN_CLAIMS, TOKEN_PART } from "../token.ts";
import { TEE_PUBKEY } from "./attestation.ts";

/** The claims of a token with the guest's key, and the nonce of its session in base64. */
export interface KbsTokenClaims {
  readonly claims: TokenClaims;
  readonly nonce: string;
  readonly teePubkey: KbsPublicKey;
}

/** What a token is for that the broker takes at `/kbs/v0` alone. */
export function kbsAudienceOf(audience: string): string {
  return `${audience}/kbs/v0`;
}

/** These members and no others, as the broker writes them. The key in `jwk` is for consumers; the broker knows its own. */
const HEADER = v.strictObject({
  alg: v.literal("ES256"),
  jwk: v.strictObject({
    alg: v.literal("ES256"),
    crv: v.literal("P-256"),
    kty: v.literal("EC"),
    x: v.string(),
    y: v.string(),
  }),
  kid: textField(128),
  typ: v.literal("JWT"),
});

/** Where consumers of these tokens look for the key; it is read there, and nowhere else. */
const CLAIMS = v.object({
  ...TOKEN_CLAIMS.entries,
  submods: v.object({
    cpu0: v.object({
      "ear.veraison.annotated-evidence": v.object({
        runtime_data_claims: v.object({ nonce: v.string(), "tee-pubkey": TEE_PUBKEY }),
      }),
    }),
  }),
});

/** @throws {@link Fault} `token/invalid`. */
export function decodeKbsTokenHeader(bytes: Uint8Array): { readonly kid: string } {
  return decode(HEADER, bytes, TOKEN_PART);
}

/** @throws {@link Fault} `token/invalid`. */
export function decodeKbsTokenClaims(bytes: Uint8Array): KbsTokenClaims {
  const { submods, ...claims } = decode(CLAIMS, bytes, TOKEN_PART);
  const { runtime_data_claims: said } = submods.cpu0["ear.veraison.annotated-evidence"];
  return { claims, nonce: said.nonce, teePubkey: said["tee-pubkey"] };
}
