/** `/v1/admin/endorsements`: AMD's certificates and CRLs on their way out of one broker, and into another that asks nobody. */
import { utf8 } from "../../base/bytes.ts";
import { exportEndorsements, importEndorsements } from "../../broker/endorsement-bundle.ts";
import * as wire from "../../wire/endorsement-bundle.ts";
import type { Route } from "../route.ts";

const ENDORSEMENTS = "/v1/admin/endorsements";

const exportRoute: Route = {
  method: "GET",
  path: ENDORSEMENTS,
  summary: "Every certificate and CRL of AMD's that this broker keeps; page after page",
  audience: "admin",
  query: ["after"],
  answer: wire.ENDORSEMENT_PAGE,
  serve: async ({ query }, { world }) => ({
    body: wire.encodeEndorsementPage(await exportEndorsements(query.get("after") ?? "", world)),
  }),
};

const importRoute: Route = {
  method: "POST",
  path: ENDORSEMENTS,
  summary: "Keeps certificates and CRLs in PEM, each proven to AMD's roots first; all of them or none",
  audience: "admin",
  request: wire.ENDORSEMENT_IMPORT,
  answer: wire.ENDORSEMENT_COUNTS,
  maxBodyBytes: wire.MAX_ENDORSEMENT_BODY_BYTES,
  serve: async ({ body, actor }, { world }) => {
    const pem = wire.decodeEndorsementImport(body);
    return { body: wire.encodeEndorsementCounts(await importEndorsements(utf8(pem), actor, world)) };
  },
};

export const endorsementRoutes: readonly Route[] = [exportRoute, importRoute];
