/** Which errors does a guest have with its broker and with its own chip? A part of `fault-codes.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const GUEST_FAULT_CODES = {
  "broker/unreachable": {
    status: 503,
    wire: "try-later",
    next: "look at the broker's address and the network",
  },
  "broker/other-tls-key": {
    status: 503,
    wire: "try-later",
    next: "see whom the name resolves to, or pin the key that the broker has now; nothing was sent",
  },
  "broker/no-evidence": {
    status: 502,
    wire: "bad-broker",
    next: "nobody proved this broker; ask its operator, or configure the guest to do with a pinned key",
  },
  "broker/no-credential": {
    status: 502,
    wire: "bad-broker",
    next: "this broker knows no quote of an SVSM's vTPM, or not the kind of its endorsement key; update the broker, or leave --svsm-vtpm out",
  },
  "broker/bad-evidence": {
    status: 502,
    wire: "bad-broker",
    next: "the broker's evidence is not genuine; the detail `reason` says at which check",
  },
  "broker/not-bound": {
    status: 502,
    wire: "bad-broker",
    next: "the evidence was made for another exchange or connection; something stands in between",
  },
  "broker/other-audience": {
    status: 502,
    wire: "bad-broker",
    next: "this is the broker of somebody else; look at --broker and --audience",
  },
  "broker/other-cluster": {
    status: 502,
    wire: "bad-broker",
    next: "this is a broker of another cluster; look at --broker-cluster",
  },
  "broker/other-key": {
    status: 502,
    wire: "bad-broker",
    next: "the attested key is not the pinned one; look at --signing-key",
  },
  "broker/expired": {
    status: 502,
    wire: "bad-broker",
    next: "the broker has to prove itself anew; look at the clocks of guest and broker",
  },
  "broker/bad-session": {
    status: 502,
    wire: "bad-broker",
    next: "another one than the attested broker answers on this connection",
  },
  "broker/debug": {
    status: 502,
    wire: "bad-broker",
    next: "the host can read this broker's memory; do not trust it",
  },
  "broker/vmpl": {
    status: 502,
    wire: "bad-broker",
    next: "the broker's report is of another privilege level; look at --broker-vmpl",
  },
  "broker/denied": {
    status: 502,
    wire: "bad-broker",
    next: "the guest's own policy refuses this broker; compare its measurement and firmware with the policy",
  },
  "vault/other-form": {
    status: 400,
    wire: "malformed-request",
    next: "compare what the program wrote, or what lies at the broker, with `field` and `encoding` of its [[vault]]",
  },
  "provider/unavailable": {
    status: 503,
    wire: "try-later",
    next: "run `ostiary agent` inside an SEV-SNP guest whose kernel, device or vTPM gives evidence; the message says what is missing",
  },
  "provider/busy": {
    status: 503,
    wire: "try-later",
    next: "wait: others of this guest ask the secure processor, or the host holds them up",
  },
  "provider/key-wiped": {
    status: 503,
    wire: "try-later",
    next: "reboot this guest: its kernel gave up the key to the secure processor after an error of the host, and no report comes until then",
  },
} as const satisfies Record<string, FaultRow>;
