/** `/.well-known/ostiary`: who this broker says it is. */
import type { EvidenceFormat } from "../../attestation/evidence.ts";
import { BROKER_DESCRIPTION, encodeBrokerDescription } from "../../wire/well-known.ts";
import type { Route } from "../route.ts";

/** What `parseEvidence` reads and `verifyEvidence` judges. */
const EVIDENCE_FORMATS = ["raw", "azure-hcl", "svsm"] as const satisfies readonly EvidenceFormat[];

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
      suites: world.settings.suites,
      signingKey: { kid: world.signer.kid, spki: world.signer.spki },
      ledgerKey: { kid: world.ledgerSigner.kid, spki: world.ledgerSigner.spki },
      evidenceFormats: EVIDENCE_FORMATS,
      tiers: world.prove === undefined ? [0] : [0, 1, 2],
      isSimulatorTrusted: world.trust.roots.some(({ isSimulated }) => isSimulated),
    }),
  }),
};
