/** How is told to an admin what is known of one id? A decision with its trace, or a refusal with its fault code. */
import * as v from "valibot";
import type { JsonValue } from "../base/canonical-json.ts";
import { ANSWER, decode, encode } from "./codec.ts";
import {
  countField,
  decisionIdField,
  instantField,
  instantText,
  jsonObjectField,
  textField,
} from "./fields.ts";
import type { DecisionDetail } from "./messages.ts";

export const DECISION_DETAIL = v.variant("kind", [
  v.object({
    kind: v.literal("decision"),
    id: decisionIdField(),
    at: instantField(),
    seq: countField(0),
    entry: jsonObjectField(),
    trace: v.custom<JsonValue>((value) => value !== undefined),
  }),
  v.object({
    kind: v.literal("refusal"),
    id: decisionIdField(),
    at: instantField(),
    source: textField(128),
    code: textField(64),
    format: textField(32),
  }),
]);

/** Decisions of the ledger, newest first; `next` is where the next page begins. */
export interface DecisionPage {
  readonly decisions: readonly DecisionDetail[];
  readonly next?: number;
}

export const DECISION_PAGE = v.object({
  decisions: v.array(DECISION_DETAIL),
  next: v.exactOptional(countField(0)),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeDecisionPage(bytes: Uint8Array): DecisionPage {
  return decode(DECISION_PAGE, bytes, ANSWER);
}

export function encodeDecisionPage({ decisions, next }: DecisionPage): string {
  return encode({ decisions: decisions.map((one) => ({ ...one, at: instantText(one.at) })), next });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeDecisionDetail(bytes: Uint8Array): DecisionDetail {
  return decode(DECISION_DETAIL, bytes, ANSWER);
}

export function encodeDecisionDetail(decision: DecisionDetail): string {
  return encode({ ...decision, at: instantText(decision.at) });
}
