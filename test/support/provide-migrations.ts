/** How do migrations reach a test in workerd, which has no file system? Vitest provides them as wrangler reads them. */
import { join } from "node:path";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    readonly d1Migrations: readonly { readonly name: string; readonly queries: string[] }[];
  }
}

export default async function provideMigrations(project: TestProject): Promise<void> {
  project.provide(
    "d1Migrations",
    await readD1Migrations(join(import.meta.dirname, "../../migrations/sqlite")),
  );
}
