/** Where do store tests put their files? In a folder that goes away with the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Store } from "../../src/broker/store.ts";
import { createSqliteStore } from "../../src/store/sqlite.ts";

/** A fresh folder for one test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a database that is not there yet. */
export function temporaryPath(): string {
  return join(temporaryFolder(), "broker.db");
}

/** Opens a store for one test. */
export function openedStore(path: string, mode: "create" | "existing", busyTimeoutMs = 2000): Store {
  const store = createSqliteStore({ path, mode, busyTimeoutMs });
  onTestFinished(() => store.close());
  return store;
}

const NOBODY = 65_534;

/** Runs as an ordinary user where the tests run as root, whom permissions do not bind. */
export function withoutPrivilege<T>(work: () => T): T {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
