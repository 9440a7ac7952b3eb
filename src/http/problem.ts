/** How does a no leave the broker? A fault becomes problem details; anything else becomes 500 and a line for the operator. */
import { type Fault, type FaultDetail, isFault } from "../base/fault.ts";
import { FAULT_CODES, type FaultCode } from "../base/fault-codes.ts";
import type { Log } from "../base/log.ts";
import type { Problem } from "../wire/messages.ts";
import { problemForAdmin, problemOf } from "../wire/problem.ts";

/** What the guest learns, and under which fault code the operator finds it. */
export interface Refused {
  readonly code: FaultCode;
  readonly problem: Problem;
  /** Headers that say when, how or with which method to come again. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Which request it was, and whether an admin's signature on it was good. */
export interface Asked {
  readonly id: string;
  readonly isAdmin: boolean;
  readonly log: Log;
}

/**
 * Answers a thrown value. The line it logs has the fault code, its message and its facts, which hold no secret (STYLE section
 * 1); of an exception that is no fault, the name and the place: its message may hold anything.
 */
export function refusedOf(thrown: unknown, about: Asked): Refused {
  const { id, log } = about;
  if (!isFault(thrown)) {
    log("error", "unexpected-exception", { id, name: nameOf(thrown), place: placeOf(thrown) });
    return { code: "internal/invariant", problem: problemOf("internal/invariant", id), headers: {} };
  }
  const level = FAULT_CODES[thrown.code].status >= 500 ? "error" : "info";
  log(level, "refused", { ...prefixed(thrown), id, code: thrown.code, message: thrown.message });
  const isKnown = about.isAdmin || thrown.code === "admin/forbidden"; // said to nobody but an admin whose signature is good
  const isForAdmin = isKnown && FAULT_CODES[thrown.code].status < 500;
  const problem = isForAdmin ? problemForAdmin(thrown, id) : problemOf(thrown.code, id, sentenceOf(thrown));
  return { code: thrown.code, problem, headers: headersOf(thrown) };
}

const TRY_LATER_SECONDS = 5;

function headersOf({ code, detail }: Fault): Readonly<Record<string, string>> {
  const { status } = FAULT_CODES[code];
  if (code === "request/rate-limited") return { "retry-after": String(detail["retryAfterSeconds"] ?? 1) };
  if (code === "request/wrong-method") return { allow: String(detail["allow"] ?? "") };
  if (status === 401) return challengeOf(code, detail);
  return status === 503 ? { "retry-after": String(TRY_LATER_SECONDS) } : {};
}

/** RFC 9449 sections 7.1 and 9: what was wrong with the proof, and the nonce to make the next one with. */
function challengeOf(code: FaultCode, detail: FaultDetail): Readonly<Record<string, string>> {
  const error = DPOP_ERRORS.get(code);
  if (error === undefined) return { "www-authenticate": "Bearer" };
  const nonce = detail["dpopNonce"];
  return {
    "www-authenticate": `DPoP error="${error}", algs="ES256 ES384 EdDSA Ed25519"`,
    ...(typeof nonce === "string" ? { "dpop-nonce": nonce } : {}),
  };
}

const DPOP_ERRORS: ReadonlyMap<FaultCode, string> = new Map([
  ["token/invalid", "invalid_token"],
  ["token/bad-proof", "invalid_dpop_proof"],
  ["token/wants-nonce", "use_dpop_nonce"],
]);

/** Whose sentence is for everybody: of a denial what the policy itself publishes (WRIT section 10), what is to be approved, and that a broker is sealed; of the KBS what it speaks and where its policies come from. */
const PUBLISHED: ReadonlySet<FaultCode> = new Set([
  "policy/denied",
  "policy/needs-approval",
  "kek/sealed",
  "kbs/other-version",
  "kbs/other-tee",
  "kbs/policy-elsewhere",
]);

function sentenceOf(fault: Fault): string | undefined {
  const sentence = fault.detail["sentence"];
  return PUBLISHED.has(fault.code) && typeof sentence === "string" ? sentence : undefined;
}

function prefixed(fault: Fault): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(Object.entries(fault.detail).map(([name, value]) => [`detail.${name}`, value]));
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}

/** The first frame of the stack: a function and a line of ours. */
function placeOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
  return /^\s+at (.*)$/m.exec(stack)?.[1] ?? "unknown";
}
