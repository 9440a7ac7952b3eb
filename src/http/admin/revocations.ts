/** `/v1/admin/revocations`: decisions whose tokens count no more. */
import { Fault } from "../../base/fault.ts";
import { revokeDecision } from "../../broker/revocations.ts";
import { encodeRevocation, REVOCATION } from "../../wire/revocation.ts";
import type { Route } from "../route.ts";

export const revocationRoute: Route = {
  method: "PUT",
  path: "/v1/admin/revocations/{id}",
  summary: "The tokens of this decision count no more",
  audience: "admin",
  answer: REVOCATION,
  serve: async ({ parameter, actor }, { world }) => {
    if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(parameter)) {
      throw new Fault("request/malformed", "expected a decision id, which is a ULID");
    }
    return { body: encodeRevocation(await revokeDecision(parameter, actor, world)) };
  },
};
