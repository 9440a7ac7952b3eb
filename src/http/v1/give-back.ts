/** `POST /v1/give-back`: a guest holds a leased secret no longer. */
import { giveBackLease } from "../../broker/leases.ts";
import * as wire from "../../wire/lease.ts";
import type { Route } from "../route.ts";

export const giveBackRoute: Route = {
  method: "POST",
  path: "/v1/give-back",
  summary: "A guest gives back a secret that one guest at a time may hold, so that the next need not wait",
  audience: "token-holder",
  request: wire.LEASE_RETURN,
  answer: wire.LEASE_RETURN,
  serve: async ({ body, holder }, { world }) => {
    const returned = wire.decodeLeaseReturn(body);
    await giveBackLease(returned, holder, world);
    return { body: wire.encodeLeaseReturn(returned) };
  },
};
