/** `/v1/admin/drills`: what is planted, to see how soon it is found. */
import { Fault } from "../../base/fault.ts";
import { endDrill, listDrills, plantDrill } from "../../broker/drills.ts";
import * as wire from "../../wire/drills.ts";
import type { Route } from "../route.ts";

const DRILLS = "/v1/admin/drills";

const listRoute: Route = {
  method: "GET",
  path: DRILLS,
  summary: "The drills that run",
  audience: "admin",
  answer: wire.DRILL_LIST,
  serve: async (_incoming, { world }) => ({ body: wire.encodeDrillList(await listDrills(world)) }),
};

const plantRoute: Route = {
  method: "POST",
  path: DRILLS,
  summary: "Plants something that is not good, with a label and an end",
  audience: "admin",
  request: wire.DRILL_ORDER,
  answer: wire.DRILL_LIST,
  serve: async ({ body, actor }, { world, edges }) => {
    const plan = { id: edges.nextId(), actor };
    const drill = await plantDrill(wire.decodeDrillOrder(body), plan, world);
    return { status: 201, body: wire.encodeDrillList([drill]) };
  },
};

const endRoute: Route = {
  method: "DELETE",
  path: `${DRILLS}/{id}`,
  summary: "Ends a drill before its time",
  audience: "admin",
  answer: wire.DRILL_LIST,
  serve: async ({ parameter, actor }, { world }) => {
    if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(parameter))
      throw new Fault("request/malformed", "expected the id of a drill, which is a ULID");
    await endDrill(parameter, actor, world);
    return { body: wire.encodeDrillList(await listDrills(world)) };
  },
};

export const drillRoutes: readonly Route[] = [listRoute, plantRoute, endRoute];
