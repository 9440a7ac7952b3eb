/** Does a broker come back from a backup, say so in its log, and serve no older database that was put back in silence? */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient, type EvidenceRequest } from "../../src/client/guest.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { asGuest, CLI, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const PATH = "prod/backup/key";
const LEASED = "prod/backup/leased";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 7);
const STS = "https://sts.example";

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 60_000 });
}

describe("a backup", () => {
  let broker: DemoBroker;
  let data: string;
  const at = (name: string): string => join(data, name);
  const config = (): string => at(DATA_FILES.config);
  const head = (): string => join(data, "../apart/head");
  const get = () =>
    ostiary("agent", "get", PATH, "--fd", "1", "--format", "hex", "--deadline", "1", ...asGuest(broker));
  const move = (to: string): void => {
    mkdirSync(at(to));
    for (const name of readdirSync(data).filter((file) => file.startsWith(DATA_FILES.database)))
      renameSync(at(name), join(at(to), name));
  };

  let earlier: EvidenceRequest;
  let token: string;

  beforeAll(async () => {
    broker = await demoBroker({ [PATH]: SECRET, [LEASED]: SECRET }, (folder) => {
      mkdirSync(join(folder, "../apart"));
      const text = readFileSync(join(folder, DATA_FILES.config), "utf8");
      writeFileSync(join(folder, DATA_FILES.config), `${text}\n[ledger]\nhead_file = "../apart/head"\n`);
    });
    data = dirname(broker.signingKeyFile);
    await broker.admin.changeSecret(LEASED, { leaseSeconds: 3600 });
    await broker.admin.addAudience("sts", { aud: STS, isBearer: true });
    token = ostiary("agent", "token", STS, "--no-key", "--fd", "1", ...asGuest(broker)).stdout.trim();
    earlier = await prepare();
  }, 60_000);
  afterAll(() => broker.remove());

  async function prepare(): Promise<EvidenceRequest> {
    const { nonce } = await createGuestClient({ url: broker.url, fetch }).challenge(3);
    const provider = createSimulatorProvider(broker.machine);
    const asked = { claims: { want: [{ secret: PATH }] }, nonce, carrier: { binding: 3 } } as const;
    const { audience, signingKey } = broker;
    const parts = { provider, primitives: nodePrimitives, random: systemRandom };
    return (await attest(asked, { audience, signingKey, suite: 1 }, parts)).request;
  }

  it("is made while the broker serves, and shows nothing of what is in it", async () => {
    expect(ostiary("backup", "--make-key", at("backup.key")).status).toBe(0);
    const made = ostiary("backup", at("first.backup"), "--to", at("backup.key.pub"), "--config", config());
    expect([made.status, made.stderr]).toEqual([0, ""]);
    const bytes = readFileSync(at("first.backup"));
    for (const planted of [PATH, "sts.example", "acme.agent", "decision"])
      expect(bytes.includes(planted)).toBe(false);
    expect(statSync(at("first.backup")).mode & 0o777).toBe(0o600);
    expect(statSync(at("backup.key")).mode & 0o777).toBe(0o600);
    const again = ostiary("backup", at("first.backup"), "--to", at("backup.key.pub"), "--config", config());
    expect(again.status).toBe(3);
    expect(readFileSync(at("first.backup")).equals(bytes)).toBe(true);
    expect(existsSync(at("first.backup.new"))).toBe(false);
  });

  it("lets no older database serve that was put back beside it", async () => {
    mkdirSync(at("older"));
    await broker.kill();
    await broker.start();
    await broker.kill();
    for (const name of readdirSync(data).filter((file) => file.startsWith(DATA_FILES.database)))
      copyFileSync(at(name), join(at("older"), name));
    await broker.start();
    await broker.admin.putSecret("prod/later", { kind: "static", plaintext: SECRET });
    expect(get().status).toBe(0);
    await new Promise((soon) => setTimeout(soon, 1500)); // a head a second
    await broker.kill();
    move("newer");
    for (const name of readdirSync(at("older"))) copyFileSync(join(at("older"), name), at(name));
    await expect(broker.start()).rejects.toThrow("ledger/rolled-back");
    for (const name of readdirSync(at("older"))) rmSync(at(name), { force: true });
  }, 60_000);

  it("is restored by whoever has its key, and by nobody else", () => {
    expect(ostiary("backup", "--make-key", at("other.key")).status).toBe(0);
    const words = ["--because", "a drill", "--config", config()];
    const wrong = ostiary("restore", at("first.backup"), "--key", at("other.key"), ...words);
    expect([wrong.status, wrong.stderr.includes("malformed-backup")]).toEqual([3, true]);
    const left = ostiary("serve", "--config", config());
    expect([left.status, left.stderr.includes("restore to it did not end")]).toEqual([3, true]);
    for (const name of readdirSync(data).filter((file) => file.startsWith(DATA_FILES.database)))
      rmSync(at(name));
    const silent = ostiary("restore", at("first.backup"), "--key", at("backup.key"), "--config", config());
    expect(silent.status).toBe(2);
    const done = ostiary("restore", at("first.backup"), "--key", at("backup.key"), ...words);
    expect([done.status, done.stderr]).toEqual([0, ""]);
    expect(done.stdout).toContain("head that was kept apart");
    const twice = ostiary("restore", at("first.backup"), "--key", at("backup.key"), ...words);
    expect(twice.status).toBe(3);
  }, 60_000);

  it("serves what it held, says in the log that it was restored, and keeps the lost head for auditors", async () => {
    await broker.start();
    expect(get().stdout.trim()).toBe(Buffer.from(SECRET).toString("hex"));
    const { entries } = await broker.admin.ledgerPage(0, 256);
    const acts = entries.map(parseEntry).map((entry) => ("act" in entry ? entry : { act: "", subject: "" }));
    expect(acts).toContainEqual(expect.objectContaining({ kind: "epoch", act: "restore" }));
    const restored = acts.find(({ act, ...entry }) => act === "restore" && "subject" in entry);
    const lost = readFileSync(`${head()}.lost`);
    const digest = Buffer.from(nodePrimitives.digest("sha256", lost)).toString("hex");
    expect(restored).toMatchObject({ subject: "a drill", actor: "operator", digest });
    expect(existsSync(head())).toBe(true);
    await expect(broker.admin.showSecret("prod/later")).rejects.toMatchObject({ code: "secret/unknown" });
  }, 60_000);

  it("keeps a leased secret back, since some guest may have taken it after the backup", async () => {
    const state = await broker.admin.showLease(LEASED);
    expect(state).toMatchObject({ isRunning: true, last: { holder: "", decision: "" } });
    const words = ["agent", "get", LEASED, "--json", "--deadline", "1", ...asGuest(broker)];
    expect(ostiary(...words).status).toBe(1);
    const fence = state.last?.fence ?? 0;
    expect(fence).toBeGreaterThan(1_000_000);
    await broker.admin.breakLease(LEASED, { fence });
    const given = JSON.parse(ostiary(...words).stdout);
    expect(given.secrets[0].lease.fence).toBe(fence + 1);
  }, 60_000);

  it("lets no nonce and no token of before count again (A28)", async () => {
    const outcome = await createGuestClient({ url: broker.url, fetch })
      .release(earlier)
      .catch((thrown: unknown) => (isFault(thrown) ? thrown.code : "unexpected"));
    expect(outcome).toMatch(/^nonce\//);
    expect(token.split(".")).toHaveLength(3);
    expect(await broker.admin.introspect(token)).toMatchObject({ active: false });
  });
});
