/** Which errors has the drop-in KBS of its own? A part of `fault-codes.ts`; how its guests read them stands in `wire/kbs/error.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const KBS_FAULT_CODES = {
  "kbs/other-version": {
    status: 401,
    wire: "wrong-protocol",
    next: "update the guest's components to protocol 0.4.0, or list 0.2.0 under `versions` of [kbs]",
  },
  "kbs/other-tee": {
    status: 401,
    wire: "wrong-protocol",
    next: "this broker attests SEV-SNP guests: `snp`, and `az-snp-vtpm` on Azure",
  },
  "kbs/no-session": {
    status: 401,
    wire: "unauthorized",
    next: "attest first: POST /kbs/v0/auth, then /kbs/v0/attest",
  },
  "kbs/bad-path": {
    status: 404,
    wire: "not-found",
    next: "name a resource by three segments, repository/type/tag, of letters, digits, `_`, `-` and `.`",
  },
  "kbs/init-data": {
    status: 403,
    wire: "rejected-evidence",
    next: "start the guest with the init-data that it sends, or send none",
  },
  "kbs/policy-elsewhere": {
    status: 401,
    wire: "forbidden",
    next: "policies are bundles of Writ that people sign: `ostiary policy import-trustee`, then `ostiary policy propose`",
  },
} as const satisfies Record<string, FaultRow>;
