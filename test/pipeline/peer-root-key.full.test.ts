/** Can one broker hold the root key of another? Two real processes: the second attests to the first, or does not start. */
import { execFile } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEntry } from "../../src/ledger/entry.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "../agent/demo-broker.ts";

const KEY = "root/brokers/kek";
/** The measurement of a simulated broker. */
const BROKER = "b0".repeat(48);
const policyFor = (measurement: string): string => `writ 1
module acme.root version 1.0.0 { owner "ops@acme.example" }
policy root_keys {
  for resource "root/**"
  platform bare-metal
  require measurement == hex"${measurement}" else "this broker's image is not approved"
  require not guest.debug else "guest memory could be read"
  allow "start" when request.op == release
  on release { key_version any }
}
`;

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not in step with this process, whose kept connections the broker ends meanwhile. */
function ended(words: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [CLI, ...words], { timeout: 30_000 }, (_, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe("a root key that another broker keeps", () => {
  let root: DemoBroker;
  let broker: DemoBroker;
  let data: string;
  const at = (name: string): string => join(data, name);

  beforeAll(async () => {
    root = await demoBroker({ [KEY]: random(32), "root/brokers/short": random(16) });
    await root.decideBy(policyFor(BROKER));
    broker = await demoBroker({ "prod/db/key": Uint8Array.of(1, 2, 3) });
    data = dirname(broker.signingKeyFile);
    copyFileSync(at(DATA_FILES.config), at("first.toml"));
    copyFileSync(root.signingKeyFile, at("root-signing-key.pub.pem"));
    writeFileSync(at("keeper.writ"), policyFor(BROKER).replaceAll("root/**", "broker"));
  }, 60_000);
  afterAll(async () => {
    await broker.remove();
    await root.remove();
  });

  const own = (): string => `[attestation]\nprovider = "simulator"\nsimulator_dir = "${broker.machine}"\n`;

  function peer(changes: Readonly<Record<string, string>> = {}): string {
    const members = {
      url: `"${root.url}"`,
      audience: `"${root.audience}"`,
      secret: `"${KEY}"`,
      signing_key: '"root-signing-key.pub.pem"',
      deadline_seconds: "1",
      ...changes,
    };
    const pairs = Object.entries(members).map(([name, value]) => `${name} = ${value}`);
    return `peer = { ${pairs.join(", ")} }\n`;
  }

  function configure(kek: string, attestation = own()): void {
    const config = readFileSync(at("first.toml"), "utf8").replace(/^kek = .*\n/m, "");
    writeFileSync(at(DATA_FILES.config), `${config}\n${attestation}${kek}`);
  }

  const run = (...words: readonly string[]): Promise<Ended> =>
    ended([...words, "--config", at(DATA_FILES.config)]);

  /** What keeps the broker from serving. */
  async function refusal(kek: string, attestation = own()): Promise<readonly [number, string]> {
    configure(kek, attestation);
    const { status, stderr } = await run("serve");
    return [status, stderr];
  }

  it("takes the place of a file while the broker serves, and opens at the next start without it", async () => {
    await broker.kill();
    configure(`[kek]\n${peer()}[[kek.also]]\nfile = "${DATA_FILES.kek}"\n`);
    await broker.start();
    const migrated = await run("kek", "migrate");
    expect([migrated.status, migrated.stderr.includes("error")]).toEqual([0, false]);
    await broker.kill();
    rmSync(at(DATA_FILES.kek));
    configure(`[kek]\n${peer()}`);
    expect((await run("serve", "--check")).status).toBe(0);
    await broker.start();
    const get = ["agent", "get", "prod/db/key", "--fd", "1", "--format", "hex"];
    const got = await ended([...get, ...asGuest(broker)]);
    expect(got.stdout.trim()).toBe("010203");
    await broker.kill();
  }, 60_000);

  it("is released by the policy of the broker that keeps it, and stands in its log each time", async () => {
    const { entries } = await root.admin.ledgerPage(0, 256);
    const released = entries
      .map(parseEntry)
      .filter((entry) => entry.kind === "decision" && entry.items[0]?.resource === KEY);
    expect(released).toMatchObject(released.map(() => ({ outcome: "allow", measurement: BROKER })));
    expect(released).toHaveLength(3);
    const { readers } = await root.admin.listReaders(KEY);
    expect(readers.length).toBeGreaterThan(0);
  });

  it.each([
    ["another version, which is another key", { version: "2" }, "wrong-key"],
    ["a secret that is no key", { secret: '"root/brokers/short"' }, "32 bytes"],
    ["a secret that policy does not let it have", { secret: '"prod/other"' }, "policy/denied"],
    ["another audience", { audience: '"https://other.example"' }, "kek/unavailable"],
    ["one that has to prove itself, and does not", { policy: '"keeper.writ"' }, "broker/no-evidence"],
    ["another signing key", { signing_key: '"signing-key.pub.pem"' }, "kek/unavailable"],
  ])("keeps a broker from serving that asks for %s", async (_, changes, reason) => {
    if ("version" in changes) await root.admin.putSecret(KEY, { kind: "static", plaintext: random(32) });
    expect(await refusal(`[kek]\n${peer(changes)}`)).toEqual([3, expect.stringContaining(reason)]);
  });

  it("keeps a broker from serving that has no evidence of itself", async () => {
    const [status, said] = await refusal(`[kek]\n${peer()}`, '[attestation]\nprovider = "none"\n');
    expect([status, String(said).includes("evidence of this broker")]).toEqual([3, true]);
  });

  it("keeps a broker from serving whose image is approved no longer, with the decision's id in its log", async () => {
    await root.decideBy(policyFor("02".repeat(48)));
    const [status, said] = await refusal(`[kek]\n${peer()}`);
    expect(status).toBe(3);
    expect(said).toContain("denied");
    await root.decideBy(policyFor(BROKER));
  });

  it("keeps a broker from serving while the other one is away, and says what it waits for", async () => {
    await root.kill();
    const [status, said] = await refusal(`[kek]\n${peer()}`);
    expect(status).toBe(3);
    expect(said).toContain("waiting-for-root-key");
    expect(said).toContain("broker/unreachable");
    await root.start();
    await broker.start();
    await broker.kill();
  }, 30_000);
});
