/** `/kbs/v0/resource/…`: a secret, sealed to the key in its guest's report; and a secret that an admin of `kbs-client` puts. */
import { verifyKbsHolder } from "../../broker/kbs/holder.ts";
import { releaseKbsResource } from "../../broker/kbs/resource.ts";
import { putSecret } from "../../broker/secrets.ts";
import { encodeKbsJwe, KBS_JWE } from "../../wire/kbs/jwe.ts";
import { KBS_UPLOAD, kbsResourcePath } from "../../wire/kbs/resource.ts";
import { MAX_SECRET_BYTES } from "../../wire/limits.ts";
import type { Route } from "../route.ts";
import { counted, countedRead } from "./metrics.ts";

const ONE_RESOURCE = "/kbs/v0/resource/*";

/** INVARIANT: who asks is known before the path is looked at, so that a stranger has one answer to every path. */
const readRoute: Route = {
  method: "GET",
  path: ONE_RESOURCE,
  summary: "A secret for an attested guest of the KBS protocol, as a flattened JWE",
  audience: "kbs-guest",
  door: "kbs",
  answer: KBS_JWE,
  serve: async ({ parameter, shown = {}, exchange }, { world, edges }) =>
    countedRead(edges.metrics, async () => {
      const holder = await verifyKbsHolder(shown, world);
      const path = kbsResourcePath(parameter);
      return { body: encodeKbsJwe(await releaseKbsResource({ path, holder, exchange }, world)) };
    }),
};

const putRoute: Route = {
  method: "POST",
  path: ONE_RESOURCE,
  summary: "The next version of a secret, from an admin of `kbs-client`; where the configuration says so",
  audience: "kbs-admin",
  door: "kbs",
  isRateLimited: true,
  mediaType: "application/octet-stream",
  request: KBS_UPLOAD,
  maxBodyBytes: MAX_SECRET_BYTES,
  serve: async ({ parameter, body, actor }, { world, edges }) => {
    const path = kbsResourcePath(parameter);
    await putSecret({ path, plaintext: body }, actor, world);
    counted(edges.metrics, "kbs_resource_writes");
    return { body: "" };
  },
};

export const kbsResourceRoutes: readonly Route[] = [readRoute, putRoute];
