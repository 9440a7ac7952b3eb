/** `/kbs/v0/…-policy` and `/kbs/v0/reference-value`: an admin of `kbs-client` is told where policies come from here. */
import { Fault } from "../../base/fault.ts";
import { KBS_UPLOAD } from "../../wire/kbs/resource.ts";
import type { Route } from "../route.ts";

/** INVARIANT: nothing here makes a policy: approvals of others are not gone round by an older door. */
const SENTENCE =
  "policies and reference values are bundles of Writ that people sign and approve: turn what you have into one with " +
  "`ostiary policy import-trustee`, then `ostiary policy propose` and `ostiary policy activate`";

export const kbsPolicyRoutes: readonly Route[] = [
  "/kbs/v0/resource-policy",
  "/kbs/v0/attestation-policy",
  "/kbs/v0/reference-value",
].map((path) => ({
  method: "POST",
  path,
  summary: "Refused: policies of this broker are signed bundles, and the answer says how they come",
  audience: "kbs-admin",
  door: "kbs",
  isRateLimited: true,
  request: KBS_UPLOAD,
  serve: async () => {
    throw new Fault("kbs/policy-elsewhere", SENTENCE, { sentence: SENTENCE });
  },
}));
