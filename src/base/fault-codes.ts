/** Which errors exist, and what of each crosses the wire? One table; `docs/errors.md` is generated from it. */
import { DISK_FAULT_CODES } from "./disk-fault-codes.ts";
import { EVIDENCE_FAULT_CODES } from "./evidence-fault-codes.ts";
import type { FaultRow } from "./fault-row.ts";
import { GOVERNANCE_FAULT_CODES } from "./governance-fault-codes.ts";
import { GUEST_FAULT_CODES } from "./guest-fault-codes.ts";
import { KBS_FAULT_CODES } from "./kbs-fault-codes.ts";
import { MEASUREMENT_FAULT_CODES } from "./measurement-fault-codes.ts";
import { REFERENCE_FAULT_CODES } from "./reference-fault-codes.ts";

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

  ...EVIDENCE_FAULT_CODES,

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
  "policy/unexplained-gain": {
    status: 409,
    wire: "conflict",
    next: "`ostiary policy replay DIGEST` shows who gains; `ostiary policy explain DIGEST --because TEXT` signs why",
  },
  "policy/shadow-altered": {
    status: 503,
    wire: "unavailable",
    next: "somebody wrote to the database: find out who, and restore a backup",
  },
  "policy/unknown": { status: 404, wire: "not-found", next: "`ostiary policy list` shows the known bundles" },
  "policy/nobody-to-notify": {
    status: 409,
    wire: "conflict",
    next: "add a [[notify]] of this name to the broker's configuration, or take the name out of the policy",
  },
  "obligation/exhausted": {
    status: 403,
    wire: "denied",
    next: "the policy's limit is used up; look at the decision",
  },

  "finding/unknown": {
    status: 404,
    wire: "not-found",
    next: "`ostiary findings list` shows what there is, open and ended",
  },

  "fleet/unknown": {
    status: 404,
    wire: "not-found",
    next: "`ostiary fleet list` shows the guests that came; a scan reads new ones off the log",
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
  "token/wants-evidence": {
    status: 401,
    wire: "unauthorized",
    next: "attest anew: nothing is renewed on evidence this old, or judged before the broker's key, CRL or database was another",
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
  "secret/absent": {
    status: 403,
    wire: "absent",
    next: "put the secret (`ostiary secret put`), or ask for a version that there is",
  },
  "secret/exists": { status: 409, wire: "conflict", next: "rotate the secret to add a version" },
  "secret/disabled": { status: 409, wire: "conflict", next: "this version was disabled or destroyed" },
  "secret/import-key": {
    status: 409,
    wire: "conflict",
    next: "fetch another import key (`ostiary secret import-key`) and seal the secret to that one",
  },
  "secret/in-use": {
    status: 409,
    wire: "conflict",
    next: "`ostiary secret readers PATH` names them; let them confirm a later version, or name their number in --despite",
  },
  "secret/lease-lost": {
    status: 409,
    wire: "conflict",
    next: "an admin broke the lease at that moment: ask again",
  },
  "secret/other-version": {
    status: 409,
    wire: "other-version",
    next: "somebody wrote a version meanwhile: read the newest one, and write with its number where the write is still wanted",
  },
  "secret/versions-full": {
    status: 409,
    wire: "conflict",
    next: "let the guests that hold old versions confirm a later one (`ostiary secret readers PATH`), or destroy some",
  },
  "secret/not-leased": {
    status: 409,
    wire: "conflict",
    next: "`ostiary secret lease PATH` says who holds it, under which fence",
  },
  "secret/not-read": {
    status: 409,
    wire: "conflict",
    next: "confirm a version that this guest was given since it started",
  },
  "secret/unfit": {
    status: 422,
    wire: "malformed-request",
    next: "look at the format that the guest asks for, and at what was put as that secret",
  },
  "secret/malformed": {
    status: 500,
    wire: "internal",
    next: "the stored envelope was altered; restore it from a backup",
  },

  "transit/not-opened": {
    status: 422,
    wire: "not-opened",
    next: "the text, its context, its key or its version is another; the decision says whether the version is in use",
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
  "ledger/filling": {
    status: 503,
    wire: "try-later",
    next: "wait until the tiles of this log are made, or make them with `ostiary store migrate`",
  },
  "ledger/rolled-back": {
    status: 503,
    wire: "try-later",
    next: "find out who put an older database back; where it was you, `ostiary restore` does it so that it stands in the log",
  },

  "ledger/kept": {
    status: 409,
    wire: "conflict",
    next: "have the configuration keep traces for fewer days, `[ledger] keep_traces_days`, or ask for older ones",
  },
  "ledger/forked": {
    status: 503,
    wire: "try-later",
    next: "somebody signed two logs with this ledger key: keep the evidence that the sentence names, and find out who has the key",
  },

  "witness/unreachable": {
    status: 503,
    wire: "try-later",
    next: "look at the witness and at the way to it; with `required = false` a broker starts without having asked it",
  },
  "witness/refused": {
    status: 503,
    wire: "try-later",
    next: "let the witness's operator add this log's key (`ostiary ledger head`), and compare its own with the one in [[ledger.witness]]",
  },

  "sink/unreachable": {
    status: 503,
    wire: "try-later",
    next: "look at who is told of events ([[audit]], [[notify]], [traces]) and at the way there; nothing is lost meanwhile",
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

  "tpm/unavailable": {
    status: 503,
    wire: "try-later",
    next: "look at the TPM: its device, who may open it, and whether its owner has a password",
  },
  "tpm/malformed": {
    status: 503,
    wire: "try-later",
    next: "what answered is no TPM 2.0, or somebody stands between it and the broker: find out who",
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
  "process/lost": {
    status: 503,
    wire: "try-later",
    next: "look at the log's lines before this one, and at the memory of the machine",
  },
  "file/unusable": { status: 503, wire: "try-later", next: "look at the file's path and permissions" },
  ...GOVERNANCE_FAULT_CODES,
  ...KBS_FAULT_CODES,
  ...GUEST_FAULT_CODES,
  ...DISK_FAULT_CODES,
  ...MEASUREMENT_FAULT_CODES,
  ...REFERENCE_FAULT_CODES,
  "internal/invariant": {
    status: 500,
    wire: "internal",
    next: "report this as a bug of Ostiary, with the id",
  },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof FAULT_CODES;
export type WireCode = (typeof FAULT_CODES)[FaultCode]["wire"];
