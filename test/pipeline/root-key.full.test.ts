/** Does a change of the root key survive the broker's death in the middle of it? A real process, a real database, SIGKILL. */
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKekFile, openKekFile } from "../../src/kek/file.ts";
import { openEnvelope, parseEnvelope } from "../../src/keys/envelope.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodeKekParts } from "../../src/runtime/node/open-kek.ts";
import { createSqliteStore } from "../../src/store/sqlite.ts";
import { CLI, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

/** Four pages and a bit. */
const SECRETS = 830;

describe("a change of the root key", () => {
  let broker: DemoBroker;
  let data: string;
  beforeAll(async () => {
    broker = await demoBroker({ "prod/db/key": Uint8Array.of(1, 2, 3) });
    data = dirname(broker.signingKeyFile);
    for (let i = 0; i < SECRETS; i += 1) {
      await broker.admin.putSecret(`prod/n${i}`, { kind: "static", plaintext: Uint8Array.of(9, i & 255) });
    }
  }, 60_000);
  afterAll(() => broker.remove());

  const at = (name: string): string => join(data, name);

  function configure(lines: string): void {
    const config = readFileSync(at("first.toml"), "utf8").replace(/^kek = .*\n/m, "");
    writeFileSync(at(DATA_FILES.config), `${config}\n${lines}`);
  }

  async function restart(lines: string): Promise<void> {
    await broker.kill();
    configure(lines);
    await broker.start();
  }

  function migrate(): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
    const child = spawn(process.execPath, [CLI, "kek", "migrate", "--config", at(DATA_FILES.config)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { child, ended: new Promise((done) => child.once("exit", done)) };
  }

  it("goes on where it was killed, and ends with the old key in no file that the broker needs", async () => {
    copyFileSync(at(DATA_FILES.config), at("first.toml"));
    await createKekFile(at("new.key"));
    const both = `[kek]\nfile = "new.key"\n[[kek.also]]\nfile = "${DATA_FILES.kek}"\n`;
    await restart(both);
    const first = migrate();
    await new Promise((begun) => first.child.stderr?.once("data", begun));
    await broker.kill();
    expect(await first.ended).not.toBe(0);
    const { left } = await leftUnderOld();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(SECRETS + 1);
    await broker.start();
    expect(await migrate().ended).toBe(0);
    await restart('[kek]\nfile = "new.key"\n');
    expect(await broker.admin.showRootKey()).toMatchObject({ also: [], left: 0 });
    await broker.kill();
    expect(await leftUnderOld()).toEqual({ left: 0, opened: SECRETS + 1 });
    configure(`[kek]\nfile = "${DATA_FILES.kek}"\n`);
    await expect(broker.start()).rejects.toThrow("kek/wrong-key");
  }, 60_000);

  /** Looks at the database of a broker that does not run: how many do not open with the new key, how many do and are whole. */
  async function leftUnderOld(): Promise<{ readonly left: number; readonly opened?: number }> {
    const store = createSqliteStore({ path: at(DATA_FILES.database), mode: "existing" });
    try {
      const kek = await openKekFile(at("new.key"), nodeKekParts);
      const all = await store.envelopes(undefined, 10_000);
      const own = all.filter(({ envelope }) => parseEnvelope(envelope).kekId === kek.id);
      if (own.length < all.length) return { left: all.length - own.length };
      const whole = await Promise.all(own.map((stored) => openEnvelope(stored, kek)));
      return { left: 0, opened: whole.filter(({ length }) => length > 0).length };
    } finally {
      await store.close();
    }
  }
});
