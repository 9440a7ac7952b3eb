/** Which errors are about who may do what, and about policy that others have to agree to? A part of `fault-codes.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const GOVERNANCE_FAULT_CODES = {
  "admin/forbidden": {
    status: 403,
    wire: "forbidden",
    next: "ask an admin whose roles and paths reach this (`ostiary admin list`)",
  },
  "login/refused": {
    status: 401,
    wire: "unauthorized",
    next: "the broker's log says what was wrong with the ID token; an account that is no admin's is added by the root (`ostiary admin add NAME --issuer URL --subject ID`)",
  },
  "login/unavailable": {
    status: 503,
    wire: "try-later",
    next: "see that the broker reaches the provider and its keys; until then use an admin key",
  },
  "login/not-offered": {
    status: 404,
    wire: "not-found",
    next: "name a provider in [[oidc]] of the broker's configuration, or use an admin key",
  },
  "login/failed": {
    status: 401,
    wire: "unauthorized",
    next: "sign in again; the provider said no, or nobody came in time",
  },
  "login/signs-nothing": {
    status: 403,
    wire: "forbidden",
    next: "sign statements with an admin key (`--key FILE --kid NAME`): a session opens no approval",
  },
  "roster/bad-statement": {
    status: 401,
    wire: "unauthorized",
    next: "have enough people of the root sign the statement (`ostiary admin sign FILE`)",
  },
  "roster/not-next": {
    status: 409,
    wire: "conflict",
    next: "make the statement anew: the roster or the live policy changed meanwhile",
  },
  "roster/altered": {
    status: 503,
    wire: "try-later",
    next: "the admins in the database are not those that were signed, or some were cut off; restore it, or read docs/governance.md, Lost keys",
  },
  "policy/unapproved": {
    status: 403,
    wire: "unapproved",
    next: "`ostiary policy review DIGEST` says who must still approve",
  },
  "policy/unknown-use": {
    status: 409,
    wire: "conflict",
    next: "say a --since from which every release has its facts (`keep_traces_days` says how long they stay), or look at what is different with `ostiary policy replay`",
  },
  "policy/needs-approval": {
    status: 403,
    wire: "approval-needed",
    next: "have people of the groups that the policy names approve the request (`ostiary approval give REQUEST`), and ask again",
  },
  "policy/altered": {
    status: 503,
    wire: "try-later",
    next: "the log holds a later activation than the database; find out who wrote to it, and restore it from a backup",
  },
  "policy/bad-approval": {
    status: 401,
    wire: "unauthorized",
    next: "review the bundle again and approve what is shown (`ostiary policy approve DIGEST`)",
  },
  "advisory/malformed": {
    status: 422,
    wire: "malformed-request",
    next: "mend the advisory; docs/reference-values.md shows its members",
  },
  "advisory/bad-signature": {
    status: 401,
    wire: "unauthorized",
    next: "have enough operators sign it, as an advisory and nothing else (`ostiary advisory sign FILE`)",
  },
  "advisory/older": {
    status: 409,
    wire: "conflict",
    next: "give it a higher serial than the one that the broker has (`ostiary advisory show`)",
  },
  "advisory/lowers": {
    status: 409,
    wire: "conflict",
    next: "keep the figure, or say under `withdrawn` why it counts no more",
  },
  "advisory/early": {
    status: 422,
    wire: "malformed-request",
    next: "set `issued` to a day that has begun, or the clock right",
  },
  "advisory/unknown": {
    status: 404,
    wire: "not-found",
    next: "`ostiary advisory show` lists the bulletins; `ostiary advisory import FILE` brings others",
  },
  "advisory/altered": {
    status: 409,
    wire: "conflict",
    next: "the advisory in the database is not the one that was signed and logged; import it again, signed by operators of now",
  },
} as const satisfies Record<string, FaultRow>;
