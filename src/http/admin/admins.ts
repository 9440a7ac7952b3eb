/** `/v1/admin/admins`: who the admins are, and changes of them that the root signed. */
import { changeRoster, listAdmins } from "../../broker/admins.ts";
import * as wire from "../../wire/admins.ts";
import type { Route } from "../route.ts";

const PATH = "/v1/admin/admins";

const listRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "Every admin with roles and paths, the owner groups, and what a change of the roster builds upon",
  audience: "admin",
  answer: wire.ROSTER_VIEW,
  serve: async (_incoming, { world }) => ({ body: wire.encodeRosterView(await listAdmins(world)) }),
};

const changeRoute: Route = {
  method: "POST",
  path: PATH,
  summary: "Adds or removes an admin, by a statement that enough people of the root signed",
  audience: "admin",
  request: wire.ROSTER_CHANGE,
  answer: wire.ROSTER_VIEW,
  serve: async ({ body, actor }, { world }) => {
    const { statement } = wire.decodeRosterChange(body);
    return { status: 201, body: wire.encodeRosterView(await changeRoster(statement, actor, world)) };
  },
};

export const adminRoutes: readonly Route[] = [listRoute, changeRoute];
