/** How is a drill ordered, and told? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { DRILL_KINDS, type DrillOrder, type DrillSummary } from "./drill-messages.ts";
import { countField, decisionIdField, instantField, instantText, textField } from "./fields.ts";

const MAX_SECONDS = 86_400;

const SUMMARY = v.object({
  id: decisionIdField(),
  kind: v.picklist(DRILL_KINDS),
  plantedAt: instantField(),
  endsAt: instantField(),
  plantedBy: textField(128),
});

export const DRILL_LIST = v.object({ drills: v.array(SUMMARY) });

export const DRILL_ORDER = v.strictObject({
  kind: v.picklist(DRILL_KINDS),
  seconds: v.pipe(countField(1), v.maxValue(MAX_SECONDS)),
});

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeDrillOrder(bytes: Uint8Array): DrillOrder {
  return decode(DRILL_ORDER, bytes, REQUEST);
}

export function encodeDrillOrder({ kind, seconds }: DrillOrder): string {
  return encode({ kind, seconds });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeDrillList(bytes: Uint8Array): readonly DrillSummary[] {
  return decode(DRILL_LIST, bytes, ANSWER).drills;
}

export function encodeDrillList(drills: readonly DrillSummary[]): string {
  return encode({ drills: drills.map(written) });
}

function written({ plantedAt, endsAt, ...rest }: DrillSummary): JsonObject {
  return { ...rest, plantedAt: instantText(plantedAt), endsAt: instantText(endsAt) };
}
