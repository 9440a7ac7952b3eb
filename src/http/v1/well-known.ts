/** `/.well-known/…`: who this broker says it is, and the key its tokens are signed with. */
import { base64UrlOf } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Signer } from "../../base/primitives.ts";
import { bareKeyOf } from "../../base/spki.ts";
import { OFFERED_SUITES } from "../../channel/suites.ts";
import { encode } from "../../wire/codec.ts";
import { BROKER_DESCRIPTION, encodeBrokerDescription } from "../../wire/well-known.ts";
import type { Route } from "../route.ts";

const EVIDENCE_FORMATS = ["raw"] as const;

export const descriptionRoute: Route = {
  method: "GET",
  path: "/.well-known/ostiary",
  summary: "Audience, bindings, suites, keys, evidence formats and limits of this broker: hints, never trust",
  audience: "anyone",
  answer: BROKER_DESCRIPTION,
  serve: async (_incoming, { world, edges }) => ({
    body: encodeBrokerDescription({
      audience: world.settings.audience,
      bindings: edges.offered,
      suites: OFFERED_SUITES,
      signingKey: { kid: world.signer.kid, spki: world.signer.spki },
      ledgerKey: { kid: world.ledgerSigner.kid, spki: world.ledgerSigner.spki },
      evidenceFormats: EVIDENCE_FORMATS,
      isSimulatorTrusted: world.trust.roots.some(({ isSimulated }) => isSimulated),
    }),
  }),
};

export const jwksRoute: Route = {
  method: "GET",
  path: "/.well-known/jwks.json",
  summary: "The key that signs tokens, as a JWK set",
  audience: "anyone",
  serve: async (_incoming, { world }) => ({ body: encode({ keys: [{ ...jwkOf(world.tokenSigner) }] }) }),
};

/** RFC 7518 section 6.2: the coordinates of a P-256 point. */
function jwkOf(signer: Signer) {
  const point = bareKeyOf("ecdsa-p256-sha256", signer.spki);
  if (point === undefined) throw new Fault("internal/invariant", "tokens are signed with ECDSA P-256");
  const x = base64UrlOf(point.slice(0, 32));
  const y = base64UrlOf(point.slice(32));
  return { kty: "EC", crv: "P-256", x, y, kid: signer.kid, alg: "ES256", use: "sig" } as const;
}
