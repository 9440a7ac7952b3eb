/** `/v1/admin/token-keys`: the keys that sign tokens, and the next one. */
import type { TokenKeys } from "../../broker/world.ts";
import type { TokenKeySummary } from "../../wire/messages.ts";
import * as wire from "../../wire/token-key.ts";
import type { Route } from "../route.ts";

const PATH = "/v1/admin/token-keys";

const listRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "The published keys that sign tokens, oldest first",
  audience: "admin",
  answer: wire.TOKEN_KEY_LIST,
  serve: async (_incoming, { world }) => ({
    body: wire.encodeTokenKeyList(summariesOf(await world.tokenKeys.keys())),
  }),
};

const rotateRoute: Route = {
  method: "POST",
  path: PATH,
  summary: "The next key: published at once, signing in ten minutes; or at once, withdrawing all others",
  audience: "admin",
  request: wire.TOKEN_KEY_ROTATION,
  answer: wire.TOKEN_KEY_LIST,
  serve: async ({ body, actor }, { world }) => {
    const keys = await world.tokenKeys.rotate(wire.decodeTokenKeyRotation(body), actor);
    return { status: 201, body: wire.encodeTokenKeyList(summariesOf(keys)) };
  },
};

export const tokenKeyRoutes: readonly Route[] = [listRoute, rotateRoute];

function summariesOf({ published, current }: TokenKeys): readonly TokenKeySummary[] {
  return published.map(({ signer, serial, signsFrom, createdAt, createdBy }) => {
    return { kid: signer.kid, isCurrent: serial === current.serial, signsFrom, createdAt, createdBy };
  });
}
