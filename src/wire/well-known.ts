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
  limits: v.exactOptional(v.record(v.string(), v.number())),
});

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
  const { v: _version, simulated, limits: _limits, ...rest } = decode(BROKER_DESCRIPTION, bytes, ANSWER);
  return { ...rest, isSimulatorTrusted: simulated === true };
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
    limits: LIMITS,
  });
}

function namedKeyOf({ kid, spki }: NamedKey): { readonly kid: string; readonly spki: string } {
  return { kid, spki: bytesText(spki) };
}
