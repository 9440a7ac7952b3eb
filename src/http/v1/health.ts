/** `/healthz`, `/readyz`, `/v1/health`: does the process live, can it decide now, and how does each of its parts stand? */
import { Fault } from "../../base/fault.ts";
import { refuseForked } from "../../broker/fork-mark.ts";
import { encode } from "../../wire/codec.ts";
import { encodeHealth, HEALTH } from "../../wire/health.ts";
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

/** Sentences of ours about this broker's parts: for its operators, since they tell a stranger where it is weak. */
export const partsRoute: Route = {
  method: "GET",
  path: "/v1/health",
  summary: "How each part of this broker stands, since when, and what to do",
  audience: "operator",
  answer: HEALTH,
  isServedSealed: true,
  serve: async (_incoming, { edges }) => {
    const { parts = [] } = (await edges.standing?.()) ?? {};
    const worst = (["failing", "warning", "ok"] as const).find((state) =>
      parts.some((one) => one.state === state),
    );
    return { body: encodeHealth({ status: worst ?? "ok", parts: [...parts] }) };
  },
};
