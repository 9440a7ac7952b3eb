/** `/v1/admin/decisions`: why a guest was refused, or let in, by the id that it was told. */
import { Fault } from "../../base/fault.ts";
import { decisionOf } from "../../broker/decisions.ts";
import { DECISION_DETAIL, encodeDecisionDetail } from "../../wire/decision.ts";
import type { Route } from "../route.ts";

export const decisionRoute: Route = {
  method: "GET",
  path: "/v1/admin/decisions/{id}",
  summary: "A decision with its trace, or the line of the decision log",
  audience: "admin",
  answer: DECISION_DETAIL,
  serve: async ({ parameter }, { world }) => {
    if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(parameter)) {
      throw new Fault("request/malformed", "expected a decision id, which is a ULID");
    }
    return { body: encodeDecisionDetail(await decisionOf(parameter, world)) };
  },
};
