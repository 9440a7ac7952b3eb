import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const WORKERD = "test/**/*.workerd.test.ts";
/** Tests that the five minutes of the everyday run have no room for run by `npm run test:full`, which CI calls. */
const LONG = process.env["FULL"] === undefined ? ["test/**/*.full.test.ts"] : [];
/** Rooms whose tests leave nothing behind in their process: they share one, which saves a fifth of the whole run. */
const ROOMS = [
  "attestation",
  "base",
  "broker",
  "channel",
  "client",
  "http",
  "kds",
  "keys",
  "ledger",
  "policies",
  "policy",
  "reference",
  "simulator",
  "wire",
  "writ",
].map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
    // The runner's own default leaves one core of two idle; most of these tests wait for processes that they start.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "rooms",
          include: ROOMS,
          exclude: [WORKERD, ...LONG],
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: [...ROOMS, WORKERD, ...LONG, "test/fixtures/**"],
          testTimeout: 30_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: {
          name: "workerd",
          include: [WORKERD],
          globalSetup: ["test/support/provide-crypto-vectors.ts", "test/support/provide-migrations.ts"],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
