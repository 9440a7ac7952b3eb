/** What do dashboards of another KBS find here? Its counters under their names, with labels from closed sets. */
import type { CarriedEvidence } from "../../attestation/evidence.ts";
import { isFault } from "../../base/fault.ts";
import { FAULT_CODES } from "../../base/fault-codes.ts";
import type { MetricName, Metrics } from "../metrics.ts";

type KbsMetric = Extract<MetricName, `kbs_${string}`>;

export function counted(
  metrics: Metrics,
  name: KbsMetric,
  labels: Readonly<Record<string, string>> = {},
): void {
  metrics.count(name, labels);
}

/** One `POST /kbs/v0/auth`. */
export async function countedAuth<T>(metrics: Metrics, work: () => Promise<T>): Promise<T> {
  counted(metrics, "kbs_auth_requests");
  try {
    const answer = await work();
    counted(metrics, "kbs_auth_successes");
    return answer;
  } catch (thrown) {
    counted(metrics, "kbs_auth_errors");
    throw thrown;
  }
}

/** One attestation that could be read: a failure is a no of ours about the guest, an error is that nobody could say. */
export async function countedAttestation<T>(
  format: CarriedEvidence["format"],
  metrics: Metrics,
  work: () => Promise<T>,
): Promise<T> {
  const labels = { tee_type: format === "azure-hcl" ? "az-snp-vtpm" : "snp" };
  counted(metrics, "kbs_attestation_requests");
  try {
    const answer = await work();
    counted(metrics, "kbs_attestation_successes", labels);
    return answer;
  } catch (thrown) {
    if (isOurs(thrown)) counted(metrics, "kbs_attestation_errors");
    else counted(metrics, "kbs_attestation_failures", labels);
    throw thrown;
  }
}

/** One wanted resource, and what policy said of it where it was asked. */
export async function countedRead<T>(metrics: Metrics, work: () => Promise<T>): Promise<T> {
  try {
    const answer = await work();
    for (const name of ["kbs_resource_reads", "kbs_policy_evaluations", "kbs_policy_approvals"] as const) {
      counted(metrics, name);
    }
    return answer;
  } catch (thrown) {
    const isDenied = isFault(thrown) && /^(?:policy|obligation)\//.test(thrown.code);
    if (isDenied) counted(metrics, "kbs_policy_evaluations");
    if (isDenied) counted(metrics, "kbs_policy_violations");
    if (isOurs(thrown)) counted(metrics, "kbs_policy_errors");
    throw thrown;
  }
}

function isOurs(thrown: unknown): boolean {
  return !isFault(thrown) || FAULT_CODES[thrown.code].status >= 500;
}
