/** `POST /v1/renew`: a guest's own token, another token or a secret again, on evidence that the broker knows already. */
import { renew } from "../../broker/renew.ts";
import * as wireRelease from "../../wire/release.ts";
import * as wire from "../../wire/renew.ts";
import type { Route } from "../route.ts";

export const renewRoute: Route = {
  method: "POST",
  path: wire.RENEW_PATH,
  summary:
    "A guest gets secrets and tokens again by its token, without new evidence, where the live policy allows it; 401 where it has to attest anew",
  audience: "token-holder",
  bindsBody: true,
  request: wire.RENEW_REQUEST,
  answer: wireRelease.RELEASE_ANSWER,
  serve: async ({ body, holder, exchange }, { world }) => {
    const request = wire.decodeRenewRequest(body);
    const answer = await renew({ request, body, holder, exchange }, world);
    return { body: wireRelease.encodeReleaseAnswer(answer, false) };
  },
};
