/** How does the Vault surface answer? In Vault's envelope; a no is one short line with the decision, never a secret, never a 404. */
import type { JsonObject } from "../../base/canonical-json.ts";
import { type Fault, isFault } from "../../base/fault.ts";
import { FAULT_CODES, type FaultCode } from "../../base/fault-codes.ts";

export interface VaultAnswer {
  readonly status: number;
  /** Absent for 204. */
  readonly body?: JsonObject;
}

/** What an answer of Vault's has beside what was asked for. */
export function dataAnswer(data: JsonObject, more: JsonObject = {}): VaultAnswer {
  return { status: 200, body: { ...ENVELOPE, data, ...more } };
}

const ENVELOPE = {
  request_id: "",
  lease_id: "",
  renewable: false,
  lease_duration: 0,
  wrap_info: null,
  warnings: null,
  auth: null,
} as const;

export function authAnswer(auth: JsonObject): VaultAnswer {
  return { status: 200, body: { ...ENVELOPE, data: null, auth } };
}

/** There is no such key: the one thing that 404 ever says here. */
export const ABSENT: VaultAnswer = { status: 404, body: { errors: [] } };

/** Percona Server for MongoDB reads these very words. */
const OTHER_VERSION = "check-and-set parameter did not match the current version";

export function refusal(status: 400 | 403 | 405 | 413 | 503, sentence: string): VaultAnswer {
  return { status, body: { errors: [`ostiary: ${sentence}`] } };
}

/** What a program is told of a fault. It may write it into its own log, so it names the code and the decision and nothing else. */
export function answerOfFault(thrown: unknown): VaultAnswer {
  if (!isFault(thrown)) return refusal(503, "internal/invariant");
  if (thrown.code === "secret/absent") return ABSENT;
  if (thrown.code === "secret/other-version") return { status: 400, body: { errors: [OTHER_VERSION] } };
  const about = thrown.code === "vault/other-form" ? `: ${thrown.message}` : decisionOf(thrown);
  return refusal(statusOf(thrown.code), `${thrown.code}${about}`);
}

/** A broker that answers something else than a broker does is out of reach as one that answers nothing. */
function statusOf(code: FaultCode): 400 | 403 | 413 | 503 {
  const { status } = FAULT_CODES[code];
  if (status === 401 || status === 403) return 403;
  if (status === 413) return 413;
  return status === 429 || status >= 500 ? 503 : 400;
}

function decisionOf({ detail }: Fault): string {
  const id = detail["id"] ?? detail["decision"];
  return typeof id === "string" ? `, decision ${id}` : "";
}
