/** Which database does the configuration name, and how is it opened? A SQLite file, or PostgreSQL where it is loaded for. */
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Store } from "../../broker/store.ts";
import type { StoreConfig } from "../store-config.ts";
import { bytesOf, type LoadedConfig } from "./settings.ts";

/**
 * Opens the database that is there; `migrate` also makes what is missing in one of PostgreSQL.
 *
 * @throws {@link Fault} `store/…`, `file/unusable`.
 */
export async function openStore(loaded: LoadedConfig, mode: "existing" | "migrate"): Promise<Store> {
  const { config, at } = loaded;
  if (config.store !== undefined) {
    const { openPostgresStore } = await import("../../store/postgres.ts");
    return openPostgresStore({ ...(await connectionOf(config.store, at)), mode });
  }
  const { createSqliteStore } = await import("../../store/sqlite.ts");
  return createSqliteStore({ path: at(config.files.database ?? ""), mode: "existing" });
}

async function connectionOf(store: StoreConfig, at: LoadedConfig["at"]) {
  const { host, port, database, role, isEncrypted, passwordFile, caFile } = store;
  const password =
    passwordFile === undefined ? undefined : (await textOf(at(passwordFile))).replace(/\n$/, "");
  const authorities = caFile === undefined ? undefined : await textOf(at(caFile));
  return {
    host,
    port,
    database,
    role,
    ...(password === undefined ? {} : { password }),
    ...(isEncrypted ? { tls: { authorities } } : {}),
  };
}

async function textOf(path: string): Promise<string> {
  const text = parseUtf8(await bytesOf(path));
  if (text === undefined)
    throw new Fault("file/unusable", `expected \`${path}\` to be text in UTF-8`, { path });
  return text;
}
