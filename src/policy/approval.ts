/** What does somebody sign who approves a bundle, or rejects it? Canonical JSON in DSSE, for one bundle, broker, turn and verdict. */
import { equalBytes } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Signer } from "../base/primitives.ts";
import { hasShape, hex, integer, oneOf, type Shape, text } from "../base/shape.ts";
import { parseObject, signDsse } from "./signatures.ts";

export const APPROVAL_TYPE = "application/vnd.ostiary.approval.v1+json";

const MAX_BYTES = 4096;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31

/** What one person says to one bundle, as the next one of one broker. */
export type ApprovalStatement = {
  readonly decision: "approve" | "reject";
  readonly digest: string;
  /** Of the activation that it is for. */
  readonly serial: number;
  readonly audience: string;
  /** Unix seconds: it counts for activations before. */
  readonly expires: number;
  /** What the gate found, as its approver saw it (`verdictDigest` in `gate.ts`). */
  readonly verdict: string;
};

const APPROVAL = {
  decision: oneOf("approve", "reject"),
  digest: hex(32),
  serial: integer(1, Number.MAX_SAFE_INTEGER),
  audience: text(/^\P{Cc}{1,512}$/u),
  expires: integer(0, MAX_SECONDS),
  verdict: hex(32),
} satisfies Shape<ApprovalStatement>;

/** Signs an approval, or a rejection. */
export function signApproval(statement: ApprovalStatement, signer: Signer): Promise<string> {
  return signDsse(APPROVAL_TYPE, encodeApproval(statement), signer);
}

/** The canonical JSON that {@link signApproval} signs. */
function encodeApproval(statement: ApprovalStatement): Uint8Array {
  const { decision, digest, serial, audience, expires, verdict } = statement;
  return canonicalJsonBytes({
    v: 1,
    act: "approval",
    decision,
    digest,
    serial,
    audience,
    expires,
    verdict,
  });
}

/** Reads the payload of an approval: canonical, with these members and no others. @throws {@link Fault} `policy/bad-signature`. */
export function parseApproval(payload: Uint8Array): ApprovalStatement {
  const { v: _version, act: _act, ...statement } = parseObject(payload, MAX_BYTES);
  if (isApproval(statement) && equalBytes(encodeApproval(statement), payload)) return statement;
  throw rejected("v, act, decision, digest, serial, audience, expires, verdict");
}

function isApproval(value: JsonObject): value is ApprovalStatement {
  return hasShape(value, APPROVAL);
}

function rejected(expected: string): Fault {
  return new Fault("policy/bad-signature", `approval: expected ${expected}`);
}
