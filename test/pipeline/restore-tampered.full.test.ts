/** A backup of a database that somebody had altered: it is not brought back, and what is wrong with it is named. */
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { asGuest, CLI, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const PATH = "prod/disk";
let broker: DemoBroker;
let data: string;
const at = (name: string): string => join(data, name);
const config = ["--config"];

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 60_000 });
}

/** A backup of the good database after some statements, brought back into an empty one. */
function restored(statements: string) {
  for (const name of [DATA_FILES.database, `${DATA_FILES.database}-wal`, `${DATA_FILES.database}-shm`])
    rmSync(at(name), { force: true });
  writeFileSync(at(DATA_FILES.database), readFileSync(at("good.db")));
  const database = new Database(at(DATA_FILES.database));
  database.exec(statements);
  database.close();
  rmSync(at("a.backup"), { force: true });
  expect(ostiary("backup", at("a.backup"), "--to", at("backup.key.pub"), ...config).status).toBe(0);
  rmSync(at(DATA_FILES.database));
  return ostiary("restore", at("a.backup"), "--key", at("backup.key"), "--because", "a test", ...config);
}

beforeAll(async () => {
  broker = await demoBroker({ [PATH]: new Uint8Array(32).fill(5) });
  data = dirname(broker.signingKeyFile);
  config.push(at(DATA_FILES.config));
  expect(ostiary("agent", "get", PATH, "--json", ...asGuest(broker)).status).toBe(0);
  expect(ostiary("backup", "--make-key", at("backup.key")).status).toBe(0);
  await new Promise((soon) => setTimeout(soon, 1500)); // a head a second
  await broker.kill();
  const database = new Database(at(DATA_FILES.database));
  database.pragma("wal_checkpoint(truncate)");
  database.close();
  renameSync(at(DATA_FILES.database), at("good.db"));
}, 60_000);
afterAll(() => broker.remove());

describe("a backup", () => {
  it("comes back where its log and all beside it hold", () => {
    expect(restored("").status).toBe(0);
    expect(ostiary("store", "check", ...config).status).toBe(0);
  }, 60_000);

  it.each([
    [
      "an entry edited",
      "update ledger_entry set draft = replace(draft, 'prod/disk', 'prod/desk') where seq = 1",
      "entry 1 ",
    ],
    ["an entry deleted", "delete from ledger_entry where seq = 1", "missing"],
    [
      "a trace edited",
      "update decision set trace = replace(trace, 'prod/disk', 'prod/desk')",
      "trace is not",
    ],
    ["a trace removed", "update decision set trace = ''", "trace is gone"],
    ["a decision's row removed", "delete from decision", "row of its decision is gone"],
    ["another head", "update checkpoint set note = replace(note, 'broker', 'brokes')", "expected"],
  ])(
    "does not with %s, which is named",
    (_, statements, words) => {
      const { status, stderr } = restored(statements);
      expect([status === 0, stderr.includes(words)], stderr).toEqual([false, true]);
      expect(ostiary("serve", "--data", data).stderr).toContain("the restore to it did not end");
    },
    60_000,
  );
});
