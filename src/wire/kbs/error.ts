/** How does the drop-in KBS say no? `ErrorInformation`, with the status by which the stock client attests again or stops. */
import * as v from "valibot";
import type { FaultCode } from "../../base/fault-codes.ts";
import { encode } from "../codec.ts";
import type { Problem } from "../messages.ts";

export const KBS_ERROR = v.object({ type: v.string(), detail: v.string() });

const TYPE = "https://github.com/confidential-containers/kbs/errors/";

interface Row {
  readonly begins: string;
  readonly variant: string;
  readonly status?: number;
}

/** On 401 the client attests and asks again, a few times; at any other status it stops. The first row that fits is taken. */
const ROWS: readonly Row[] = [
  { begins: "request/rate-limited", variant: "PluginInternalError", status: 429 },
  { begins: "request/too-large", variant: "SerdeError", status: 413 },
  { begins: "request/not-found", variant: "PluginNotFound", status: 404 },
  { begins: "request/wrong-method", variant: "InvalidRequestPath", status: 405 },
  { begins: "request/", variant: "SerdeError" },
  { begins: "kbs/no-session", variant: "TokenNotFound" },
  { begins: "kbs/bad-path", variant: "InvalidRequestPath", status: 404 },
  { begins: "kbs/policy-elsewhere", variant: "ParsePolicyError" },
  { begins: "secret/absent", variant: "PluginInternalError", status: 404 },
  { begins: "policy/", variant: "PolicyDeny" },
  { begins: "obligation/", variant: "PolicyDeny" },
  { begins: "token/", variant: "TokenVerifierError" },
  { begins: "admin/", variant: "AdminAuthAccess" },
  { begins: "channel/bad-key", variant: "JweError" },
];

/** What the guest is told of a problem: type and status as its client knows them, wire code and decision id in the detail. */
export function kbsErrorOf(
  code: FaultCode,
  problem: Problem,
): { readonly status: number; readonly body: string } {
  const isOurs = problem.status >= 500;
  const row = isOurs ? undefined : ROWS.find(({ begins }) => code.startsWith(begins));
  const variant = row?.variant ?? (isOurs ? "PluginInternalError" : "AttestationError");
  const status = isOurs ? problem.status : (row?.status ?? 401);
  const detail = `${problem.detail ?? problem.title} (${problem.code}, ${problem.instance})`;
  return { status, body: encode({ type: `${TYPE}${variant}`, detail }) };
}
