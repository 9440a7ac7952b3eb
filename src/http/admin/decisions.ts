/** `/v1/admin/decisions`: why a guest was refused, or let in, by the id that it was told. */
import { Fault } from "../../base/fault.ts";
import { decisionOf, decisionsBefore } from "../../broker/decisions.ts";
import {
  DECISION_DETAIL,
  DECISION_PAGE,
  encodeDecisionDetail,
  encodeDecisionPage,
} from "../../wire/decision.ts";
import type { Route } from "../route.ts";
import { countOf } from "../v1/ledger.ts";

const MAX_PAGE = "50";

export const decisionsRoute: Route = {
  method: "GET",
  path: "/v1/admin/decisions",
  summary: "Decisions with their traces, newest first",
  audience: "admin",
  answer: DECISION_PAGE,
  query: ["before", "limit"],
  serve: async ({ query }, { world }) => {
    const before = query.get("before");
    const range = {
      before: before === null ? undefined : countOf(before),
      limit: Math.min(countOf(query.get("limit") ?? MAX_PAGE), countOf(MAX_PAGE)),
    };
    return { body: encodeDecisionPage(await decisionsBefore(range, world)) };
  },
};

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
