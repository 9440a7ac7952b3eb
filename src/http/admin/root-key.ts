/** `/v1/admin/root-key`: which key-encryption key wraps, and the next step of bringing everything under it. */
import { describeRootKey, rewrapPage } from "../../broker/root-key.ts";
import * as wire from "../../wire/root-key.ts";
import type { Route } from "../route.ts";

const PATH = "/v1/admin/root-key";

const showRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "Which root key wraps, which others open, and how many versions of secrets lie under those",
  audience: "admin",
  answer: wire.ROOT_KEY_STATE,
  serve: async (_incoming, { world }) => ({ body: wire.encodeRootKeyState(await describeRootKey(world)) }),
};

const stepRoute: Route = {
  method: "POST",
  path: PATH,
  summary:
    "Wraps the next page of secrets under the key that wraps now; with the last page the broker's own keys",
  audience: "admin",
  request: wire.ROOT_KEY_STEP,
  answer: wire.ROOT_KEY_PAGE,
  serve: async ({ body, actor }, { world }) => ({
    body: wire.encodeRootKeyPage(await rewrapPage(wire.decodeRootKeyStep(body), actor, world)),
  }),
};

export const rootKeyRoutes: readonly Route[] = [showRoute, stepRoute];
