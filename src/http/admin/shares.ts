/** `/v1/admin/root-key/shares`: shares of the root key, for a broker that serves nothing else until it has enough of them. */
import { giveShare, sealOf } from "../../broker/unseal.ts";
import * as wire from "../../wire/shares.ts";
import type { Route } from "../route.ts";

const PATH = "/v1/admin/root-key/shares";

const progressRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "How many shares of the root key were given, and how many it takes",
  audience: "admin",
  isServedSealed: true,
  answer: wire.SEAL_PROGRESS,
  serve: async (_incoming, { world }) => ({ body: wire.encodeSealProgress(sealOf(world).progress()) }),
};

const giveRoute: Route = {
  method: "POST",
  path: PATH,
  summary: "Gives one share; with the last one the broker opens its database and serves",
  audience: "admin",
  isServedSealed: true,
  request: wire.SHARE,
  answer: wire.SEAL_PROGRESS,
  maxBodyBytes: wire.MAX_SHARE_BODY,
  serve: async ({ body, actor }, { world }) => ({
    body: wire.encodeSealProgress(await giveShare(wire.decodeShare(body), actor, world)),
  }),
};

const forgetRoute: Route = {
  method: "DELETE",
  path: PATH,
  summary: "Forgets the shares that were given so far",
  audience: "admin",
  isServedSealed: true,
  answer: wire.SEAL_PROGRESS,
  serve: async (_incoming, { world }) => {
    const seal = sealOf(world);
    await seal.inTurn(async () => seal.forget());
    return { body: wire.encodeSealProgress(seal.progress()) };
  },
};

export const shareRoutes: readonly Route[] = [progressRoute, giveRoute, forgetRoute];
