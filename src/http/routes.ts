/** Which paths has the broker? One table; the application and the OpenAPI document walk it. */
import { adminRoutes } from "./admin/admins.ts";
import { advisoryRoutes } from "./admin/advisory.ts";
import { approvalRoutes } from "./admin/approvals.ts";
import { audienceRoutes } from "./admin/audiences.ts";
import { credentialRoute } from "./admin/credentials.ts";
import { decisionRoute, decisionsRoute } from "./admin/decisions.ts";
import { drillRoutes } from "./admin/drills.ts";
import { endorsementRoutes } from "./admin/endorsements.ts";
import { findingRoutes } from "./admin/findings.ts";
import { fleetRoutes } from "./admin/fleet.ts";
import { importKeyRoute } from "./admin/import-keys.ts";
import { keyPageRoutes } from "./admin/key-page.ts";
import { leaseRoutes } from "./admin/leases.ts";
import { forgetTracesRoute } from "./admin/ledger.ts";
import { policyRoutes } from "./admin/policies.ts";
import { policyChangeRoutes } from "./admin/policy-changes.ts";
import { readersRoute } from "./admin/readers.ts";
import { revocationRoute } from "./admin/revocations.ts";
import { rootKeyRoutes } from "./admin/root-key.ts";
import { secretRoutes } from "./admin/secrets.ts";
import { shareRoutes } from "./admin/shares.ts";
import { tokenKeyRoutes } from "./admin/token-keys.ts";
import { kbsAttestRoute } from "./kbs/attest.ts";
import { kbsAuthRoute } from "./kbs/auth.ts";
import { kbsPolicyRoutes } from "./kbs/policy.ts";
import { kbsResourceRoutes } from "./kbs/resource.ts";
import { discoveryRoute, jwksRoute } from "./oidc/discovery.ts";
import { openApiText } from "./openapi.ts";
import type { Route } from "./route.ts";
import { attestRoute } from "./v1/attest.ts";
import { challengeRoute } from "./v1/challenge.ts";
import { confirmRoute } from "./v1/confirm.ts";
import { giveBackRoute } from "./v1/give-back.ts";
import { healthRoute, partsRoute, readyRoute } from "./v1/health.ts";
import { introspectRoute } from "./v1/introspect.ts";
import { checkpointRoute, entriesRoute } from "./v1/ledger.ts";
import { consistencyRoute, cosignedRoute, forkRoute, inclusionRoute, tileRoute } from "./v1/ledger-proofs.ts";
import { receiptRoute } from "./v1/ledger-receipt.ts";
import { metricsRoute } from "./v1/metrics.ts";
import { releaseRoute } from "./v1/release.ts";
import { renewRoute } from "./v1/renew.ts";
import { guestKeyRoute, writeRoute } from "./v1/secret.ts";
import { signInRoutes } from "./v1/sign-in.ts";
import { transitRoute } from "./v1/transit.ts";
import { descriptionRoute } from "./v1/well-known.ts";

const DOCUMENTED: readonly Route[] = [
  challengeRoute,
  releaseRoute,
  attestRoute,
  introspectRoute,
  descriptionRoute,
  discoveryRoute,
  jwksRoute,
  checkpointRoute,
  entriesRoute,
  inclusionRoute,
  consistencyRoute,
  tileRoute,
  cosignedRoute,
  receiptRoute,
  forkRoute,
  confirmRoute,
  giveBackRoute,
  renewRoute,
  transitRoute,
  guestKeyRoute,
  writeRoute,
  ...secretRoutes,
  importKeyRoute,
  readersRoute,
  ...leaseRoutes,
  ...policyRoutes,
  ...policyChangeRoutes,
  ...adminRoutes,
  ...signInRoutes,
  ...approvalRoutes,
  ...keyPageRoutes,
  ...audienceRoutes,
  ...tokenKeyRoutes,
  ...rootKeyRoutes,
  ...shareRoutes,
  revocationRoute,
  decisionsRoute,
  decisionRoute,
  forgetTracesRoute,
  ...findingRoutes,
  credentialRoute,
  ...fleetRoutes,
  ...advisoryRoutes,
  ...drillRoutes,
  ...endorsementRoutes,
  kbsAuthRoute,
  kbsAttestRoute,
  ...kbsResourceRoutes,
  ...kbsPolicyRoutes,
  healthRoute,
  readyRoute,
  partsRoute,
  metricsRoute,
];

const openApiRoute: Route = {
  method: "GET",
  path: "/openapi.json",
  summary: "This interface, as OpenAPI 3.1",
  audience: "anyone",
  serve: async (_incoming, { edges }) => ({ body: documentOf(edges.version) }),
};

let kept: { readonly version: string; readonly text: string } | undefined;

/** The document is a function of the version alone, and costs milliseconds: it is written once. */
function documentOf(version: string): string {
  if (kept?.version !== version) kept = { version, text: openApiText(ROUTES, version) };
  return kept.text;
}

export const ROUTES: readonly Route[] = [...DOCUMENTED, openApiRoute];
