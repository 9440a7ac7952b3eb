/** Which errors exist, and what of each crosses the wire? One table; `docs/errors.md` is generated from it. */

/**
 * The error taxonomy. `status` and `wire` are the answer to a guest or an admin (PROTOCOL section 5); `next` is the
 * sentence that tells the operator what to do. Renaming a code is a breaking change.
 */
export const FAULT_CODES = {
  "request/malformed": {
    status: 400,
    wire: "malformed-request",
    next: "send the request as /openapi.json describes it",
  },
  "request/too-large": {
    status: 413,
    wire: "too-large",
    next: "keep within the limits of /.well-known/ostiary",
  },
  "request/rate-limited": { status: 429, wire: "slow-down", next: "wait as long as Retry-After says" },
  "request/not-found": {
    status: 404,
    wire: "not-found",
    next: "look at /openapi.json for the paths of this broker",
  },
  "request/wrong-method": {
    status: 405,
    wire: "malformed-request",
    next: "use a method that the Allow header names",
  },
  "request/wrong-media-type": {
    status: 415,
    wire: "malformed-request",
    next: "send the body as application/json",
  },
  "request/conflict": { status: 409, wire: "conflict", next: "read the current state and ask again" },

  "evidence/malformed": {
    status: 400,
    wire: "malformed-evidence",
    next: "send the report exactly as the firmware gave it",
  },
  "evidence/unknown-version": {
    status: 400,
    wire: "malformed-evidence",
    next: "report versions 2, 3, 4 and 5 are known",
  },
  "evidence/reserved-bits": {
    status: 400,
    wire: "malformed-evidence",
    next: "a newer firmware needs a newer Ostiary",
  },
  "evidence/unknown-algorithm": {
    status: 400,
    wire: "malformed-evidence",
    next: "only ECDSA P-384 with SHA-384 is known",
  },
  "evidence/unsigned": { status: 403, wire: "rejected-evidence", next: "unmask the chip key on the host" },
  "evidence/host-requested": {
    status: 403,
    wire: "rejected-evidence",
    next: "ask for the report from inside the guest",
  },
  "evidence/unknown-product": {
    status: 403,
    wire: "rejected-evidence",
    next: "a newer processor needs a newer Ostiary",
  },
  "evidence/bad-signature": {
    status: 403,
    wire: "rejected-evidence",
    next: "the report was altered or is not of this chip",
  },
  "evidence/tcb-order": {
    status: 403,
    wire: "rejected-evidence",
    next: "the report contradicts itself; do not trust the host",
  },

  "endorsement/missing": {
    status: 403,
    wire: "rejected-evidence",
    next: "send the VCEK or VLEK with the evidence, or let the broker ask AMD's KDS",
  },
  "endorsement/malformed": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the certificate again from AMD's KDS",
  },
  "endorsement/untrusted-root": {
    status: 403,
    wire: "rejected-evidence",
    next: "only AMD's pinned ARKs are trust anchors",
  },
  "endorsement/product-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the certificate is for another product line",
  },
  "endorsement/kind-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the report says which of VCEK and VLEK signed it",
  },
  "endorsement/bad-signature": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the chain again from AMD's KDS",
  },
  "endorsement/not-yet-valid": {
    status: 403,
    wire: "rejected-evidence",
    next: "look at the clock of the broker",
  },
  "endorsement/expired": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the certificate again from AMD's KDS",
  },
  "endorsement/crl-missing": {
    status: 503,
    wire: "try-later",
    next: "import AMD's CRL or let the broker fetch it",
  },
  "endorsement/crl-invalid": {
    status: 403,
    wire: "rejected-evidence",
    next: "import the CRL of the product's own ARK",
  },
  "endorsement/crl-stale": {
    status: 503,
    wire: "try-later",
    next: "fetch or import a CRL that is within its dates",
  },
  "endorsement/revoked": {
    status: 403,
    wire: "rejected-evidence",
    next: "AMD revoked this intermediate; use the current chain",
  },
  "endorsement/tcb-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "fetch the certificate for the reported TCB",
  },
  "endorsement/chip-mismatch": {
    status: 403,
    wire: "rejected-evidence",
    next: "the certificate is of another chip",
  },
  "endorsement/unavailable": {
    status: 503,
    wire: "try-later",
    next: "AMD's KDS or its mirror did not answer; try again later",
  },

  "nonce/invalid": { status: 409, wire: "stale-nonce", next: "ask this broker for a new challenge" },
  "nonce/expired": {
    status: 409,
    wire: "stale-nonce",
    next: "ask for a new challenge and answer it within its lifetime",
  },
  "nonce/spent": {
    status: 409,
    wire: "stale-nonce",
    next: "ask for a new challenge; a nonce opens one door",
  },

  "channel/bad-carrier": {
    status: 403,
    wire: "rejected-evidence",
    next: "carry the evidence as the binding says",
  },
  "channel/not-bound": {
    status: 403,
    wire: "rejected-evidence",
    next: "make a report over this exchange's own transcript",
  },
  "channel/wrong-listener": {
    status: 421,
    wire: "wrong-channel",
    next: "use a binding that this listener offers",
  },
  "channel/bad-release": {
    status: 502,
    wire: "bad-release",
    next: "the answer is not from the broker that this guest trusts",
  },
  "channel/bad-key": {
    status: 400,
    wire: "malformed-request",
    next: "send a fresh public key of the suite's length",
  },

  "policy/denied": { status: 403, wire: "denied", next: "look the decision up with its id" },
  "policy/malformed": {
    status: 422,
    wire: "malformed-policy",
    next: "mend the policy; `ostiary writ check` shows where",
  },
  "policy/bad-signature": {
    status: 401,
    wire: "unauthorized",
    next: "sign the bundle with a known admin key",
  },
  "policy/not-next": { status: 409, wire: "conflict", next: "propose again on top of the live bundle" },
  "policy/unknown": { status: 404, wire: "not-found", next: "`ostiary policy list` shows the known bundles" },
  "obligation/exhausted": {
    status: 403,
    wire: "denied",
    next: "the policy's limit is used up; look at the decision",
  },

  "audience/unknown": {
    status: 404,
    wire: "not-found",
    next: "`ostiary audience list` shows the registered ones",
  },
  "audience/exists": {
    status: 409,
    wire: "conflict",
    next: "remove the audience that has this name or this `aud`, or choose another name",
  },
  "audience/unregistered": {
    status: 403,
    wire: "denied",
    next: "register the audience (`ostiary audience add`) and let a policy release `token/NAME`",
  },

  "token/invalid": { status: 401, wire: "unauthorized", next: "ask for a new token" },
  "token/bad-proof": {
    status: 401,
    wire: "unauthorized",
    next: "make a new DPoP proof with the token's own key, for this method, URL and token",
  },
  "token/wants-nonce": {
    status: 401,
    wire: "unauthorized",
    next: "make the proof again with the nonce of the DPoP-Nonce header",
  },
  "admin/unauthorized": {
    status: 401,
    wire: "unauthorized",
    next: "sign the request with a configured admin key",
  },

  "secret/unknown": { status: 404, wire: "not-found", next: "`ostiary secret list` shows the known paths" },
  "secret/exists": { status: 409, wire: "conflict", next: "rotate the secret to add a version" },
  "secret/disabled": { status: 409, wire: "conflict", next: "this version was disabled or destroyed" },
  "secret/in-use": {
    status: 409,
    wire: "conflict",
    next: "`ostiary secret readers PATH` names them; let them confirm a later version, or name their number in --despite",
  },
  "secret/not-read": {
    status: 409,
    wire: "conflict",
    next: "confirm a version that this guest was given since it started",
  },
  "secret/malformed": {
    status: 500,
    wire: "internal",
    next: "the stored envelope was altered; restore it from a backup",
  },

  "ledger/malformed": {
    status: 500,
    wire: "internal",
    next: "the export or the store was altered; keep it for forensics",
  },
  "ledger/inconsistent": {
    status: 500,
    wire: "internal",
    next: "the log was altered or forked; stop and investigate",
  },
  "ledger/rolled-back": {
    status: 503,
    wire: "try-later",
    next: "find out who put an older database back; where it was you, `ostiary restore` does it so that it stands in the log",
  },

  "store/unavailable": {
    status: 503,
    wire: "try-later",
    next: "look at the database: disk, permissions, locks",
  },
  "store/malformed-backup": {
    status: 400,
    wire: "malformed-request",
    next: "take another copy of this backup, and the key that it was made for",
  },
  "store/incompatible": {
    status: 503,
    wire: "try-later",
    next: "run the Ostiary version that made this database, or a newer one",
  },
  "kek/unavailable": {
    status: 503,
    wire: "try-later",
    next: "make the key-encryption key readable for the broker",
  },
  "kek/sealed": {
    status: 503,
    wire: "try-later",
    next: "give shares of the root key with `ostiary kek unseal` until enough people did",
  },
  "kek/bad-share": { status: 400, wire: "malformed-request", next: "give a whole share of the root key" },
  "kek/wrong-key": {
    status: 503,
    wire: "try-later",
    next: "give the key-encryption key that this database was made with",
  },

  "clock/behind": {
    status: 503,
    wire: "try-later",
    next: "set the clock right and start again; where it was ahead before, start once with `--clock-was-ahead`",
  },

  "config/invalid": {
    status: 500,
    wire: "internal",
    next: "mend the configuration; `ostiary serve --check` reads it",
  },
  "file/unusable": { status: 500, wire: "internal", next: "look at the file's path and permissions" },
  "broker/unreachable": {
    status: 503,
    wire: "try-later",
    next: "look at the broker's address and the network",
  },
  "broker/no-evidence": {
    status: 502,
    wire: "bad-broker",
    next: "nobody proved this broker; ask its operator, or configure the guest to do with a pinned key",
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
  "provider/unavailable": {
    status: 503,
    wire: "try-later",
    next: "run `ostiary agent` inside an SEV-SNP guest with configfs-tsm",
  },
  "internal/invariant": {
    status: 500,
    wire: "internal",
    next: "report this as a bug of Ostiary, with the id",
  },
} as const satisfies Record<
  string,
  { readonly status: number; readonly wire: string; readonly next: string }
>;

export type FaultCode = keyof typeof FAULT_CODES;
export type WireCode = (typeof FAULT_CODES)[FaultCode]["wire"];
