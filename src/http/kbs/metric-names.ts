/** Which metrics of another KBS are counted here? Under its names, but for labels that have no bound. */

const COUNTER = { kind: "counter", isBorrowed: true } as const;

export const KBS_METRICS = {
  kbs_http_requests: { ...COUNTER, help: "Requests to /kbs/v0 by route, method and status" },
  kbs_http_request_duration_seconds: {
    kind: "histogram",
    isBorrowed: true,
    help: "Seconds from the arrival of a request to /kbs/v0 to its answer",
    bounds: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  kbs_auth_requests: { ...COUNTER, help: "Sessions that were asked for" },
  kbs_auth_successes: { ...COUNTER, help: "Sessions that were opened" },
  kbs_auth_errors: { ...COUNTER, help: "Sessions that were refused" },
  kbs_attestation_requests: { ...COUNTER, help: "Attestations that could be read" },
  kbs_attestation_successes: { ...COUNTER, help: "Attestations that ended in a token, by machine" },
  kbs_attestation_failures: { ...COUNTER, help: "Attestations that were refused, by machine" },
  kbs_attestation_errors: { ...COUNTER, help: "Attestations that nobody could decide" },
  kbs_policy_evaluations: { ...COUNTER, help: "Resources that policy was asked about" },
  kbs_policy_approvals: { ...COUNTER, help: "Resources that policy allowed and that were sealed" },
  kbs_policy_violations: { ...COUNTER, help: "Resources that policy refused" },
  kbs_policy_errors: { ...COUNTER, help: "Resources that nobody could decide about" },
  kbs_resource_reads: { ...COUNTER, help: "Resources that were sealed to a guest" },
  kbs_resource_writes: { ...COUNTER, help: "Resources that an admin put" },
} as const;
