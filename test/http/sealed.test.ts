/** Is a sealed broker closed on every path but those that unseal it, and does it serve no database but its own? */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { claimStore } from "../../src/broker/startup.ts";
import { createAdminClient } from "../../src/client/admin.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { keyIdOf } from "../../src/kek/key.ts";
import { createSealedKek } from "../../src/kek/sealed.ts";
import { splitKey } from "../../src/kek/shares.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand, memoryKek, random } from "./broker-at-hand.ts";

interface Sealed extends BrokerAtHand {
  readonly shares: readonly string[];
}

async function sealedBroker(): Promise<Sealed> {
  const key = random(32);
  const shares = await splitKey(key, { shares: 4, threshold: 3 }, nodePrimitives);
  const { hmac, digest } = nodePrimitives;
  const id = hexOf(keyIdOf(key, nodePrimitives));
  const broker = brokerAtHand(({ now }) => createSealedKek(id, { hmac, digest, random, now }));
  return { ...broker, shares };
}

const OPEN_SEALED = ["GET /healthz", "GET /v1/health", "DELETE shares", "GET shares", "POST shares"];

describe("a sealed broker", () => {
  it("answers on no path but its health and the shares, and says why", async () => {
    const { app } = await sealedBroker();
    const served: string[] = [];
    for (const { method, path } of ROUTES) {
      const response = await app.request(path.replace("*", "a/b").replace(/\{\w+\}/, "x"), { method });
      const body = await response.text();
      if (response.status !== 503) served.push(`${method} ${path.replace("/v1/admin/root-key/", "")}`);
      else expect(body).toContain("sealed until its operators");
    }
    expect(served.sort()).toEqual([...OPEN_SEALED].sort());
  });

  it("takes shares from admins alone, each request once", async () => {
    const { app, admin, shares } = await sealedBroker();
    const [share] = shares;
    const path = "/v1/admin/root-key/shares";
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify({ share }) };
    expect((await app.request(path, init)).status).toBe(401);
    expect((await app.request(path, { method: "DELETE" })).status).toBe(401);
    expect((await admin.showShares()).given).toBe(0);
  });

  it("replayed requests give nothing", async () => {
    const { app, world, adminSigner, shares } = await sealedBroker();
    const sent: RequestInit[] = [];
    const client = createAdminClient({
      url: AUDIENCE,
      audience: AUDIENCE,
      signer: adminSigner,
      fetch: async (input, init = {}) => {
        sent.push(init);
        return app.request(String(input).slice(AUDIENCE.length), init);
      },
      now: world.now,
      random,
      digest: nodePrimitives.digest,
    });
    await client.giveShare(shares[0] ?? "");
    await client.forgetShares();
    const again = await app.request("/v1/admin/root-key/shares", sent[0] ?? {});
    expect(again.status).toBe(401);
    expect((await client.showShares()).given).toBe(0);
  });

  it("opens with the last share, says so in the log, and then serves", async () => {
    const { admin, world, shares } = await sealedBroker();
    for (const [i, share] of shares.slice(0, 3).entries()) {
      const progress = await admin.giveShare(share); // in order: one after the other
      expect(progress).toEqual(
        i < 2 ? { isSealed: true, given: i + 1, needed: 3 } : { isSealed: false, given: 0 },
      );
    }
    const entries = await ledgerEntries({ from: 0, limit: 10 }, world);
    expect(entries).toMatchObject([
      { kind: "epoch", act: "start" },
      { kind: "admin", act: "kek-unseal", subject: world.kek.id },
    ]);
    await admin.putSecret("prod/a", { kind: "static", plaintext: random(32) });
    expect(await admin.giveShare(shares[3] ?? "")).toEqual({ isSealed: false, given: 0 });
    expect(await admin.forgetShares()).toEqual({ isSealed: false, given: 0 });
    await admin.putSecret("prod/b", { kind: "static", plaintext: random(32) });
  });

  it("is not confused by people who come at once", async () => {
    const { admin, world, shares } = await sealedBroker();
    const twice = [...shares, ...shares];
    await Promise.all(twice.map((share) => admin.giveShare(share)));
    expect(await admin.showShares()).toEqual({ isSealed: false, given: 0 });
    const entries = await ledgerEntries({ from: 0, limit: 20 }, world);
    expect(entries.map((entry) => ("act" in entry ? entry.act : ""))).toEqual(["start", "kek-unseal"]);
    await admin.putSecret("prod/a", { kind: "static", plaintext: random(32) });
  });

  it("stays sealed over the database of another key, and forgets what it was given", async () => {
    const { admin, world, shares, lines } = await sealedBroker();
    await claimStore(world.store, memoryKek());
    await admin.giveShare(shares[0] ?? "");
    await admin.giveShare(shares[1] ?? "");
    await expect(admin.giveShare(shares[2] ?? "")).rejects.toBeDefined();
    expect(lines.some(({ code }) => code === "kek/wrong-key")).toBe(true);
    expect(await admin.showShares()).toEqual({ isSealed: true, given: 0 });
    await expect(world.kek.wrap(random(8), random(8))).rejects.toMatchObject({ code: "kek/sealed" });
  });

  it("writes no share to its log, and answers none", async () => {
    const { admin, lines, shares } = await sealedBroker();
    for (const share of [shares[0] ?? "", `${shares[1]}x`, shares[1] ?? ""])
      await admin.giveShare(share).catch(() => undefined); // in order: the log is read after all
    const said = JSON.stringify(lines);
    for (const share of shares) expect(said).not.toContain(share.slice(40, 60));
    expect(said).toContain("share-given");
  });

  it("reads no more of a body than a share needs", async () => {
    const { admin } = await sealedBroker();
    await expect(admin.giveShare("x".repeat(4000))).rejects.toMatchObject({ code: "request/too-large" });
    await expect(admin.giveShare("x".repeat(201))).rejects.toMatchObject({ code: "request/malformed" });
  });
});

describe("a broker whose key is at hand", () => {
  it("takes no shares", async () => {
    const { admin } = brokerAtHand();
    await expect(admin.giveShare("x")).rejects.toMatchObject({ code: "request/conflict" });
  });
});
