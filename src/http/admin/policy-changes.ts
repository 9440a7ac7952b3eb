/** What can be known of a change of policy before it is live? Replay, explanations of gains, and the shadow. */
import { Fault } from "../../base/fault.ts";
import { explainGains } from "../../broker/gains.ts";
import { replayCandidate } from "../../broker/replay-candidate.ts";
import { orderShadow, shadowState } from "../../broker/shadow.ts";
import { MAX_ADMIN_BODY_BYTES } from "../../wire/limits.ts";
import * as replay from "../../wire/replay.ts";
import { encodeShadowState, MAX_SHADOW_PAGE, SHADOW_STATE } from "../../wire/shadow.ts";
import type { Route } from "../route.ts";
import { countOf } from "../v1/ledger.ts";

const replayRoute: Route = {
  method: "POST",
  path: "/v1/admin/replay",
  summary: "What a bundle would have said to the guests of the past: one page of decisions, newest first",
  audience: "admin",
  maxBodyBytes: MAX_ADMIN_BODY_BYTES,
  request: replay.REPLAY_REQUEST,
  answer: replay.REPLAY_ANSWER,
  serve: async ({ body }, { world }) => ({
    body: replay.encodeReplayAnswer(await replayCandidate(replay.decodeReplayRequest(body), world)),
  }),
};

const explainRoute: Route = {
  method: "PUT",
  path: "/v1/admin/explanations/{digest}",
  summary: "Why a bundle may let in whom the live one refuses, by a statement that an admin key signed",
  audience: "admin",
  maxBodyBytes: MAX_ADMIN_BODY_BYTES,
  request: replay.SIGNED_ORDER,
  answer: replay.EXPLAINED_GAINS,
  serve: async ({ parameter, body, actor }, { world }) => {
    if (!/^[0-9a-f]{64}$/.test(parameter)) {
      throw new Fault("request/malformed", "expected the digest of a bundle as 64 lower-case hex digits");
    }
    const explanation = { digest: parameter, ...replay.decodeSignedOrder(body) };
    return { body: replay.encodeExplainedGains(await explainGains(explanation, actor, world)) };
  },
};

const shadowRoute: Route = {
  method: "GET",
  path: "/v1/admin/shadow",
  summary: "Which bundle is in shadow, and where it would have decided otherwise",
  audience: "admin",
  answer: SHADOW_STATE,
  query: ["from", "limit"],
  serve: async ({ query }, { world }) => {
    const from = countOf(query.get("from") ?? "1");
    const limit = Math.min(countOf(query.get("limit") ?? String(MAX_SHADOW_PAGE)), MAX_SHADOW_PAGE);
    return { body: encodeShadowState(await shadowState({ from, limit }, world)) };
  },
};

const orderRoute: Route = {
  method: "PUT",
  path: "/v1/admin/shadow",
  summary: "Puts a bundle in shadow or ends that, by a statement that an admin key signed",
  audience: "admin",
  maxBodyBytes: MAX_ADMIN_BODY_BYTES,
  request: replay.SIGNED_ORDER,
  answer: SHADOW_STATE,
  serve: async ({ body, actor }, { world }) => {
    const { signature } = replay.decodeSignedOrder(body);
    return { body: encodeShadowState(await orderShadow(signature, actor, world)) };
  },
};

export const policyChangeRoutes: readonly Route[] = [replayRoute, explainRoute, shadowRoute, orderRoute];
