/** How does `ostiary store` reach the database? As the broker does, by the same configuration. */
import { copyStore } from "../../store/copy.ts";
import type { SqlDriver } from "../../store/query.ts";
import { openDriver, openStore } from "./open-store.ts";
import { loadConfig } from "./settings.ts";

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

export async function copy(fromConfig: string, toConfig: string): Promise<number> {
  const [source, target] = [await loadConfig(fromConfig), await loadConfig(toConfig)];
  return closing(await openDriver(source, "existing"), async (from) =>
    closing(await openDriver(target, "new"), (to) => copyStore(from, to)),
  );
}

async function closing<T>(driver: SqlDriver, work: (driver: SqlDriver) => Promise<T>): Promise<T> {
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}
