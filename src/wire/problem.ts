/** How is a no written? RFC 9457 problem details, with the wire code and the decision id and nothing of the inside. */
import * as v from "valibot";
import { Fault, type FaultDetail } from "../base/fault.ts";
import { FAULT_CODES, type FaultCode } from "../base/fault-codes.ts";
import { ANSWER, decode, encode } from "./codec.ts";
import { textField } from "./fields.ts";
import type { Problem } from "./messages.ts";

export const PROBLEM = v.object({
  type: textField(128),
  title: textField(256),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  code: textField(64),
  instance: textField(128),
  detail: v.exactOptional(v.string()),
  fault: v.exactOptional(textField(64)),
});

const TITLES: Readonly<Record<string, string>> = {
  "malformed-request": "The request is not one that this broker knows",
  "malformed-evidence": "The evidence cannot be read",
  "rejected-evidence": "The evidence was rejected",
  "wrong-protocol": "This broker speaks another version of the KBS protocol, or attests other machines",
  denied: "The policy denies this release",
  "stale-nonce": "The nonce is not live; ask for a new challenge",
  "too-large": "The request is too large",
  "wrong-channel": "This listener does not serve this binding",
  "slow-down": "Too many requests; wait as long as Retry-After says",
  "try-later": "The broker cannot decide now; try again later",
  unauthorized: "The request is not authorized",
  forbidden: "Another role may do this",
  unapproved: "The policy lacks approvals",
  "approval-needed": "People have to approve this request; ask again",
  "not-found": "There is nothing here by this name",
  conflict: "The state is another than the request expects",
  absent: "The policy allows what is not there",
  "other-version": "The newest version is another than the one expected",
  "not-opened": "The ciphertext does not open here",
  "malformed-policy": "The policy is not one that this broker can load",
};

/** A no as everybody may see it; a code that is no guest's business has no title of its own. */
export function problemOf(code: FaultCode, id: string, detail?: string): Problem {
  const { status, wire } = FAULT_CODES[code];
  const title = TITLES[wire] ?? "The broker failed";
  const problem = {
    type: `urn:ostiary:problem:${wire}`,
    title,
    status,
    code: wire,
    instance: `urn:ostiary:${id}`,
  };
  return detail === undefined ? problem : { ...problem, detail };
}

/** The decision id behind `instance`; `undefined` where a stranger wrote it. */
function idOfProblem(problem: Problem): string | undefined {
  return /^urn:ostiary:([0-9A-HJKMNP-TV-Z]{26})$/.exec(problem.instance)?.[1];
}

/** A no as an admin sees it whose signature was good: with the fault code and what was expected. */
export function problemForAdmin(fault: Fault, id: string): Problem {
  return { ...problemOf(fault.code, id, fault.message), fault: fault.code };
}

/** The fault that a problem tells of: the one it names, else the one that its wire code stands for. */
export function faultOfProblem(problem: Problem): Fault {
  const named = FAULT_NAMES.find((code) => code === problem.fault);
  const code = named ?? FAULT_OF_WIRE[problem.code] ?? "broker/unreachable";
  const id = idOfProblem(problem);
  const detail: FaultDetail = { status: problem.status, ...(id === undefined ? {} : { id }) };
  return new Fault(code, problem.detail ?? problem.title, detail);
}

const FAULT_NAMES = Object.keys(FAULT_CODES).filter(isFaultCode);

function isFaultCode(name: string): name is FaultCode {
  return Object.hasOwn(FAULT_CODES, name);
}

/** For a wire code that stands for several faults, the one whose advice fits them all. */
const FAULT_OF_WIRE: Readonly<Record<string, FaultCode>> = {
  "malformed-request": "request/malformed",
  "malformed-evidence": "evidence/malformed",
  "rejected-evidence": "channel/not-bound",
  denied: "policy/denied",
  "approval-needed": "policy/needs-approval",
  "stale-nonce": "nonce/expired",
  "too-large": "request/too-large",
  "wrong-channel": "channel/wrong-listener",
  "slow-down": "request/rate-limited",
  unauthorized: "admin/unauthorized",
  "not-found": "request/not-found",
  conflict: "request/conflict",
  "other-version": "secret/other-version",
  absent: "secret/absent",
  "not-opened": "transit/not-opened",
  "malformed-policy": "policy/malformed",
  internal: "internal/invariant",
};

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeProblem(bytes: Uint8Array): Problem {
  return decode(PROBLEM, bytes, ANSWER);
}

export function encodeProblem({ type, title, status, code, instance, detail, fault }: Problem): string {
  return encode({ type, title, status, code, instance, detail, fault });
}
