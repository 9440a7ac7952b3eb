/** `POST /v1/challenge`: a nonce for one binding, and the broker's own proof. */
import { issueChallenge } from "../../broker/challenge.ts";
import {
  CHALLENGE_ANSWER,
  CHALLENGE_REQUEST,
  decodeChallengeRequest,
  encodeChallenge,
} from "../../wire/challenge.ts";
import type { Route } from "../route.ts";

export const challengeRoute: Route = {
  method: "POST",
  path: "/v1/challenge",
  summary:
    "A nonce for one binding; with `guestNonce`, the broker's own evidence too, and with `fresh` made for this session",
  audience: "anyone",
  isRateLimited: true,
  request: CHALLENGE_REQUEST,
  answer: CHALLENGE_ANSWER,
  serve: async ({ body, exchange }, { world }) => ({
    body: encodeChallenge(await issueChallenge(decodeChallengeRequest(body), exchange, world)),
  }),
};
