/** `/v1/admin/credentials`: what this system depends on, whose it is, how long it is good, and what breaks when it ends. */
import { listCredentials } from "../../broker/finding-report.ts";
import { CREDENTIAL_PAGE, encodeCredentialPage } from "../../wire/credentials.ts";
import type { Route } from "../route.ts";

export const credentialRoute: Route = {
  method: "GET",
  path: "/v1/admin/credentials",
  summary: "Every credential that this broker knows of, in order of name; page after page",
  audience: "admin",
  query: ["after"],
  answer: CREDENTIAL_PAGE,
  serve: async ({ query }, { world }) => ({
    body: encodeCredentialPage(await listCredentials(query.get("after") ?? "", world)),
  }),
};
