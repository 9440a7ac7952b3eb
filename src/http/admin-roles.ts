/** Which roles may use which path? One table; a path of admins that has no row here serves nobody. */
import { Fault } from "../base/fault.ts";
import { type Admin, type Role, reaches } from "../policy/admins.ts";
import type { Route } from "./route.ts";

/** What a role that reaches only some paths may ask for. */
type Reach =
  /** The path that stands in the request has to be under the admin's. */
  | "path"
  /** Only who reaches every path: what is asked for belongs to all of them. */
  | "every"
  /** Anybody of the role; where it matters what it is about, the use case judges. */
  | "any";

interface RoleRow {
  readonly roles: readonly Role[];
  readonly reach: Reach;
}

const ALL: readonly Role[] = ["author", "approver", "operator", "auditor", "break-glass"];
const READERS: readonly Role[] = ["operator", "auditor"];
const OPERATOR: readonly Role[] = ["operator"];

/** `METHOD path`, as `ROUTES` has it. */
export const ADMIN_ROLES: Readonly<Record<string, RoleRow>> = {
  "GET /v1/admin/secrets": { roles: READERS, reach: "any" },
  "GET /v1/admin/secrets/*": { roles: READERS, reach: "path" },
  "PUT /v1/admin/secrets/*": { roles: OPERATOR, reach: "path" },
  "POST /v1/admin/secrets/*": { roles: OPERATOR, reach: "path" },
  "PATCH /v1/admin/secrets/*": { roles: OPERATOR, reach: "path" },
  "POST /v1/admin/import-keys": { roles: OPERATOR, reach: "any" },
  "GET /v1/admin/readers/*": { roles: READERS, reach: "path" },
  "GET /v1/admin/leases/*": { roles: READERS, reach: "path" },
  "POST /v1/admin/leases/*": { roles: OPERATOR, reach: "path" },
  "GET /v1/admin/policies": { roles: ALL, reach: "any" },
  "GET /v1/admin/policies/{digest}": { roles: ALL, reach: "any" },
  "POST /v1/admin/policies": { roles: ["author"], reach: "any" },
  "PUT /v1/admin/policies/{digest}": { roles: ["author", "operator"], reach: "any" },
  "GET /v1/admin/policy-reviews/{digest}": { roles: ALL, reach: "any" },
  "PUT /v1/admin/policy-reviews/{digest}": { roles: ["approver"], reach: "any" },
  "GET /v1/admin/admins": { roles: ALL, reach: "any" },
  "POST /v1/admin/admins": { roles: ALL, reach: "any" },
  "GET /v1/admin/approvals": { roles: [...READERS, "break-glass"], reach: "any" },
  "POST /v1/admin/approvals": { roles: ["break-glass"], reach: "any" },
  "GET /v1/admin/audiences": { roles: [...READERS, "author"], reach: "any" },
  "PUT /v1/admin/audiences/{name}": { roles: OPERATOR, reach: "every" },
  "DELETE /v1/admin/audiences/{name}": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/token-keys": { roles: READERS, reach: "any" },
  "POST /v1/admin/token-keys": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/root-key": { roles: READERS, reach: "any" },
  "POST /v1/admin/root-key": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/root-key/shares": { roles: READERS, reach: "any" },
  "POST /v1/admin/root-key/shares": { roles: OPERATOR, reach: "every" },
  "DELETE /v1/admin/root-key/shares": { roles: OPERATOR, reach: "every" },
  "PUT /v1/admin/revocations/{id}": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/decisions/{id}": { roles: [...READERS, "author"], reach: "every" },
  "GET /v1/admin/decisions": { roles: [...READERS, "author"], reach: "every" },
  "POST /v1/admin/replay": { roles: ["author", "approver", "operator"], reach: "every" },
  "PUT /v1/admin/explanations/{digest}": { roles: ["author", "approver", "operator"], reach: "every" },
  "GET /v1/admin/shadow": { roles: [...READERS, "author", "approver"], reach: "every" },
  "PUT /v1/admin/shadow": { roles: ["author", "operator"], reach: "every" },
  "POST /v1/admin/ledger/forgotten-traces": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/findings": { roles: [...READERS, "author"], reach: "every" },
  "GET /v1/admin/findings/{id}": { roles: [...READERS, "author"], reach: "every" },
  "POST /v1/admin/findings/{id}": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/finding-report": { roles: [...READERS, "author"], reach: "every" },
  "GET /v1/admin/finding-scans": { roles: READERS, reach: "every" },
  "POST /v1/admin/finding-scans": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/credentials": { roles: READERS, reach: "every" },
  "GET /v1/admin/drills": { roles: READERS, reach: "every" },
  "POST /v1/admin/drills": { roles: OPERATOR, reach: "every" },
  "DELETE /v1/admin/drills/{id}": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/endorsements": { roles: READERS, reach: "every" },
  "POST /v1/admin/endorsements": { roles: OPERATOR, reach: "every" },
  "GET /v1/admin/fleet": { roles: [...READERS, "author"], reach: "every" },
  "GET /v1/admin/fleet/{id}": { roles: [...READERS, "author"], reach: "every" },
  "POST /kbs/v0/resource/*": { roles: OPERATOR, reach: "path" },
  "POST /kbs/v0/resource-policy": { roles: ["author", "operator"], reach: "any" },
  "POST /kbs/v0/attestation-policy": { roles: ["author", "operator"], reach: "any" },
  "POST /kbs/v0/reference-value": { roles: ["author", "operator"], reach: "any" },
  "GET /v1/admin/advisory": { roles: [...READERS, "author", "approver"], reach: "every" },
  "PUT /v1/admin/advisory": { roles: OPERATOR, reach: "every" },
  "POST /v1/introspect": { roles: READERS, reach: "every" },
  "GET /v1/health": { roles: [...READERS, "author", "approver"], reach: "any" },
  "GET /v1/ledger/checkpoint": { roles: ALL, reach: "any" },
  "GET /v1/ledger/entries": { roles: ALL, reach: "every" },
  "GET /v1/ledger/fork": { roles: ALL, reach: "any" },
  "GET /v1/ledger/inclusion": { roles: ALL, reach: "every" },
  "GET /v1/ledger/consistency": { roles: ALL, reach: "any" },
  "GET /v1/ledger/cosigned": { roles: ALL, reach: "any" },
  "GET /v1/ledger/tile/*": { roles: ALL, reach: "any" },
};

/**
 * Refuses an admin whose roles may not use this path, or not for what it names.
 *
 * @throws {@link Fault} `admin/forbidden`.
 */
export function refuseOtherRole(
  admin: Pick<Admin, "roles" | "under">,
  route: Route,
  parameter: string,
): void {
  const row = ADMIN_ROLES[`${route.method} ${route.path}`];
  if (row === undefined || !row.roles.some((role) => admin.roles.includes(role))) {
    const roles = row?.roles.join(", ") ?? "none";
    throw new Fault("admin/forbidden", `expected an admin with one of the roles ${roles}`, { roles });
  }
  const isWithin =
    row.reach === "path" ? reaches(admin, parameter) : row.reach === "any" || admin.under.length === 0;
  if (isWithin) return;
  const under = admin.under.join(", ");
  throw new Fault("admin/forbidden", "expected a path that this admin's roles reach", { under });
}
