/** How does a test put a broker on PostgreSQL? By its configuration, as an operator does. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { CLI } from "../agent/demo-broker.ts";
import type { TestServer } from "./postgres.ts";

/** Takes the database `broker` of the server in place of the folder's file, and makes its tables. */
export function useServer(data: string, { host }: TestServer): void {
  const path = join(data, DATA_FILES.config);
  const config = readFileSync(path, "utf8").replace(/^database = .*\n/m, "");
  writeFileSync(path, `${config}\n[store]\nurl = "postgres://ostiary@localhost/broker?host=${host}"\n`);
  const words = [CLI, "store", "migrate", "--data", data];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`store migrate ended with ${status}: ${stderr}`);
}
