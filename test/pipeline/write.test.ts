/** Does a guest write the next version of a secret, once, and where policy says so? What it wrote is what guests are given then. */
import { describe, expect, it } from "vitest";
import { base64UrlOf, hexOf, utf8 } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { MAX_SECRET_BYTES, MAX_WRITTEN_VERSIONS } from "../../src/wire/limits.ts";
import { attemptOf, type GuestBroker, post, random, releaseOf } from "./guest-at-hand.ts";
import { codeOf, confirmAs } from "./transit-at-hand.ts";
import { KEY, WRITING, writeBroker, writeGuest } from "./write-at-hand.ts";

async function given(broker: GuestBroker, path = KEY): Promise<{ version: number; secret: Uint8Array }> {
  const claims = { want: [{ secret: path }] };
  const { body, transcript, wrapPrivate } = await attemptOf(broker, { claims });
  const answer = await releaseOf(await post(broker, "/v1/release", body));
  const { signer, now } = broker.world;
  const context = { transcript, wrapPrivate, isPartial: false, signingKey: signer.spki };
  const parts = { ...context, primitives: nodePrimitives, now: now(), wanted: claims.want };
  const [first] = await openReleases(answer, parts);
  return { version: first?.version ?? 0, secret: first?.secret ?? new Uint8Array() };
}

async function entriesOf({ world }: GuestBroker) {
  return ledgerEntries({ from: 0, limit: 200 }, world);
}

describe("a guest that writes a secret", () => {
  it.each([
    ["hpke-x25519", 1],
    ["hpke-xwing", 2],
  ] as const)("makes the next version, sealed by %s, and is given it", async (_, suite) => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    const secret = random(48);
    expect(await guest.write({ secret }, { suite })).toMatchObject({ version: 1 });
    expect(await given(broker)).toMatchObject({ version: 1, secret });
    expect(await guest.write({ secret: utf8("second") }, { suite })).toMatchObject({ version: 2 });
    expect(await given(broker)).toMatchObject({ version: 2, secret: utf8("second") });
  });

  it("stands in the log as a decision about `write`, then as what was kept and by which decision", async () => {
    const broker = await writeBroker();
    const { decision } = await (await writeGuest(broker)).write();
    const [key, decided, kept] = (await entriesOf(broker)).slice(-3);
    expect(key).toMatchObject({ kind: "admin", act: "import-key" });
    expect(decided).toMatchObject({
      kind: "decision",
      id: decision,
      outcome: "allow",
      items: [{ resource: KEY, op: "write", version: 1, outcome: "allow" }],
    });
    const envelope = (await broker.world.store.secretVersion(KEY, 1))?.envelope ?? new Uint8Array();
    expect(kept).toMatchObject({
      act: "secret-write",
      actor: `decision/${decision}`,
      subject: `${KEY}@1`,
      digest: hexOf(nodePrimitives.digest("sha256", envelope)),
    });
    expect(await broker.admin.showSecret(KEY)).toMatchObject([
      { kind: "static", createdBy: `decision/${decision}` },
    ]);
  });

  it("shows nobody on the way what it writes", async () => {
    const broker = await writeBroker();
    const secret = utf8("nobody who ends TLS reads this");
    const seen: string[] = [];
    const fetch = async (path: string, init: RequestInit = {}) => {
      const response = await broker.app.request(path, init);
      seen.push(String(init.body), await response.clone().text());
      return response;
    };
    await (await writeGuest(broker)).write({ secret }, { fetch });
    expect(seen).toHaveLength(8);
    expect(seen.join("\n")).not.toContain(base64UrlOf(secret));
  });

  it("holds what it wrote: it is not destroyed before the guest confirms a later one", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    await guest.write();
    const destroy = () => broker.admin.changeSecret(KEY, { version: 1, state: "destroyed" });
    expect(await codeOf(destroy())).toBe("secret/in-use");
    await guest.write();
    expect(await confirmAs(broker, guest, { secret: KEY, version: 2 })).toEqual([1]);
    expect(await codeOf(destroy())).toBe("done");
  });

  it("adds to what an admin put or the broker made", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    expect(await guest.write({ path: "prod/db1/luks", cas: 1 })).toMatchObject({ version: 2 });
    await broker.admin.putSecret("prod/put", { kind: "static", plaintext: random(8) });
    expect(await guest.write({ path: "prod/put" })).toMatchObject({ version: 2 });
  });

  it.each([
    ["one byte", 1, "done"],
    ["the largest secret", MAX_SECRET_BYTES, "done"],
    ["a byte more", MAX_SECRET_BYTES + 1, "request/malformed"],
    ["nothing", 0, "request/malformed"],
  ])("may write %s: %i bytes, %s", async (_, size, outcome) => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    expect(await codeOf(guest.write({ secret: random(size) }))).toBe(outcome);
    expect(await broker.world.store.secretVersions(KEY)).toHaveLength(outcome === "done" ? 1 : 0);
  });
});

describe("check and set", () => {
  it("writes where the newest version is the expected one, and nowhere else", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    expect(await codeOf(guest.write({ cas: 1 }))).toBe("secret/other-version");
    expect(await guest.write({ cas: 0 })).toMatchObject({ version: 1 });
    expect(await codeOf(guest.write({ cas: 0 }))).toBe("secret/other-version");
    expect(await codeOf(guest.write({ cas: 2 }))).toBe("secret/other-version");
    expect(await guest.write({ cas: 1 })).toMatchObject({ version: 2 });
    expect(await broker.world.store.secretVersions(KEY)).toHaveLength(2);
  });

  it("that fails is a refusal in the log, and can be explained", async () => {
    const broker = await writeBroker();
    const guest = await writeGuest(broker);
    await guest.write({ cas: 0 });
    expect(await codeOf(guest.write({ cas: 0 }))).toBe("secret/other-version");
    const last = (await entriesOf(broker)).at(-1);
    expect(last).toMatchObject({ kind: "decision", outcome: "deny", code: "other-version" });
    const { id } = last as { readonly id: string };
    expect(JSON.stringify(await broker.admin.decision(id))).toContain(
      "expected version 0 to be the newest, received 1",
    );
  });

  it("lets one of four writers that come at once win", async () => {
    const broker = await writeBroker();
    const guests = [await writeGuest(broker), await writeGuest(broker)];
    const all = Array.from({ length: 4 }, (_, i) => guests[i % 2]?.write({ cas: 0, secret: utf8(`w${i}`) }));
    const codes = await Promise.all(all.map((work) => codeOf(work ?? Promise.reject())));
    expect(codes.filter((code) => code === "done")).toHaveLength(1);
    expect(codes.filter((code) => code === "secret/other-version")).toHaveLength(3);
    expect(await broker.admin.showSecret(KEY)).toHaveLength(1);
  });
});

describe("versions of a path", () => {
  it("are so many: then the oldest goes that everybody has replaced, and none that somebody holds", async () => {
    const broker = await writeBroker();
    const { store } = broker.world;
    const guest = await writeGuest(broker);
    await guest.write();
    const first = await store.secretVersion(KEY, 1);
    if (first === undefined) throw new Error("expected what was written");
    const entry = { v: 1, kind: "admin", time: 0, actor: "a", act: "a", subject: "a", digest: "" } as const;
    for (let version = 2; version < MAX_WRITTEN_VERSIONS; version += 1) {
      await store.putSecretVersion({ ...first, version }, entry);
    }
    expect(await guest.write()).toMatchObject({ version: MAX_WRITTEN_VERSIONS });
    expect(await codeOf(guest.write())).toBe("request/conflict");
    expect((await entriesOf(broker)).length).toBeGreaterThan(0);
    await confirmAs(broker, guest, { secret: KEY, version: MAX_WRITTEN_VERSIONS });
    expect(await guest.write()).toMatchObject({ version: MAX_WRITTEN_VERSIONS + 1 });
    const states = await store.secretVersions(KEY);
    expect(states.filter(({ state }) => state === "destroyed").map(({ version }) => version)).toEqual([1]);
    expect(await codeOf(guest.write())).toBe("request/conflict"); // nobody has read the next oldest
  });
});

describe("policy", () => {
  it("is asked for `write` alone: who may read may not write by that", async () => {
    const broker = await writeBroker({ policy: WRITING.replace("in [release, write]", "== release") });
    const guest = await writeGuest(broker);
    expect(await codeOf(guest.write())).toBe("policy/denied");
    expect((await entriesOf(broker)).at(-1)).toMatchObject({
      outcome: "deny",
      code: "no-allow",
      items: [{ resource: KEY, op: "write", outcome: "deny" }],
    });
    expect(await broker.world.store.secretVersions(KEY)).toEqual([]);
  });
});
