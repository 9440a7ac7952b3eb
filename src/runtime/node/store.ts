/** How does `ostiary store` reach the database? As the broker does, by the same configuration. */
import { openStore } from "./open-store.ts";
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
