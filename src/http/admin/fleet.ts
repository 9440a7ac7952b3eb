/** `/v1/admin/fleet`: which guests came, with which image and firmware, on which chip, and how it went. */
import { Fault } from "../../base/fault.ts";
import { listFleet, showGuest } from "../../broker/fleet.ts";
import type { GuestPosition } from "../../broker/fleet-store.ts";
import { encodeFleetPage, FLEET_PAGE } from "../../wire/fleet.ts";
import { isResourcePath } from "../../wire/resource-path.ts";
import type { Route } from "../route.ts";

const FLEET = "/v1/admin/fleet";

const listRoute: Route = {
  method: "GET",
  path: FLEET,
  summary: "The guests that came, as decisions saw them last; page after page",
  audience: "admin",
  query: ["after", "resource"],
  answer: FLEET_PAGE,
  serve: async ({ query }, { world }) => ({
    body: encodeFleetPage(
      await listFleet(
        { after: placeOf(query.get("after")), resource: resourceOf(query.get("resource")) },
        world,
      ),
    ),
  }),
};

const showRoute: Route = {
  method: "GET",
  path: `${FLEET}/{id}`,
  summary: "One guest, by its report.id",
  audience: "admin",
  answer: FLEET_PAGE,
  serve: async ({ parameter }, { world }) => {
    if (!/^[0-9a-f]{64}$/.test(parameter))
      throw new Fault("request/malformed", "expected the id of a guest, 64 hex digits");
    return { body: encodeFleetPage(await showGuest(parameter, world)) };
  },
};

export const fleetRoutes: readonly Route[] = [listRoute, showRoute];

function resourceOf(text: string | null): string | undefined {
  if (text === null || isResourcePath(text)) return text ?? undefined;
  throw new Fault("request/malformed", "expected `resource` as a path in normal form");
}

function placeOf(text: string | null): GuestPosition | undefined {
  if (text === null) return undefined;
  const [, place, id] = /^([0-9a-f]{32})\.([0-9a-f]{64})$/.exec(text) ?? [];
  if (place !== undefined && id !== undefined) return { place, id };
  throw new Fault("request/malformed", "expected `after` as the `next` of the page before");
}
