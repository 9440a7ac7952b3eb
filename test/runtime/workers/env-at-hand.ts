/** What does Cloudflare hand a Worker in the tests? A fresh database with every table, keys of its own, and a configuration. */
import { applyD1Migrations, env, reset } from "cloudflare:test";
import { inject, onTestFinished } from "vitest";
import { base64Of } from "../../../src/base/bytes.ts";
import type { WorkerEnv } from "../../../src/runtime/workers/env.ts";
import { generateKeyPair } from "../../../src/runtime/workers/key-pairs.ts";

export const AUDIENCE = "https://broker.example";
export const CONFIG = `mode = "production"\naudience = "${AUDIENCE}"\n[kds]\nenabled = false\n`;

export async function pemOf(kind: "p-256" | "ed25519"): Promise<string> {
  const { pkcs8 } = await generateKeyPair(crypto.subtle, kind);
  return `-----BEGIN PRIVATE KEY-----\n${base64Of(pkcs8)}\n-----END PRIVATE KEY-----\n`;
}

/** Its database is emptied after the test. */
export async function workerEnv(changes: Partial<Record<string, unknown>> = {}): Promise<WorkerEnv> {
  onTestFinished(() => reset());
  await applyD1Migrations(env.DB, inject("d1Migrations"));
  return {
    DB: env.DB,
    KEK: "7a".repeat(32),
    SIGNING_KEY: await pemOf("p-256"),
    LEDGER_KEY: await pemOf("ed25519"),
    CONFIG,
    ...changes,
  };
}
