import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { openCheckpoint, originOf } from "../../src/ledger/checkpoint.ts";
import { leafHash, rootOf } from "../../src/ledger/merkle.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../support/faults.ts";
import { AUDIENCE, brokerAtHand } from "./broker-at-hand.ts";

const POLICY = `writ 1
module acme.disks version 1.0.0 { owner "ops@acme.example" }

policy root-disk "The root disk" {
  for resource "prod/disk"
  require vmpl == 0
  allow "any guest" when vmpl == 0
}
`;

function plaintext(text: string) {
  return { kind: "static", plaintext: utf8(text) } as const;
}

describe("secrets", () => {
  it("are put, listed, shown, and never come back out", async () => {
    const { admin, app, lines } = brokerAtHand();
    const first = await admin.putSecret("prod/disk", plaintext("planted-plaintext"));
    expect(first).toMatchObject({
      path: "prod/disk",
      version: 1,
      kind: "static",
      state: "enabled",
      createdBy: "admin-1",
    });
    expect((await admin.putSecret("prod/disk", plaintext("planted-plaintext"))).version).toBe(2);
    const list = await admin.listSecrets();
    expect(list).toEqual([expect.objectContaining({ path: "prod/disk", version: 2 })]);
    const shown = await admin.showSecret("prod/disk");
    expect(shown.map(({ version }) => version)).toEqual([2, 1]);
    expect(JSON.stringify([list, shown, lines])).not.toMatch(/planted|cGxhbnRlZ|envelope/);
    expect((await app.request("/v1/admin/secrets")).status).toBe(401);
  });

  it("are generated, rotated, disabled and destroyed", async () => {
    const { admin } = brokerAtHand();
    await admin.putSecret("prod/key", { kind: "generated", make: { name: "bytes", size: 32 } });
    await admin.rotateSecret("prod/key", { make: { name: "bytes", size: 32 } });
    await admin.changeSecret("prod/key", { version: 1, state: "disabled" });
    const shown = await admin.changeSecret("prod/key", { version: 2, state: "destroyed" });
    expect(shown.map(({ version, state }) => [version, state])).toEqual([
      [2, "destroyed"],
      [1, "disabled"],
    ]);
    expect(await codeOfPromise(admin.changeSecret("prod/key", { version: 2, state: "enabled" }))).toBe(
      "secret/unknown",
    );
  });

  it("are released over the bindings that an admin chose, as each answer says from then on", async () => {
    const { admin } = brokerAtHand();
    await admin.putSecret("prod/key", { kind: "generated", make: { name: "bytes", size: 32 } });
    expect((await admin.showSecret("prod/key"))[0]).not.toHaveProperty("bindings");
    const [set] = await admin.changeSecret("prod/key", { bindings: [1, 2] });
    expect(set).toMatchObject({ version: 1, bindings: [1, 2] });
    await admin.rotateSecret("prod/key", { make: { name: "bytes", size: 32 } });
    const shown = await admin.showSecret("prod/key");
    expect(shown.map(({ version, bindings }) => [version, bindings])).toEqual([
      [2, [1, 2]],
      [1, [1, 2]],
    ]);
    const unknown = admin.changeSecret("prod/none", { bindings: [2] });
    expect(await codeOfPromise(unknown)).toBe("secret/unknown");
    const none = admin.changeSecret("prod/key", { bindings: [] });
    expect(await codeOfPromise(none)).toBe("request/malformed");
  });

  const refusals: readonly (readonly [
    string,
    string,
    (admin: ReturnType<typeof brokerAtHand>["admin"]) => Promise<unknown>,
  ])[] = [
    ["unknown path", "secret/unknown", (admin) => admin.showSecret("no/such")],
    ["path not in normal form", "request/malformed", (admin) => admin.showSecret("a//b")],
    ["path with a query in it", "request/malformed", (admin) => admin.showSecret("a?b")],
    ["name of a token", "request/malformed", (admin) => admin.putSecret("token/aws", plaintext("x"))],
    [
      "too small to be random",
      "request/malformed",
      (admin) => admin.putSecret("a", { kind: "generated", make: { name: "bytes", size: 8 } }),
    ],
    ["empty plaintext", "request/malformed", (admin) => admin.putSecret("a", plaintext(""))],
    [
      "64 KiB and a byte",
      "request/malformed",
      (admin) => admin.putSecret("a", { kind: "static", plaintext: new Uint8Array(65_537) }),
    ],
  ];
  it.each(refusals)("are refused with the operator's own code: %s", async (_name, code, call) => {
    expect(await codeOfPromise(call(brokerAtHand().admin))).toBe(code);
  });
});

describe("audiences", () => {
  it("are registered, listed and removed, each act a leaf", async () => {
    const { admin, world } = brokerAtHand();
    const added = await admin.addAudience("sts", { aud: "https://sts.example", isBearer: false });
    expect(added).toMatchObject({ name: "sts", aud: "https://sts.example", isBearer: false });
    await admin.addAudience("cloud", { aud: "urn:cloud", isBearer: true });
    expect((await admin.listAudiences()).map(({ name, isBearer }) => [name, isBearer])).toEqual([
      ["cloud", true],
      ["sts", false],
    ]);
    expect(await admin.removeAudience("sts")).toHaveLength(1);
    const leaves = await world.store.entries(0, 9);
    expect(leaves.map(({ draft }) => draft.kind === "admin" && [draft.act, draft.subject])).toEqual([
      ["audience-add", "sts"],
      ["audience-add-bearer", "cloud"],
      ["audience-remove", "sts"],
    ]);
  });

  it("are refused where taken, unknown, malformed or the broker's own", async () => {
    const { admin, app } = brokerAtHand();
    const add = (name: string, aud: string) =>
      codeOfPromise(admin.addAudience(name, { aud, isBearer: false }));
    expect(await add("sts", "urn:a")).toBeUndefined();
    expect(await add("sts", "urn:b")).toBe("audience/exists");
    expect(await add("other", "urn:a")).toBe("audience/exists");
    expect(await add("self", AUDIENCE)).toBe("request/malformed");
    expect(await add("a/b", "urn:c")).toBe("request/malformed");
    expect(await add("long", "x".repeat(513))).toBe("request/malformed");
    expect(await codeOfPromise(admin.removeAudience("none"))).toBe("audience/unknown");
    expect((await app.request("/v1/admin/audiences")).status).toBe(401);
    expect((await app.request("/v1/admin/audiences/sts", { method: "DELETE" })).status).toBe(401);
    expect(await admin.listAudiences()).toHaveLength(1);
  });
});

describe("token keys", () => {
  it("are listed and rotated by admins alone", async () => {
    const { admin, app } = brokerAtHand();
    const [first] = await admin.listTokenKeys();
    expect(first).toMatchObject({ isCurrent: true, createdBy: "broker" });
    const rotated = await admin.rotateTokenKey({ withdraws: false });
    expect(rotated.map(({ isCurrent, createdBy }) => [isCurrent, createdBy])).toEqual([
      [true, "broker"],
      [false, "admin-1"],
    ]);
    expect(await codeOfPromise(admin.rotateTokenKey({ withdraws: false }))).toBe("request/conflict");
    expect(await admin.rotateTokenKey({ withdraws: true })).toHaveLength(1);
    const headers = { "content-type": "application/json" };
    const asked = await app.request("/v1/admin/token-keys", { method: "POST", headers, body: "{}" });
    expect(asked.status).toBe(401);
    const set = JSON.parse(await (await app.request("/.well-known/jwks.json")).text());
    expect(Object.keys(set.keys[0]).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });
});

/** Of the first activation, by the admin of these tests. */
function orderOf(digest: string) {
  const at = brokerAtHand().world.now();
  return { digest, serial: 1, audience: AUDIENCE, at, roster: null };
}

describe("policies", () => {
  it("are proposed, activated, listed and shown", async () => {
    const { admin, adminSigner } = brokerAtHand();
    const tar = packBundle([{ path: "disks.writ", text: POLICY }], undefined, nodePrimitives.digest);
    const proposal = { tar, signature: await signBundle(tar, adminSigner) };
    const { digest, isNew } = await admin.proposeBundle(proposal);
    expect(isNew).toBe(true);
    expect((await admin.proposeBundle(proposal)).isNew).toBe(false);
    expect((await admin.listBundles()).live).toBeUndefined();
    const order = await signActivation(orderOf(digest), adminSigner);
    expect(await admin.activateBundle(digest, order)).toMatchObject({ digest, serial: 1, by: "admin-1" });
    expect((await admin.listBundles()).live).toMatchObject({ digest, serial: 1 });
    const shown = await admin.showBundle(digest);
    expect(shown.modules).toEqual([{ name: "acme.disks", version: "1.0.0" }]);
    expect(shown.sources.map(({ path }) => path)).toContain("disks.writ");
  });

  it("that do not hold are refused with the operator's own code", async () => {
    const { admin, adminSigner } = brokerAtHand();
    const tar = utf8("no archive");
    const signature = await signBundle(tar, adminSigner);
    expect(await codeOfPromise(admin.proposeBundle({ tar, signature }))).toBe("policy/malformed");
    expect(await codeOfPromise(admin.proposeBundle({ tar, signature: "{}" }))).toBe("policy/bad-signature");
    expect(await codeOfPromise(admin.showBundle("0".repeat(64)))).toBe("policy/unknown");
    expect(await codeOfPromise(admin.activateBundle("0".repeat(64), "{}"))).toBe("policy/unknown");
  });
});

describe("an admin who asks with a good signature", () => {
  it("is told what was expected; a guest at the same door is not", async () => {
    const { admin, app } = brokerAtHand();
    const fault = await admin.showSecret("no/such").then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(isFault(fault, "secret/unknown") && fault.message).toContain("no/such");
    const problem = await (await app.request("/v1/admin/secrets/no/such")).json();
    expect(problem).not.toHaveProperty("fault");
    expect(problem).not.toHaveProperty("detail");
  });

  it("is told that an id is unknown", async () => {
    const { admin } = brokerAtHand();
    expect(await codeOfPromise(admin.decision("01JD0000000000000000000000"))).toBe("request/not-found");
  });
});

describe("the ledger", () => {
  it("hands out the leaves that its signed head covers", async () => {
    const { admin, world } = brokerAtHand();
    await admin.putSecret("prod/disk", plaintext("a"));
    await admin.putSecret("prod/disk", plaintext("b"));
    const note = await admin.checkpoint();
    const { spki } = world.ledgerSigner;
    const head = await openCheckpoint(note, { origin: originOf(AUDIENCE), spki }, nodePrimitives);
    const page = await admin.ledgerPage(0, 100);
    expect(page.size).toBe(2);
    expect(head.size).toBe(2);
    const hashes = page.entries.map((leaf) => leafHash(leaf, nodePrimitives.digest));
    expect(rootOf(hashes, nodePrimitives.digest)).toEqual(head.root);
    expect((await admin.ledgerPage(1, 1)).entries).toEqual([page.entries[1]]);
    expect((await admin.ledgerPage(9, 1)).entries).toEqual([]);
  });

  it("is for admins unless configuration says anyone", async () => {
    expect((await brokerAtHand().app.request("/v1/ledger/checkpoint")).status).toBe(401);
    const open = brokerAtHand(undefined, { ledgerReaders: "anyone" });
    expect((await open.app.request("/v1/ledger/checkpoint")).status).toBe(200);
    expect((await open.app.request("/v1/admin/secrets")).status).toBe(401);
  });

  it("refuses a page that is no page", async () => {
    const open = brokerAtHand(undefined, { ledgerReaders: "anyone" });
    for (const query of ["from=-1", "from=x", "limit=1e3", "from=1&from=2", "to=3", "from="]) {
      expect((await open.app.request(`/v1/ledger/entries?${query}`)).status).toBe(400);
    }
  });
});
