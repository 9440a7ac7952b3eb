/** How does `ostiary store` reach the database? As the broker does, by the same configuration. */
import type { Copied } from "../../cli/commands/store.ts";
import { copyStore } from "../../store/copy.ts";
import type { SqlDriver } from "../../store/query.ts";
import { type OpenMode, openDriver, openStore } from "./open-store.ts";
import { loadConfig } from "./settings.ts";
import { isScript, openScript, writeScript } from "./store-script.ts";

export function migrate(configPath: string): Promise<number> {
  return sizeOf(configPath, "migrate");
}

export function check(configPath: string): Promise<number> {
  return sizeOf(configPath, "existing");
}

async function sizeOf(configPath: string, mode: "existing" | "migrate"): Promise<number> {
  const store = await openStore(await loadConfig(configPath), mode);
  try {
    return await store.ledgerSize();
  } finally {
    await store.close();
  }
}

/** Each is a configuration, or SQL for and from D1. */
export async function copy(source: string, target: string): Promise<Copied> {
  const opened = isScript(source) ? openScript(source) : driverOf(source, "existing");
  return closing(await opened, async (from) => {
    if (isScript(target)) return { statements: await writeScript(from, target) };
    return closing(await driverOf(target, "new"), async (to) => ({ rows: await copyStore(from, to) }));
  });
}

async function driverOf(configPath: string, mode: OpenMode): Promise<SqlDriver> {
  return openDriver(await loadConfig(configPath), mode);
}

async function closing<T>(driver: SqlDriver, work: (driver: SqlDriver) => Promise<T>): Promise<T> {
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}
