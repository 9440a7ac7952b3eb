/** How does a guest say that a version is in use, so that the ones before may go? By a token of its own report. */
import { decodeConfirmAnswer, encodeUseConfirmation } from "../wire/readers.ts";
import type { ConfirmAnswer, UseConfirmation } from "../wire/secret-messages.ts";
import type { FetchParts } from "./fetch.ts";
import { askAsItself, type OwnTokenPlan } from "./own-token.ts";

/** Confirms one version. @throws {@link Fault} as `fetchSecrets`; `secret/not-read`. */
export async function confirmVersion(
  plan: OwnTokenPlan,
  confirmation: UseConfirmation,
  parts: FetchParts,
): Promise<ConfirmAnswer> {
  const request = { path: "/v1/confirm", body: encodeUseConfirmation(confirmation) };
  return decodeConfirmAnswer(await askAsItself(plan, request, parts));
}
