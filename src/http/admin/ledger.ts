/** `/v1/admin/ledger`: what of the log's surroundings is kept no longer. */
import { forgetTraces } from "../../broker/forgotten.ts";
import {
  decodeTraceForgetting,
  encodeForgottenTraces,
  FORGOTTEN_TRACES,
  TRACE_FORGETTING,
} from "../../wire/ledger.ts";
import type { Route } from "../route.ts";

export const forgetTracesRoute: Route = {
  method: "POST",
  path: "/v1/admin/ledger/forgotten-traces",
  summary: "Traces of decisions older than so many days are forgotten; the log says so, and proofs stay good",
  audience: "admin",
  request: TRACE_FORGETTING,
  answer: FORGOTTEN_TRACES,
  serve: async ({ body, actor }, { world }) => {
    const before = await forgetTraces(decodeTraceForgetting(body), actor, world);
    return { body: encodeForgottenTraces({ before }) };
  },
};
