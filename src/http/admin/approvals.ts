/** `/v1/admin/approvals`: which requests wait for people, and what people say to them. */
import { giveApproval, listWaiting } from "../../broker/request-approvals.ts";
import * as wire from "../../wire/approvals.ts";
import type { Route } from "../route.ts";

const PATH = "/v1/admin/approvals";

const listRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "Requests that lack nothing but approvals, under the paths that the admin's roles reach",
  audience: "admin",
  answer: wire.WAITING_LIST,
  serve: async ({ actor }, { world }) => ({ body: wire.encodeWaitingList(await listWaiting(actor, world)) }),
};

const giveRoute: Route = {
  method: "POST",
  path: PATH,
  summary: "Approves one request of one guest, by a statement that the admin signed",
  audience: "admin",
  request: wire.REQUEST_APPROVAL,
  answer: wire.WAITING_LIST,
  serve: async ({ body, actor }, { world }) => {
    const { statement } = wire.decodeRequestApproval(body);
    return { status: 201, body: wire.encodeWaitingList(await giveApproval(statement, actor, world)) };
  },
};

export const approvalRoutes: readonly Route[] = [listRoute, giveRoute];
