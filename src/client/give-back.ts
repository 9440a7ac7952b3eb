/** How does a guest give back a secret that it holds alone, so that the next need not wait? By a token of its own report. */
import { encodeLeaseReturn } from "../wire/lease.ts";
import type { LeaseReturn } from "../wire/secret-messages.ts";
import type { FetchParts } from "./fetch.ts";
import { askAsItself, type OwnTokenPlan } from "./own-token.ts";

/** Gives back one lease. @throws {@link Fault} as `fetchSecrets`; `secret/not-leased`. */
export async function giveBack(plan: OwnTokenPlan, lease: LeaseReturn, parts: FetchParts): Promise<void> {
  await askAsItself(plan, { path: "/v1/give-back", body: encodeLeaseReturn(lease) }, parts);
}
