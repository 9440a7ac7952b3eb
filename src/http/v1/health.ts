/** `/healthz` and `/readyz`: does the process live, and can it decide now? */
import { Fault } from "../../base/fault.ts";
import { refuseForked } from "../../broker/fork-mark.ts";
import { encode } from "../../wire/codec.ts";
import type { Route } from "../route.ts";

export const healthRoute: Route = {
  method: "GET",
  path: "/healthz",
  summary: "The process lives",
  isServedSealed: true,
  audience: "anyone",
  serve: async () => ({ body: encode({ status: "ok" }) }),
};

/** Ready means: the store answers, the key-encryption key opens the nonce secrets in it, and nobody showed that the log was forked. */
export const readyRoute: Route = {
  method: "GET",
  path: "/readyz",
  summary: "The broker can decide now",
  audience: "anyone",
  serve: async (_incoming, { world, edges }) => {
    if (edges.isDraining()) throw new Fault("store/unavailable", "the broker is shutting down");
    await world.store.ledgerSize();
    await world.nonceKeys();
    await refuseForked(world);
    return { body: encode({ status: "ready" }) };
  },
};
