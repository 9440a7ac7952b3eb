/** `POST /v1/attest`: evidence in, a signed attestation result out. */
import { attest } from "../../broker/attest.ts";
import { ATTEST_ANSWER, decodeAttestRequest, encodeAttestAnswer } from "../../wire/attest.ts";
import { RELEASE_REQUEST } from "../../wire/release.ts";
import type { Route } from "../route.ts";

export const attestRoute: Route = {
  method: "POST",
  path: "/v1/attest",
  summary: "Evidence; an attestation result (EAR) as a JWT bound to the guest's key",
  audience: "anyone",
  request: RELEASE_REQUEST,
  answer: ATTEST_ANSWER,
  serve: async ({ body, exchange }, { world }) => ({
    body: encodeAttestAnswer(await attest(decodeAttestRequest(body), exchange, world)),
  }),
};
