/** How does `ostiary store` reach the database? As the broker does, by the same configuration. */
import { checkLog } from "../../broker/check-log.ts";
import type { HeadWorld } from "../../broker/heads.ts";
import { type Filling, fillTiles } from "../../broker/tiles.ts";
import { copyStore } from "../../store/copy.ts";
import type { SqlDriver } from "../../store/query.ts";
import { openDriver, openStore } from "./open-store.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig, loadSigners } from "./settings.ts";

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
  return onLog(configPath, "existing", checkLog);
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
