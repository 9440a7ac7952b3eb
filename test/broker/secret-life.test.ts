/** Does what was set for a secret happen: given versions, waits, rotations; and nothing that nobody set? */
import { describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { changeSettings, keepSecretTimes } from "../../src/broker/secret-life.ts";
import type { World } from "../../src/broker/world.ts";
import { type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";

const PATH = "prod/key";
const DAY = 86_400;
const MALFORMED = { code: "request/malformed" };

async function withKey(versions = 1): Promise<BrokerAtHand> {
  const broker = brokerAtHand();
  await broker.admin.putSecret(PATH, { kind: "generated", make: { name: "aes-256" } });
  for (let version = 2; version <= versions; version += 1) await broker.admin.rotateSecret(PATH, {}); // in order
  return broker;
}

const statesOf = async ({ admin }: BrokerAtHand) =>
  (await admin.showSecret(PATH)).map(({ version, state }) => `${version} ${state}`);

const actsOf = async (world: World) =>
  (await ledgerEntries({ from: 0, limit: 100 }, world)).flatMap((entry) =>
    entry.kind === "admin" ? [`${entry.actor} ${entry.act} ${entry.subject}`] : [],
  );

describe("a condemned version", () => {
  it("is destroyed when its wait is over, not before, and the ledger says by whom it was", async () => {
    const broker = await withKey(2);
    await broker.admin.changeSecret(PATH, { version: 1, destroyAfter: DAY });
    broker.pass(DAY - 1);
    await keepSecretTimes(broker.world);
    expect(await statesOf(broker)).toEqual(["2 enabled", "1 condemned"]);
    broker.pass(1);
    await keepSecretTimes(broker.world);
    await keepSecretTimes(broker.world);
    expect(await statesOf(broker)).toEqual(["2 enabled", "1 destroyed"]);
    expect((await broker.world.store.secretVersion(PATH, 1))?.envelope).toHaveLength(0);
    expect((await actsOf(broker.world)).slice(-2)).toEqual([
      `admin-1 secret-condemned ${PATH}@1`,
      `broker secret-destroyed ${PATH}@1`,
    ]);
  });

  it.each(["enabled", "disabled"] as const)("is safe once it is %s again", async (state) => {
    const broker = await withKey();
    await broker.admin.changeSecret(PATH, { version: 1, destroyAfter: DAY });
    await broker.admin.changeSecret(PATH, { version: 1, state });
    broker.pass(2 * DAY);
    await keepSecretTimes(broker.world);
    expect(await statesOf(broker)).toEqual([`1 ${state}`]);
  });
});

describe("a schedule", () => {
  it("makes the next version by the same recipe each time it is due", async () => {
    const broker = await withKey();
    await broker.admin.changeSecret(PATH, { rotateSeconds: 30 * DAY });
    for (let month = 0; month < 2; month += 1) {
      await keepSecretTimes(broker.world);
      broker.pass(30 * DAY);
      await keepSecretTimes(broker.world);
    }
    const versions = await broker.admin.showSecret(PATH);
    expect(versions.map(({ make, createdBy }) => [make, createdBy])).toEqual([
      ["aes-256", "broker"],
      ["aes-256", "broker"],
      ["aes-256", "admin-1"],
    ]);
    await broker.admin.changeSecret(PATH, { rotateSeconds: null });
    broker.pass(90 * DAY);
    await keepSecretTimes(broker.world);
    expect(await broker.admin.showSecret(PATH)).toHaveLength(3);
  });

  it("that cannot be kept is logged and holds up no other", async () => {
    const broker = await withKey();
    const { store } = broker.world;
    const old = await store.secretVersion(PATH, 1);
    const entry = {
      v: 1,
      kind: "admin",
      time: broker.world.now(),
      actor: "a",
      act: "b",
      subject: "c",
      digest: "d",
    } as const;
    if (old !== undefined)
      await store.putSecretVersion({ ...old, path: "a/before-recipes", make: "" }, entry);
    for (const path of ["a/before-recipes", PATH])
      await broker.admin.changeSecret(path, { rotateSeconds: DAY });
    broker.pass(DAY);
    await keepSecretTimes(broker.world);
    expect(await broker.admin.showSecret(PATH)).toHaveLength(2);
    expect(broker.lines).toContainEqual({
      level: "error",
      event: "rotation-failed",
      path: "a/before-recipes",
      code: "request/malformed",
    });
  });

  it("is refused for a static secret", async () => {
    const { admin } = brokerAtHand();
    await admin.putSecret(PATH, { kind: "static", plaintext: Uint8Array.of(1) });
    await expect(admin.changeSecret(PATH, { rotateSeconds: DAY })).rejects.toMatchObject(MALFORMED);
  });
});

describe("settings", () => {
  it("keep what is not named, and `null` takes a choice back", async () => {
    const { admin } = await withKey(3);
    await admin.changeSecret(PATH, { owner: "storage", labels: { a: "1" }, bindings: [2] });
    const [set] = await admin.changeSecret(PATH, { current: 2, minimum: 2 });
    expect(set).toMatchObject({
      owner: "storage",
      labels: { a: "1" },
      bindings: [2],
      current: 2,
      minimum: 2,
    });
    const [back] = await admin.changeSecret(PATH, { current: null, labels: {} });
    expect(back).toMatchObject({ owner: "storage", minimum: 2 });
    expect(back).not.toHaveProperty("current");
    expect(back).not.toHaveProperty("labels");
  });

  it.each([
    ["a current version that is not there", { current: 4 }],
    ["a current version that is disabled", { current: 1 }],
    ["a current version below the minimum", { current: 2, minimum: 3 }],
    ["a minimum above every version", { minimum: 4 }],
  ])("refuse %s", async (_, change) => {
    const { admin } = await withKey(3);
    await admin.changeSecret(PATH, { version: 1, state: "disabled" });
    await expect(admin.changeSecret(PATH, change)).rejects.toMatchObject(MALFORMED);
  });

  it("refuse to write over what somebody else set meanwhile", async () => {
    const { world } = await withKey();
    const { store } = world;
    let rival = async () => {};
    const read = async (path: string) => {
      const found = await store.secretSettings(path);
      await rival();
      return found;
    };
    const racing = { ...world, store: { ...store, secretSettings: read } };
    rival = () => changeSettings({ path: PATH, change: { owner: "rival" } }, { kid: "r" }, world);
    const late = changeSettings({ path: PATH, change: { owner: "late" } }, { kid: "l" }, racing);
    await expect(late).rejects.toMatchObject({ code: "request/conflict" });
    expect((await store.secretSettings(PATH))?.owner).toBe("rival");
  });
});
