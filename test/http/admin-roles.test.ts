/** May every admin ask everything? Each path names its roles, and a path without a row serves nobody. */
import { describe, expect, it } from "vitest";
import { ADMIN_ROLES } from "../../src/http/admin-roles.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { type Admin, ROLES, type Role } from "../../src/policy/admins.ts";
import { peopleAtHand } from "./people-at-hand.ts";

const adminRoutes = ROUTES.filter(
  ({ path, audience }) =>
    path.startsWith("/v1/admin/") ||
    audience === "ledger-reader" ||
    audience === "operator" ||
    audience === "kbs-admin",
);

/** Paths of the drop-in KBS take another token: `kbs-admin.test.ts` asks those. */
const doors = adminRoutes.filter(({ audience }) => audience !== "kbs-admin");

describe("the table of roles", () => {
  it("has a row for every path of admins and of readers of the log, and for no other but introspection", () => {
    const routes = adminRoutes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(ADMIN_ROLES).sort()).toEqual([...routes, "POST /v1/introspect"].sort());
    const served = ["admin", "ledger-reader", "operator", "kbs-admin"];
    expect(adminRoutes.filter(({ audience }) => !served.includes(audience))).toEqual([]);
  });

  it("lets nobody both write policy and approve it by one role", () => {
    for (const { roles } of Object.values(ADMIN_ROLES)) expect(roles.length).toBeGreaterThan(0);
    expect(ADMIN_ROLES["POST /v1/admin/policies"]?.roles).toEqual(["author"]);
  });

  it("gives auditors nothing but reading", () => {
    const writing = Object.entries(ADMIN_ROLES).filter(([name]) => !name.startsWith("GET "));
    const mayWrite = writing.filter(([, { roles }]) => roles.includes("auditor")).map(([name]) => name);
    expect(mayWrite.sort()).toEqual(["POST /v1/admin/admins", "POST /v1/introspect"]);
  });
});

/** A path of the route with something in the place of its parameter. */
function pathOf(path: string): string {
  return path.replace(/\*$/, "prod/db/key").replace(/\{\w+\}/, "a".repeat(26));
}

describe("an admin", () => {
  it.each(ROLES)("of the role %s alone is let in where the table says so, and nowhere else", async (role) => {
    const people = peopleAtHand();
    const asking = people.add({ kid: "one", roles: [role] });
    for (const { method, path } of doors) {
      const { status, fault } = await asking.ask(method, pathOf(path));
      const isRefused = status === 403 && fault === "admin/forbidden";
      const row = ADMIN_ROLES[`${method} ${path}`];
      expect(isRefused, `${role}: ${method} ${path} ${status} ${fault}`).toBe(
        !(row?.roles ?? []).includes(role),
      );
    }
  });

  it.each([
    ["GET", "prod/db", "prod/db/key", false],
    ["GET", "prod/db", "prod/db", false],
    ["GET", "prod/db", "prod/dbx", true],
    ["GET", "prod/db", "prod", true],
    ["PUT", "prod/db", "test/key", true],
    ["PATCH", "prod/db", "test/key", true],
    ["POST", "prod/db", "test/key", true],
  ])("who reaches only paths under prod/db: %s with %s and %s", async (method, under, path, isForbidden) => {
    const people = peopleAtHand();
    const { ask } = people.add({ kid: "one", roles: ["operator"], under: [under] });
    expect((await ask(method, `/v1/admin/secrets/${path}`)).fault === "admin/forbidden").toBe(isForbidden);
  });

  it("who reaches only some paths sees no other secrets, and does nothing that is about all", async () => {
    const people = peopleAtHand();
    const { admin, ask } = people.add({ kid: "one", roles: ["operator"], under: ["prod/db"] });
    const operator = people.add({ kid: "two", roles: ["operator"] });
    for (const path of ["prod/db/key", "prod/web/key"]) {
      await operator.admin.putSecret(path, { kind: "generated", make: { name: "bytes", size: 32 } });
    }
    expect((await admin.listSecrets()).map(({ path }) => path)).toEqual(["prod/db/key"]);
    for (const [method, path] of [
      ["POST", "/v1/admin/token-keys"],
      ["PUT", "/v1/admin/audiences/sts"],
      ["POST", "/v1/admin/root-key"],
      ["GET", "/v1/ledger/entries"],
    ] as const) {
      expect((await ask(method, path)).fault, path).toBe("admin/forbidden");
    }
  });

  it("is no admin of anything without a role", async () => {
    const people = peopleAtHand();
    const nobody: readonly Role[] = [];
    const { ask } = people.add({ kid: "one", roles: nobody } satisfies Partial<Admin>);
    for (const { method, path } of doors) {
      expect((await ask(method, pathOf(path))).fault, path).toBe("admin/forbidden");
    }
  });
});
