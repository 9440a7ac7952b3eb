/** `POST /v1/release`: evidence and wishes in, sealed releases out. */
import { release } from "../../broker/release.ts";
import {
  decodeReleaseRequest,
  encodeReleaseAnswer,
  RELEASE_ANSWER,
  RELEASE_REQUEST,
} from "../../wire/release.ts";
import type { Route } from "../route.ts";

export const releaseRoute: Route = {
  method: "POST",
  path: "/v1/release",
  summary: "Evidence and what it wants; sealed releases, signed",
  audience: "anyone",
  request: RELEASE_REQUEST,
  answer: RELEASE_ANSWER,
  serve: async ({ body, exchange }, { world, edges }) => {
    const started = edges.milliseconds();
    const request = decodeReleaseRequest(body);
    const answer = await release(request, exchange, world);
    edges.metrics.observe("release_seconds", (edges.milliseconds() - started) / 1000);
    return { body: encodeReleaseAnswer(answer, request.claims.partial === true) };
  },
};
