/** How is told what a bundle changes and who has to agree, and how does an approval come in? */
import * as v from "valibot";
import { FINDINGS } from "../policy/finding.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { countField, digestField, instantField, instantText, jsonObjectField, textField } from "./fields.ts";
import type { PolicyReview, ReviewedStatement } from "./governance-messages.ts";

const MAX_STATEMENT = 16_384;

/** A DSSE envelope as JSON text; `policy/approval.ts` opens what is in it. */
export const APPROVAL = v.strictObject({
  statement: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_STATEMENT)),
});

const NAMES = v.array(textField(256));

const STATEMENT = v.object({
  at: instantField(),
  by: textField(128),
  person: v.exactOptional(textField(128)),
  decision: v.exactOptional(v.picklist(["approve", "reject"])),
  expires: v.exactOptional(instantField()),
  why: v.exactOptional(textField(512)),
});

export const POLICY_REVIEW = v.object({
  digest: digestField(),
  previous: v.exactOptional(digestField()),
  serial: countField(1),
  finding: v.picklist(FINDINGS),
  verdict: digestField(),
  authors: NAMES,
  needs: v.array(v.object({ group: v.exactOptional(textField(128)), approvals: countField(1), by: NAMES })),
  rejectedBy: NAMES,
  approved: v.boolean(),
  statements: v.array(STATEMENT),
  text: v.string(),
  diff: jsonObjectField(),
  warnings: v.array(textField(512)),
});

/** Reads an approval or a rejection. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeApproval(bytes: Uint8Array): { readonly statement: string } {
  return decode(APPROVAL, bytes, REQUEST);
}

export function encodeApproval({ statement }: { readonly statement: string }): string {
  return encode({ statement });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodePolicyReview(bytes: Uint8Array): PolicyReview {
  const { approved, ...review } = decode(POLICY_REVIEW, bytes, ANSWER);
  return { ...review, isApproved: approved };
}

export function encodePolicyReview(review: PolicyReview): string {
  const { digest, previous, serial, finding, verdict, authors, needs, rejectedBy, isApproved } = review;
  const { statements, text, diff, warnings } = review;
  return encode({
    digest,
    previous,
    serial,
    finding,
    verdict,
    authors,
    needs: needs.map(({ group, approvals, by }) => ({ group, approvals, by })),
    rejectedBy,
    approved: isApproved,
    statements: statements.map(statementOf),
    text,
    diff,
    warnings,
  });
}

function statementOf({ at, by, person, decision, expires, why }: ReviewedStatement) {
  return {
    at: instantText(at),
    by,
    person,
    decision,
    expires: expires === undefined ? undefined : instantText(expires),
    why,
  };
}
