/** How does a broker describe itself? `/.well-known/ostiary`: hints, never trust. */
import * as v from "valibot";
import { ANSWER, decode, encode } from "./codec.ts";
import { bytesField, bytesText, textField } from "./fields.ts";
import * as limits from "./limits.ts";
import type { BrokerDescription, NamedKey } from "./messages.ts";

const NAMED_KEY = v.object({ kid: textField(128), spki: bytesField(1, 1024) });
const NUMBERS = v.pipe(v.array(v.pipe(v.number(), v.safeInteger())), v.maxLength(16));

export const BROKER_DESCRIPTION = v.object({
  v: v.literal(1),
  audience: textField(limits.MAX_AUDIENCE_BYTES),
  bindings: NUMBERS,
  suites: NUMBERS,
  signingKey: NAMED_KEY,
  ledgerKey: NAMED_KEY,
  evidenceFormats: v.pipe(v.array(textField(32)), v.maxLength(16)),
  simulated: v.exactOptional(v.literal(true)),
  attestation: v.exactOptional(v.object({ tiers: NUMBERS, statement: textField(512) })),
  limits: v.exactOptional(v.record(v.string(), v.number())),
});

/** By whether the broker can prove itself at all. */
const STATEMENTS = {
  attested: "this broker proves itself by its own evidence: ask with guestNonce, and appraise it",
  unattested:
    "this broker runs outside a confidential VM and cannot prove itself: pin its signing key, and use web PKI",
} as const;

const LIMITS = {
  bodyBytes: limits.MAX_BODY_BYTES,
  claimsBytes: limits.MAX_CLAIMS_BYTES,
  items: limits.MAX_ITEMS,
  jsonDepth: limits.MAX_JSON_DEPTH,
  endorsements: limits.MAX_ENDORSEMENTS,
  endorsementBytes: limits.MAX_ENDORSEMENT_BYTES,
  secretBytes: limits.MAX_SECRET_BYTES,
} as const;

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeBrokerDescription(bytes: Uint8Array): BrokerDescription {
  const description = decode(BROKER_DESCRIPTION, bytes, ANSWER);
  const { v: _version, simulated, limits: _limits, attestation, ...rest } = description;
  return { ...rest, isSimulatorTrusted: simulated === true, tiers: attestation?.tiers ?? [0] };
}

export function encodeBrokerDescription(broker: BrokerDescription): string {
  return encode({
    v: 1,
    audience: broker.audience,
    bindings: broker.bindings,
    suites: broker.suites,
    signingKey: namedKeyOf(broker.signingKey),
    ledgerKey: namedKeyOf(broker.ledgerKey),
    evidenceFormats: broker.evidenceFormats,
    simulated: broker.isSimulatorTrusted ? true : undefined,
    attestation: {
      tiers: broker.tiers,
      statement: broker.tiers.some((tier) => tier > 0) ? STATEMENTS.attested : STATEMENTS.unattested,
    },
    limits: LIMITS,
  });
}

function namedKeyOf({ kid, spki }: NamedKey): { readonly kid: string; readonly spki: string } {
  return { kid, spki: bytesText(spki) };
}
