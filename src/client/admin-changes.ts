/** What can an admin's program ask about a change of policy? The part of the client that `admin.ts` has for it. */
import { Fault } from "../base/fault.ts";
import type { ExplainedGain } from "../policy/order-statements.ts";
import { type DecisionPage, decodeDecisionPage } from "../wire/decision.ts";
import * as replay from "../wire/replay.ts";
import { decodeShadowState, type ShadowState } from "../wire/shadow.ts";
import type { AdminCall } from "./admin-secrets.ts";

export interface ChangeCalls {
  /** One page; the answer says where the next begins. */
  readonly replay: (request: replay.ReplayRequest) => Promise<replay.ReplayAnswer>;
  /** A signed explanation of gains; answers all that are explained of this bundle. */
  readonly explainGains: (digest: string, signature: string) => Promise<readonly ExplainedGain[]>;
  readonly showShadow: (from: number, limit: number) => Promise<ShadowState>;
  /** A signed order that puts a bundle in shadow, or ends that. */
  readonly orderShadow: (signature: string) => Promise<ShadowState>;
  /** Decisions with their traces, newest first; the answer says where the next page begins. */
  readonly decisionsBefore: (before: number | undefined, limit: number) => Promise<DecisionPage>;
}

export function changeCalls(call: AdminCall): ChangeCalls {
  return {
    replay: async (request) =>
      replay.decodeReplayAnswer(await call("POST", "/v1/admin/replay", replay.encodeReplayRequest(request))),
    explainGains: async (digest, signature) =>
      replay.decodeExplainedGains(
        await call("PUT", explanationsOf(digest), replay.encodeSignedOrder({ signature })),
      ),
    showShadow: async (from, limit) =>
      decodeShadowState(await call("GET", `/v1/admin/shadow?from=${from}&limit=${limit}`)),
    orderShadow: async (signature) =>
      decodeShadowState(await call("PUT", "/v1/admin/shadow", replay.encodeSignedOrder({ signature }))),
    decisionsBefore: async (before, limit) => {
      const from = before === undefined ? "" : `before=${before}&`;
      return decodeDecisionPage(await call("GET", `/v1/admin/decisions?${from}limit=${limit}`));
    },
  };
}

function explanationsOf(digest: string): string {
  if (/^[0-9a-f]{64}$/.test(digest)) return `/v1/admin/explanations/${digest}`;
  throw new Fault("request/malformed", "expected a digest as 64 lower-case hex digits");
}
