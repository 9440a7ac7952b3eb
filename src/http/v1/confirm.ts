/** `POST /v1/confirm`: "version N is in use here", from the guest itself. */
import { confirmUse } from "../../broker/readers.ts";
import * as wire from "../../wire/readers.ts";
import type { Route } from "../route.ts";

export const confirmRoute: Route = {
  method: "POST",
  path: "/v1/confirm",
  summary: "A guest says that a version of a secret is in use, and that it needs no earlier one",
  audience: "token-holder",
  request: wire.USE_CONFIRMATION,
  answer: wire.CONFIRM_ANSWER,
  serve: async ({ body, holder }, { world }) => ({
    body: wire.encodeConfirmAnswer(await confirmUse(wire.decodeUseConfirmation(body), holder, world)),
  }),
};
