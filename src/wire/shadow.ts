/** How is told to an admin which bundle is in shadow, and where it would have decided otherwise? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import type { Instant } from "../base/time.ts";
import { ANSWER, decode, encode } from "./codec.ts";
import { countField, decisionIdField, digestField, instantField, instantText, textField } from "./fields.ts";

/** Codes are empty for a yes; traces are SHA-256. */
export interface ShadowRow {
  readonly seq: number;
  readonly order: number;
  readonly decision: string;
  readonly item: number;
  readonly at: Instant;
  readonly resource: string;
  readonly direction: string;
  readonly liveCode: string;
  readonly shadowCode: string;
  readonly clause: string;
  readonly reason: string;
  readonly liveTrace: string;
  readonly shadowTrace: string;
  readonly hash: string;
}

export interface ShadowState {
  /** Of the newest order; 0 where there was none. */
  readonly serial: number;
  /** What that order says; its digest is empty where it ends the shadow. */
  readonly order?: {
    readonly digest: string;
    readonly at: Instant;
    readonly by: string;
    /** How many rows it brought. */
    readonly differences: number;
  };
  readonly isActive: boolean;
  readonly until?: Instant;
  /** Why the shadow is shown nothing, though an order is in force: a fault code. */
  readonly problem?: string;
  /** Rows of all orders. */
  readonly total: number;
  readonly rows: readonly ShadowRow[];
}

export const MAX_SHADOW_PAGE = 200;

const words = () => v.pipe(v.string(), v.maxLength(4096));
const code = () => v.pipe(v.string(), v.maxLength(64));

const ROW = v.object({
  seq: countField(1),
  order: countField(1),
  decision: decisionIdField(),
  item: countField(0),
  at: instantField(),
  resource: words(),
  direction: code(),
  liveCode: code(),
  shadowCode: code(),
  clause: words(),
  reason: words(),
  liveTrace: digestField(),
  shadowTrace: digestField(),
  hash: digestField(),
});

export const SHADOW_STATE = v.object({
  serial: countField(0),
  order: v.exactOptional(
    v.object({
      digest: v.pipe(v.string(), v.regex(/^([0-9a-f]{64})?$/)),
      at: instantField(),
      by: textField(128),
      differences: countField(0),
    }),
  ),
  isActive: v.boolean(),
  until: v.exactOptional(instantField()),
  problem: v.exactOptional(textField(64)),
  total: countField(0),
  rows: v.array(ROW),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeShadowState(bytes: Uint8Array): ShadowState {
  return decode(SHADOW_STATE, bytes, ANSWER);
}

export function encodeShadowState(state: ShadowState): string {
  return encode(shadowJson(state));
}

function shadowJson({ order, until, rows, ...rest }: ShadowState): JsonObject {
  return {
    ...rest,
    order: order && { ...order, at: instantText(order.at) },
    until: until && instantText(until),
    rows: rows.map((row) => ({ ...row, at: instantText(row.at) })),
  };
}
