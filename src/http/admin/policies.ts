/** `/v1/admin/policies`: bundles proposed, reviewed, approved, activated, listed and shown. */
import { Fault } from "../../base/fault.ts";
import { activateBundle, listBundles, proposeBundle, showBundle } from "../../broker/policies.ts";
import { approveBundle, reviewBundle } from "../../broker/reviews.ts";
import * as wire from "../../wire/bundle.ts";
import { MAX_ADMIN_BODY_BYTES } from "../../wire/limits.ts";
import * as wireReview from "../../wire/review.ts";
import type { Incoming, Route } from "../route.ts";

const ONE_BUNDLE = "/v1/admin/policies/{digest}";
const ONE_REVIEW = "/v1/admin/policy-reviews/{digest}";

const listRoute: Route = {
  method: "GET",
  path: "/v1/admin/policies",
  summary: "Every known bundle, newest first, and which one is live",
  audience: "admin",
  answer: wire.BUNDLE_LIST,
  serve: async (_incoming, { world }) => ({ body: wire.encodeBundleList(await listBundles(world)) }),
};

const proposeRoute: Route = {
  method: "POST",
  path: "/v1/admin/policies",
  summary: "A signed bundle; it decides nothing until it is activated",
  audience: "admin",
  maxBodyBytes: MAX_ADMIN_BODY_BYTES,
  request: wire.BUNDLE_PROPOSAL,
  answer: wire.PROPOSAL_ANSWER,
  serve: async ({ body, actor }, { world }) => {
    const proposed = await proposeBundle(wire.decodeBundleProposal(body), actor, world);
    return { status: proposed.isNew ? 201 : 200, body: wire.encodeProposalAnswer(proposed) };
  },
};

const showRoute: Route = {
  method: "GET",
  path: ONE_BUNDLE,
  summary: "One bundle with its sources",
  audience: "admin",
  answer: wire.BUNDLE_DETAIL,
  serve: async (incoming, { world }) => ({
    body: wire.encodeBundleDetail(await showBundle(digestOf(incoming), world)),
  }),
};

const activateRoute: Route = {
  method: "PUT",
  path: ONE_BUNDLE,
  summary: "Makes a bundle live, by a statement that an admin key signed",
  audience: "admin",
  request: wire.BUNDLE_ACTIVATION,
  answer: wire.ACTIVATION_SUMMARY,
  serve: async (incoming, { world }) => {
    const { signature } = wire.decodeBundleActivation(incoming.body);
    const request = { digest: digestOf(incoming), signature };
    return { body: wire.encodeActivationSummary(await activateBundle(request, incoming.actor, world)) };
  },
};

const reviewRoute: Route = {
  method: "GET",
  path: ONE_REVIEW,
  summary: "What a proposed bundle changes, with requests that show it, and who must still approve",
  audience: "admin",
  answer: wireReview.POLICY_REVIEW,
  serve: async (incoming, { world }) => ({
    body: wireReview.encodePolicyReview(await reviewBundle(digestOf(incoming), world)),
  }),
};

const approveRoute: Route = {
  method: "PUT",
  path: ONE_REVIEW,
  summary: "Approves or rejects a proposed bundle, by a statement that an approver signed",
  audience: "admin",
  request: wireReview.APPROVAL,
  answer: wireReview.POLICY_REVIEW,
  serve: async (incoming, { world }) => {
    const request = { digest: digestOf(incoming), ...wireReview.decodeApproval(incoming.body) };
    return { body: wireReview.encodePolicyReview(await approveBundle(request, incoming.actor, world)) };
  },
};

export const policyRoutes: readonly Route[] = [
  listRoute,
  proposeRoute,
  showRoute,
  activateRoute,
  reviewRoute,
  approveRoute,
];

function digestOf({ parameter }: Incoming): string {
  if (/^[0-9a-f]{64}$/.test(parameter)) return parameter;
  throw new Fault("request/malformed", "expected the digest of a bundle as 64 lower-case hex digits");
}
