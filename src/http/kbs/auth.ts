/** `POST /kbs/v0/auth`: which protocol and machine in, a nonce and a session's cookie out. */
import { beginKbsSession } from "../../broker/kbs/auth.ts";
import { decodeKbsRequest, encodeKbsChallenge, KBS_CHALLENGE, KBS_REQUEST } from "../../wire/kbs/auth.ts";
import type { Route } from "../route.ts";
import { cookieOf } from "./cookie.ts";
import { kbsOf } from "./edges.ts";
import { countedAuth } from "./metrics.ts";

export const kbsAuthRoute: Route = {
  method: "POST",
  path: "/kbs/v0/auth",
  summary: "A guest of the KBS protocol says its version and machine; a nonce, and a session's cookie",
  audience: "anyone",
  door: "kbs",
  isRateLimited: true,
  request: KBS_REQUEST,
  answer: KBS_CHALLENGE,
  serve: async ({ body }, { world, edges }) =>
    countedAuth(edges.metrics, async () => {
      const version = decodeKbsRequest(body, kbsOf(edges).versions);
      const session = await beginKbsSession(version, world);
      return { headers: cookieOf(session, world.now()), body: encodeKbsChallenge(session.nonce) };
    }),
};
