/** Which database does the configuration name, and how is it opened? A SQLite file, or PostgreSQL where it is loaded for. */
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Store } from "../../broker/store.ts";
import type { SnapshotDriver } from "../../store/query.ts";
import type { StoreConfig } from "../store-config.ts";
import { bytesOf } from "./named-files.ts";
import type { LoadedConfig } from "./settings.ts";

/** `existing` makes nothing; `migrate` makes the tables that PostgreSQL lacks; `new` makes a SQLite file too, where none is. */
export type OpenMode = "existing" | "migrate" | "new";

/**
 * Opens the store that a configuration names.
 *
 * @throws {@link Fault} `store/…`, `file/unusable`.
 */
export async function openStore(loaded: LoadedConfig, mode: "existing" | "migrate"): Promise<Store> {
  const { createSqlStore } = await import("../../store/statements.ts");
  return createSqlStore(await openDriver(loaded, mode));
}

/** Opens the database itself. @throws {@link Fault} as {@link openStore}. */
export async function openDriver({ config, at }: LoadedConfig, mode: OpenMode): Promise<SnapshotDriver> {
  if (config.store !== undefined) {
    const { openPostgresDriver } = await import("../../store/postgres.ts");
    const tables = mode === "existing" ? "existing" : "migrate";
    return openPostgresDriver({ ...(await connectionOf(config.store, at)), mode: tables });
  }
  const { createSqliteDriver } = await import("../../store/sqlite.ts");
  const { openSqlite } = await import("../../store/sqlite-file.ts");
  const path = at(config.files.database ?? "");
  return createSqliteDriver(openSqlite({ path, mode: mode === "new" ? "create" : "existing" }));
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
