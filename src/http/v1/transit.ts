/** `POST /v1/transit/…`: keys that are used here and never leave. The last segment is the operation, what stands before it the key. */
import { Fault } from "../../base/fault.ts";
import { useTransit } from "../../broker/transit.ts";
import * as wire from "../../wire/transit.ts";
import type { Route } from "../route.ts";

export const transitRoute: Route = {
  method: "POST",
  path: "/v1/transit/*",
  summary:
    "A guest uses a transit key: the path of the key, then encrypt, decrypt, datakey, rewrap, sign, verify or hmac; the answer is sealed to the guest",
  audience: "token-holder",
  bindsBody: true,
  request: wire.TRANSIT_REQUEST,
  answer: wire.TRANSIT_ANSWER,
  serve: async ({ parameter, body, holder, exchange }, { world, edges }) => {
    const asked = wire.parseTransitPath(parameter);
    if (asked === undefined) {
      throw new Fault("request/malformed", "expected the path of a key in normal form, then an operation");
    }
    const started = edges.milliseconds();
    const request = wire.decodeTransitRequest(asked.operation, body);
    const answer = await useTransit({ ...asked, request, body, holder, exchange }, world);
    edges.metrics.observe("transit_seconds", (edges.milliseconds() - started) / 1000);
    return { body: wire.encodeTransitAnswer(answer) };
  },
};
