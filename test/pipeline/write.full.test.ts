/** Does one of many writers win on every database that a broker may have? Real brokers: SQLite, two processes on PostgreSQL, a Worker on D1. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeSecret } from "../../src/client/write.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { connect } from "../../src/runtime/node/client.ts";
import { systemNow, systemRandom } from "../../src/runtime/node/clock.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { asGuest, CLI, createProgram, type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";
import { useServer } from "../support/broker-on-postgres.ts";
import { describeWithPostgres, startPostgres } from "../support/postgres.ts";
import { workerProgram } from "../support/wrangler.ts";
import { codeOf } from "./transit-at-hand.ts";

const PATH = "prod/mongo/master";
const POLICY = `writ 1
module acme.agent version 2.0.0 { owner "ops@acme.example" }
policy writers {
  for resource "prod/**", "attest"
  platform bare-metal
  require measurement == hex"${"02".repeat(48)}"
  allow "all" when request.op in [release, write]
  on release { key_version any }
}
`;
const WRITERS = 8;

function ostiary(words: readonly string[], input = "") {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 30_000, input });
}

/** A guest of its own at one of the addresses, ready to write. */
async function writerAt(url: string, { audience, signingKey, machine }: DemoBroker) {
  const provider = createSimulatorProvider(machine);
  const session = await connect({ url, audience, signingKey, provider, signal: AbortSignal.timeout(60_000) });
  const key = makeGuestSigner();
  const { token } = await session.attest(key.jwk);
  const place = { session, broker: { audience, suite: 1, signingKey }, key } as const;
  const parts = { now: systemNow, random: systemRandom, primitives: nodePrimitives };
  return (cas: number) => writeSecret({ path: PATH, secret: systemRandom(32), cas, token }, place, parts);
}

async function holdsToIt(broker: DemoBroker, urls: readonly string[]): Promise<void> {
  await broker.decideBy(POLICY);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) => writerAt(urls[i % urls.length] ?? broker.url, broker)),
  );
  for (let cas = 0; cas < 2; cas += 1) {
    const codes = await Promise.all(writers.map((write) => codeOf(write(cas)))); // in order: one round, then the next
    expect(codes.filter((code) => code === "done")).toHaveLength(1);
    expect(codes.filter((code) => code === "secret/other-version")).toHaveLength(WRITERS - 1);
  }
  const put = ostiary(
    ["agent", "put", PATH, "--file", "-", "--cas", "2", ...asGuest(broker)],
    "the third one",
  );
  expect([put.status, put.stderr]).toEqual([
    0,
    expect.stringContaining(`wrote version 3 of ${PATH}, decision `),
  ]);
  const late = ostiary(["agent", "put", PATH, "--file", "-", "--cas", "2", ...asGuest(broker)], "too late");
  expect([late.status, late.stderr]).toEqual([1, expect.stringContaining("secret/other-version")]);
  const got = ostiary(["agent", "get", PATH, "--fd", "1", "--format", "raw", ...asGuest(broker)]);
  expect(got.stdout).toBe("the third one");
  expect(await broker.admin.showSecret(PATH)).toMatchObject([{ version: 3 }, { version: 2 }, { version: 1 }]);
  const { entries } = await broker.admin.ledgerPage(0, 256);
  const kept = entries
    .map(parseEntry)
    .filter((entry) => entry.kind === "admin" && entry.act === "secret-write");
  expect(kept).toHaveLength(3);
}

describe("a guest's write", () => {
  it("is one of many on SQLite", async () => {
    const broker = await demoBroker({});
    try {
      await holdsToIt(broker, [broker.url]);
    } finally {
      await broker.remove();
    }
  }, 120_000);

  it("is one of many on a Worker", async () => {
    const broker = await demoBroker({}, undefined, workerProgram);
    try {
      await holdsToIt(broker, [broker.url]);
    } finally {
      await broker.remove();
    }
  }, 180_000);
});

describeWithPostgres("a guest's write, at two brokers on one PostgreSQL", () => {
  it("is one of many", async () => {
    const server = await startPostgres();
    server.psql("create database broker");
    const broker = await demoBroker({}, (data) => useServer(data, server));
    const data = dirname(broker.signingKeyFile);
    const port = await freePort();
    const configFile = join(data, "second.toml");
    writeFileSync(
      configFile,
      readFileSync(join(data, DATA_FILES.config), "utf8").replace(/^port = \d+$/m, `port = ${port}`),
    );
    const second = createProgram(["--config", configFile]);
    try {
      await second.start();
      await holdsToIt(broker, [broker.url, `http://127.0.0.1:${port}`]);
    } finally {
      await second.kill();
      await broker.remove();
      await server.remove();
    }
  }, 120_000);
});
