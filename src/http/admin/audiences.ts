/** `/v1/admin/audiences`: whom tokens may be for. */
import { Fault } from "../../base/fault.ts";
import { addAudience, listAudiences, removeAudience } from "../../broker/audiences.ts";
import * as wire from "../../wire/audience.ts";
import { isAudienceName } from "../../wire/resource-path.ts";
import type { Incoming, Route } from "../route.ts";

const ONE_AUDIENCE = "/v1/admin/audiences/{name}";

const listRoute: Route = {
  method: "GET",
  path: "/v1/admin/audiences",
  summary: "Every registered audience",
  audience: "admin",
  answer: wire.AUDIENCE_LIST,
  serve: async (_incoming, { world }) => ({ body: wire.encodeAudienceList(await listAudiences(world)) }),
};

const addRoute: Route = {
  method: "PUT",
  path: ONE_AUDIENCE,
  summary: "Registers an audience under a name that is free; policy releases its tokens as token/NAME",
  audience: "admin",
  request: wire.AUDIENCE_REGISTRATION,
  answer: wire.AUDIENCE_SUMMARY,
  serve: async (incoming, { world }) => {
    const plan = { name: nameOf(incoming), ...wire.decodeAudienceRegistration(incoming.body) };
    return { status: 201, body: wire.encodeAudienceSummary(await addAudience(plan, incoming.actor, world)) };
  },
};

const removeRoute: Route = {
  method: "DELETE",
  path: ONE_AUDIENCE,
  summary: "No token is for this audience from now on",
  audience: "admin",
  answer: wire.AUDIENCE_LIST,
  serve: async (incoming, { world }) => {
    await removeAudience(nameOf(incoming), incoming.actor, world);
    return { body: wire.encodeAudienceList(await listAudiences(world)) };
  },
};

export const audienceRoutes: readonly Route[] = [listRoute, addRoute, removeRoute];

function nameOf({ parameter }: Incoming): string {
  if (isAudienceName(parameter)) return parameter;
  throw new Fault("request/malformed", "expected a name of letters, digits, `.`, `_` and `-`, at most 64");
}
