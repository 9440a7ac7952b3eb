/** `/v1/admin/leases/PATH`: who holds a secret that one guest at a time may hold. */
import { breakLease, describeLease } from "../../broker/leases.ts";
import * as wire from "../../wire/lease.ts";
import type { Route } from "../route.ts";
import { secretPathOf } from "./secrets.ts";

const ONE_LEASE = "/v1/admin/leases/*";

const showRoute: Route = {
  method: "GET",
  path: ONE_LEASE,
  summary: "The newest lease of a secret: its holder, its fencing token, and whether it runs",
  audience: "admin",
  answer: wire.LEASE_STATE,
  serve: async (incoming, { world }) => ({
    body: wire.encodeLeaseState(await describeLease(secretPathOf(incoming), world)),
  }),
};

const breakRoute: Route = {
  method: "POST",
  path: ONE_LEASE,
  summary: "Ends the lease of this fencing token in the place of its holder",
  audience: "admin",
  request: wire.LEASE_END,
  answer: wire.LEASE_STATE,
  serve: async (incoming, { world }) => {
    const order = { path: secretPathOf(incoming), ...wire.decodeLeaseEnd(incoming.body) };
    return { body: wire.encodeLeaseState(await breakLease(order, incoming.actor, world)) };
  },
};

export const leaseRoutes: readonly Route[] = [showRoute, breakRoute];
