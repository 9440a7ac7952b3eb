/** Do people unseal a real broker together, and does its guest get its key then and not before? Real processes, the stock commands. */
import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, unkept } from "../agent/demo-broker.ts";

const PATH = "prod/sealed/key";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 1);

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 30_000 });
}

describe("a root key among people", () => {
  let broker: DemoBroker;
  let data: string;
  const at = (name: string): string => join(data, name);
  const unseal = (...words: readonly string[]) =>
    ostiary("kek", "unseal", ...words, "--config", at(DATA_FILES.config));
  const share = (i: number): string => join(at("shares"), `share-${i}-of-3.txt`);
  const get = () =>
    ostiary("agent", "get", PATH, "--fd", "1", "--format", "hex", "--deadline", "1", ...asGuest(broker));

  beforeAll(async () => {
    broker = await demoBroker({ [PATH]: SECRET });
    data = dirname(broker.signingKeyFile);
  }, 60_000);
  afterAll(() => broker.remove());

  it("is divided into files that their owner alone can read, and never over others", () => {
    const words = [
      "kek",
      "split",
      at(DATA_FILES.kek),
      "--shares",
      "3",
      "--threshold",
      "2",
      "--out",
      at("shares"),
    ];
    const made = ostiary(...words);
    expect([made.status, made.stderr]).toEqual([0, ""]);
    expect(readdirSync(at("shares"))).toHaveLength(3);
    expect(statSync(at("shares")).mode & 0o777).toBe(0o700);
    for (const i of [1, 2, 3]) {
      expect(statSync(share(i)).mode & 0o777).toBe(0o600);
      expect(made.stdout).not.toContain(readFileSync(share(i), "utf8").slice(30, 50));
    }
    const again = ostiary(...words);
    expect([again.status, again.stderr.includes("file/unusable")]).toEqual([3, true]);
    const [id = ""] = /[0-9a-f]{32}/.exec(made.stdout) ?? [];
    copyFileSync(at(DATA_FILES.config), at("by-file.toml"));
    const config = readFileSync(at(DATA_FILES.config), "utf8").replace(/^kek = .*\n/m, "");
    writeFileSync(at(DATA_FILES.config), `${config}\n[kek]\nshares = "${id}"\n`);
    rmSync(at(DATA_FILES.kek));
  });

  it("keeps the broker from serving until two of three gave their share", async () => {
    await broker.kill();
    await broker.start();
    expect((await unkept(`${broker.url}/healthz`)).status).toBe(200);
    const ready = await unkept(`${broker.url}/readyz`);
    expect([ready.status, (await ready.text()).includes("sealed until")]).toEqual([503, true]);
    expect(get().status).toBe(3);
    expect(unseal("--share", share(2)).stdout).toBe("sealed: 1 of 2 shares were given\n");
    expect(get().status).toBe(3);
    const damaged = at("damaged.txt");
    const text = readFileSync(share(1), "utf8");
    const letter = text[30] === "A" ? "B" : "A";
    writeFileSync(damaged, text.slice(0, 30) + letter + text.slice(31));
    expect(unseal("--share", damaged).status).toBe(1);
    expect(unseal("--progress").stdout).toBe("sealed: 1 of 2 shares were given\n");
    const last = spawnSync(process.execPath, [CLI, "kek", "unseal", "--config", at(DATA_FILES.config)], {
      encoding: "utf8",
      input: readFileSync(share(3), "utf8"),
    });
    expect(last.stdout).toBe("unsealed: the broker serves\n");
    expect(get().stdout.trim()).toBe(Buffer.from(SECRET).toString("hex"));
    expect((await unkept(`${broker.url}/readyz`)).status).toBe(200);
  }, 60_000);

  it("is asked for again after a crash, and two people are enough again", async () => {
    await broker.kill();
    await broker.start();
    expect(get().status).toBe(3);
    unseal("--share", share(1));
    expect(unseal("--forget").stdout).toBe("sealed: no share was given\n");
    unseal("--share", share(1));
    unseal("--share", share(3));
    expect(get().status).toBe(0);
  }, 60_000);

  it("goes over no open road", () => {
    const words = [
      "--broker",
      "http://broker.example",
      "--audience",
      broker.audience,
      "--key",
      at("admin-key.pem"),
    ];
    const sent = ostiary("kek", "unseal", "--share", share(1), ...words);
    expect([sent.status, sent.stderr.includes("open road")]).toEqual([3, true]);
  });
});
