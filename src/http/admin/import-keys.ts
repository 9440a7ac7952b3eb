/** `/v1/admin/import-keys`: keys that secrets are sealed to on their way in, one secret each. */
import { makeImportKey } from "../../broker/import-keys.ts";
import * as wire from "../../wire/import.ts";
import type { Route } from "../route.ts";

export const importKeyRoute: Route = {
  method: "POST",
  path: "/v1/admin/import-keys",
  summary: "A key to seal one secret to, signed by the broker; the secret comes as kind `sealed`",
  audience: "admin",
  request: wire.IMPORT_KEY_REQUEST,
  answer: wire.SIGNED_IMPORT_KEY,
  serve: async ({ body, actor }, { world }) => {
    const key = await makeImportKey(wire.decodeImportKeyRequest(body), actor, world);
    return { status: 201, body: wire.encodeSignedImportKey(key) };
  },
};
