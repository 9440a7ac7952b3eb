/** `/v1/admin/advisory`: what AMD's bulletins ask of firmware, as operators signed it. */
import { Fault } from "../../base/fault.ts";
import { importAdvisory, type KeptAdvisory, liveAdvisory } from "../../broker/advisories.ts";
import * as wire from "../../wire/advisory.ts";
import type { Route } from "../route.ts";

const ADVISORY = "/v1/admin/advisory";

const showRoute: Route = {
  method: "GET",
  path: ADVISORY,
  summary: "The newest edition of the advisory data, with who signed it",
  audience: "admin",
  answer: wire.ADVISORY_VIEW,
  serve: async (_incoming, { world }) => {
    const kept = await liveAdvisory(world);
    if (kept === undefined) throw new Fault("advisory/unknown", "expected an advisory to have been imported");
    return { body: bodyOf(kept) };
  },
};

const importRoute: Route = {
  method: "PUT",
  path: ADVISORY,
  summary: "Takes an edition that enough operators signed, newer than the one before",
  audience: "admin",
  request: wire.ADVISORY_IMPORT,
  answer: wire.ADVISORY_VIEW,
  serve: async ({ body, actor }, { world }) => ({
    body: bodyOf(await importAdvisory(wire.decodeAdvisoryImport(body), actor, world)),
  }),
};

export const advisoryRoutes: readonly Route[] = [showRoute, importRoute];

function bodyOf({
  envelope: statement,
  digest,
  signedBy,
  at: importedAt,
  by: importedBy,
}: KeptAdvisory): string {
  return wire.encodeAdvisoryView({ statement, digest, signedBy, importedAt, importedBy });
}
