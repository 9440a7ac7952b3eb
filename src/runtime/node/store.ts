/** How does `ostiary store` reach the database? As the broker does, by the same configuration. */
import { checkDecisions } from "../../broker/check-decisions.ts";
import { checkLog } from "../../broker/check-log.ts";
import type { HeadWorld } from "../../broker/heads.ts";
import { checkShadow } from "../../broker/shadow-chain.ts";
import { type Filling, fillTiles } from "../../broker/tiles.ts";
import type { Copied } from "../../cli/commands/store.ts";
import { copyStore } from "../../store/copy.ts";
import type { SqlDriver } from "../../store/query.ts";
import { type OpenMode, openDriver, openStore } from "./open-store.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig, loadSigners } from "./settings.ts";
import { isScript, openScript, writeScript } from "./store-script.ts";

export function migrate(configPath: string, tell: (filling: Filling) => void): Promise<number> {
  return onLog(configPath, "migrate", async (world) => {
    for (let filling = await fillTiles(world); filling.filled < filling.size; ) {
      tell(filling);
      filling = await fillTiles(world); // in order: each stands on the one before
    }
    return world.store.ledgerSize();
  });
}

export function check(configPath: string): Promise<number> {
  return onLog(configPath, "existing", async (world) => {
    const size = await checkLog(world);
    await checkDecisions(world);
    await checkShadow(world); // what it is held against is whole by now
    return size;
  });
}

async function onLog(
  configPath: string,
  mode: "existing" | "migrate",
  work: (world: HeadWorld) => Promise<number>,
): Promise<number> {
  const loaded = await loadConfig(configPath);
  const { ledgerSigner } = await loadSigners(loaded);
  const store = await openStore(loaded, mode);
  const { audience } = loaded.config;
  try {
    return await work({ store, ledgerSigner, primitives: nodePrimitives, settings: { audience } });
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
