/** How are requests told that wait for people, and how does an approval of one come in? */
import * as v from "valibot";
import type { WaitingSummary } from "./approval-messages.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import {
  decisionIdField,
  digestField,
  instantField,
  instantText,
  resourceField,
  textField,
} from "./fields.ts";

/** A DSSE envelope as JSON text; `policy/request-approvals.ts` opens it. */
export const REQUEST_APPROVAL = v.strictObject({
  statement: v.pipe(v.string(), v.minLength(1), v.maxLength(16_384)),
});

const WAITING = v.object({
  request: digestField(),
  resource: resourceField(),
  op: v.picklist(["release", "derive"]),
  report: digestField(),
  channel: v.picklist(["application", "ra-tls", "tls-exporter", "kbs"]),
  since: instantField(),
  at: instantField(),
  source: textField(128),
  decision: decisionIdField(),
  groups: v.array(textField(256)),
  approved_by: v.array(textField(128)),
});

export const WAITING_LIST = v.object({ waiting: v.array(WAITING) });

/** Reads an approval that was signed. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeRequestApproval(bytes: Uint8Array): { readonly statement: string } {
  return decode(REQUEST_APPROVAL, bytes, REQUEST);
}

export function encodeRequestApprovalOrder(statement: string): string {
  return encode({ statement });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeWaitingList(bytes: Uint8Array): readonly WaitingSummary[] {
  const { waiting } = decode(WAITING_LIST, bytes, ANSWER);
  return waiting.map(({ approved_by, ...row }) => ({ ...row, approvedBy: approved_by }));
}

export function encodeWaitingList(waiting: readonly WaitingSummary[]): string {
  return encode({
    waiting: waiting.map(
      ({ approvedBy, since, at, request, resource, op, report, channel, source, decision, groups }) => ({
        request,
        resource,
        op,
        report,
        channel,
        since: instantText(since),
        at: instantText(at),
        source,
        decision,
        groups,
        approved_by: approvedBy,
      }),
    ),
  });
}
