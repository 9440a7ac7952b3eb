/** Does a broker change over to a root key in a device and back while it serves, and refuse to start without one? Real processes, SoftHSM and swtpm. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DATA_FILES, initDataFolder } from "../../src/runtime/node/init.ts";
import { asGuest, CLI, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";
import { createTokens, describeWithSoftHsm, PIN, SOFTHSM, type TestTokens } from "../support/softhsm.ts";
import { describeWithSwtpm, extendPcr, startTpm, type TestTpm } from "../support/swtpm.ts";

/** A minute of processes that start: beside the everyday tests. */
const isFull = process.env["FULL"] === "1";
const describeToken = isFull ? describeWithSoftHsm : () => undefined;
const describeTpm = isFull ? describeWithSwtpm : () => undefined;

const PATH = "prod/device/key";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 3);
const HEX = Buffer.from(SECRET).toString("hex");

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 60_000 });
}

/** A broker with a secret, whose `[kek]` a test changes. */
async function brokerWithSecret() {
  const broker = await demoBroker({ [PATH]: SECRET });
  const data = dirname(broker.signingKeyFile);
  const at = (name: string): string => join(data, name);
  copyFileSync(at(DATA_FILES.config), at("first.toml"));
  const configure = (lines: string): void => {
    const config = readFileSync(at("first.toml"), "utf8").replace(/^kek = .*\n/m, "");
    writeFileSync(at(DATA_FILES.config), `${config}\n${lines}\n`);
  };
  const restart = async (lines: string): Promise<void> => {
    await broker.kill();
    configure(lines);
    await broker.start();
  };
  const run = (...words: readonly string[]) => ostiary(...words, "--config", at(DATA_FILES.config));
  const get = () =>
    ostiary(
      "agent",
      "get",
      PATH,
      "--fd",
      "1",
      "--format",
      "hex",
      "--deadline",
      "1",
      ...asGuest(broker),
    ).stdout.trim();
  return { broker, at, configure, restart, run, get };
}

type Held = Awaited<ReturnType<typeof brokerWithSecret>>;

const FILE = `file = "${DATA_FILES.kek}"`;

/** From the first to the second and only the second, while the broker serves. */
async function changeOver(from: string, to: string, { restart, run, get }: Held): Promise<void> {
  await restart(`[kek]\n${to}\n[[kek.also]]\n${from}`);
  expect(get()).toBe(HEX);
  const done = run("kek", "migrate");
  expect([done.status, done.stderr]).toEqual([0, ""]);
  await restart(`[kek]\n${to}`);
  expect(get()).toBe(HEX);
}

describeToken("a broker whose root key is in a token", () => {
  let held: Held;
  let broker: DemoBroker;
  let tokens: TestTokens;
  const token = (key: string): string =>
    `pkcs11 = { module = "${SOFTHSM}", token = "broker", key = "${key}", pin_file = "pin" }`;
  const make = (key: string, ...more: readonly string[]) => {
    const words = ["--module", SOFTHSM, "--token", "broker", "--key", key, "--pin-file", held.at("pin")];
    return ostiary("kek", "rotate", ...words, ...more);
  };
  beforeAll(async () => {
    tokens = createTokens();
    tokens.make("broker");
    held = await brokerWithSecret();
    broker = held.broker;
    writeFileSync(held.at("pin"), `${PIN}\n`, { mode: 0o600 });
  }, 60_000);
  afterAll(async () => {
    await broker.remove();
    tokens.remove();
  });

  it("moves into the token, on to another key in it, and back into a file", async () => {
    for (const [key, kind] of [
      ["root", "aes-256"],
      ["pair", "p-384"],
    ] as const) {
      const made = make(key, "--kind", kind);
      expect([made.status, made.stderr]).toEqual([0, ""]);
    }
    expect(make("root").status).toBe(3);
    await changeOver(FILE, token("root"), held);
    expect(held.run("kek", "show").stdout).toMatch(
      /^wraps +pkcs11:[0-9a-f]{32}\nunder other keys +0 versions\n$/,
    );
    await changeOver(token("root"), token("pair"), held);
    await changeOver(token("pair"), FILE, held);
    const stayed = await broker.admin.showRootKey();
    expect(stayed).toMatchObject({ also: [], left: 0 });
    expect(stayed.id).toMatch(/^file:/);
  }, 120_000);

  it("does not start, nor pass --check, on a wrong PIN or another token, and says neither PIN nor key", async () => {
    await broker.kill();
    writeFileSync(held.at("wrong"), "planted\n", { mode: 0o600 });
    writeFileSync(held.at("open"), `${PIN}\n`, { mode: 0o644 });
    for (const [line, sentence] of [
      [token("root").replace('"pin"', '"wrong"'), "refused the PIN"],
      [token("root").replace('"pin"', '"open"'), "is open to other users"],
      [token("root").replace('"pin"', '"nowhere"'), "write the PIN into it"],
      [token("gone"), "is not in the token"],
      [token("root").replace('"broker"', '"elsewhere"'), "is not there"],
      [token("root").replace(".so", ".no"), "cannot be loaded"],
    ] as const) {
      held.configure(`[kek]\n${line}`);
      for (const words of [["serve", "--check"], ["serve"]]) {
        const { status, stdout, stderr } = held.run(...words);
        expect([status, stderr.includes(sentence)], stderr).toEqual([3, true]);
        expect(`${stdout}${stderr}`).not.toMatch(new RegExp(`planted|${PIN}`));
      }
    }
    held.configure(`[kek]\n${token("root")}`);
    expect(held.run("serve").stderr).toContain("kek/wrong-key"); // the database is under the file's key again
  }, 120_000);
});

describeTpm("a broker on a machine with a TPM", () => {
  let held: Held;
  let broker: DemoBroker;
  let tpm: TestTpm;
  let thief: TestTpm;
  const sealedTo = (device: string): string => `tpm = { device = "${device}", sealed = "kek.tpm" }`;
  const counter = (device: string): string => `[ledger]\ntpm_counter = { device = "${device}" }`;
  beforeAll(async () => {
    [tpm, thief] = [await startTpm(), await startTpm("unix")];
    held = await brokerWithSecret();
    broker = held.broker;
  }, 60_000);
  afterAll(async () => {
    await broker.remove();
    await tpm.remove();
    await thief.remove();
  });

  const databases = (): readonly string[] =>
    readdirSync(dirname(held.at(DATA_FILES.config))).filter((name) => name.startsWith(DATA_FILES.database));
  const keep = (into: Map<string, Buffer>): void => {
    for (const name of databases()) into.set(name, readFileSync(held.at(name)));
  };
  const put = (from: Map<string, Buffer>): void => {
    for (const name of databases()) rmSync(held.at(name));
    for (const [name, bytes] of from) writeFileSync(held.at(name), bytes);
  };

  it("starts without the file of its key once that is sealed, and gives its guest the same secret", async () => {
    const words = ["--tpm", tpm.device, "--pcrs", "16,7", "--out", held.at("kek.tpm")];
    const sealed = ostiary("kek", "seal", held.at(DATA_FILES.kek), ...words);
    expect([sealed.status, sealed.stderr]).toEqual([0, ""]);
    expect(ostiary("kek", "seal", held.at(DATA_FILES.kek), ...words).status).toBe(3);
    rmSync(held.at(DATA_FILES.kek));
    await held.restart(`[kek]\n${sealedTo(tpm.device)}`);
    expect(held.get()).toBe(HEX);
    await tpm.stop(); // which a broker that runs does not notice
    expect(held.get()).toBe(HEX);
    await tpm.reboot();
  }, 60_000);

  it("does not start where all of its files were stolen to, after another boot, or without its TPM", async () => {
    await broker.kill();
    const refused = (device: string, sentence: string): void => {
      held.configure(`[kek]\n${sealedTo(device)}`);
      for (const words of [["serve", "--check"], ["serve"]]) {
        const { status, stderr } = held.run(...words);
        expect([status, stderr.includes(sentence)], stderr).toEqual([3, true]);
      }
    };
    refused(thief.device, "another TPM");
    refused("tcp:127.0.0.1:1", "ECONNREFUSED");
    await extendPcr(16, tpm.device);
    refused(tpm.device, "PCR 16 changed");
    await tpm.reboot();
    await held.restart(`[kek]\n${sealedTo(tpm.device)}`);
    expect(held.get()).toBe(HEX);
  }, 60_000);

  it("serves no older database that was put back in silence, and one that was restored as an act", async () => {
    const own = `${counter(tpm.device)}\n[kek]\n${sealedTo(tpm.device)}`;
    await held.restart(own);
    expect(ostiary("backup", "--make-key", held.at("backup.key")).status).toBe(0);
    const made = held.run("backup", held.at("first.backup"), "--to", held.at("backup.key.pub"));
    expect([made.status, made.stderr]).toEqual([0, ""]);
    await broker.kill();
    const older = new Map<string, Buffer>();
    keep(older);
    await broker.start(); // a start counts
    await broker.admin.putSecret("prod/later", { kind: "static", plaintext: SECRET });
    await broker.kill();
    const newest = new Map<string, Buffer>();
    keep(newest);
    put(older);
    const refused = held.run("serve");
    expect([refused.status, refused.stderr.includes("ledger/rolled-back")], refused.stderr).toEqual([
      3,
      true,
    ]);
    put(newest);
    await broker.start();
    expect(held.get()).toBe(HEX);
    await broker.kill();
    put(new Map());
    const words = ["--key", held.at("backup.key"), "--because", "a drill"];
    const restored = held.run("restore", held.at("first.backup"), ...words);
    expect([restored.status, restored.stderr]).toEqual([0, ""]);
    await broker.start();
    expect(held.get()).toBe(HEX);
    await broker.kill();
    put(newest);
    expect(held.run("serve").stderr).toContain("ledger/rolled-back");
  }, 120_000);

  it("does not start without the TPM whose counter it was told to ask, or with another", async () => {
    for (const device of [thief.device, "tcp:127.0.0.1:1"]) {
      held.configure(`${counter(device)}\n[kek]\n${sealedTo(tpm.device)}`);
      const { status, stderr } = held.run("serve");
      expect([status, stderr.includes("tpm/unavailable")], stderr).toEqual([3, true]);
    }
  }, 60_000);
});

describe("a broker that is told of a device which is not there", () => {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-no-device-"));
  const config = join(folder, "data", DATA_FILES.config);
  beforeAll(async () => {
    const given = { audience: "https://broker.example", mode: "demo", port: 0, isKdsEnabled: false } as const;
    await initDataFolder(join(folder, "data"), given);
    writeFileSync(join(folder, "pin"), "planted\n", { mode: 0o600 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    [`pkcs11 = { module = "/nowhere.so", token = "t", key = "k", pin_file = "../pin" }`, "kek/unavailable"],
    [`tpm = { device = "/dev/tpm-not", sealed = "kek.tpm" }`, "config/invalid"],
    [`tpm = { device = "tcp:127.0.0.1:1", sealed = "kek.tpm" }`, "kek/unavailable"],
  ])("ends with status 3 for %s", (line, code) => {
    const text = readFileSync(config, "utf8").replace(/^kek = .*\n/m, "");
    writeFileSync(join(folder, "data", "changed.toml"), `${text}\n[kek]\n${line}\n`);
    const { status, stderr } = ostiary("serve", "--check", "--config", join(folder, "data", "changed.toml"));
    expect([status, stderr.includes(code)], stderr).toEqual([3, true]);
    expect(stderr).not.toContain("planted");
  });
});
