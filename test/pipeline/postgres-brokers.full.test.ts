/** What do two brokers on one PostgreSQL lose while one is killed and the server restarts under load? Real processes, simulated guests. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import type { AdminClient } from "../../src/client/admin.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient, type EvidenceRequest } from "../../src/client/guest.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { CLI, createProgram, type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";
import { useServer } from "../support/broker-on-postgres.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";

const GUESTS = 200;
const PATH = "prod/pg/key";
const LIMITED = "limited/pg/key";
/** The policy's `max_releases` for {@link LIMITED}. */
const LIMIT = 60;
const DECISION = /^[0-9A-Z]{26}$/;

describeWithPostgres("two brokers on one PostgreSQL", () => {
  let server: TestServer;
  let broker: DemoBroker;
  let second: ReturnType<typeof createProgram>;
  let urls: readonly [string, string];

  beforeAll(async () => {
    server = await startPostgres([]); // with fsync: a restart is part of it
    server.psql("create database broker");
    const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
    broker = await demoBroker({ [PATH]: secret, [LIMITED]: secret }, (data) => useServer(data, server));
    const data = dirname(broker.signingKeyFile);
    const port = await freePort();
    const configFile = join(data, "second.toml");
    const config = readFileSync(join(data, DATA_FILES.config), "utf8");
    writeFileSync(configFile, config.replace(/^port = \d+$/m, `port = ${port}`));
    second = createProgram(["--config", configFile]);
    urls = [broker.url, `http://127.0.0.1:${port}`];
    await second.start();
  }, 60_000);

  afterAll(async () => {
    await second.kill();
    await broker.remove();
    await server.remove();
  });

  /** Evidence over a nonce of one of the brokers; which of them is asked then is another matter. */
  async function prepare(guest: number): Promise<EvidenceRequest> {
    const client = createGuestClient({ url: urlOf(guest), fetch });
    const { nonce } = await client.challenge(3);
    const provider = createSimulatorProvider(broker.machine);
    const parts = { provider, primitives: nodePrimitives, random: systemRandom };
    const claims = { want: [{ secret: guest % 2 === 0 ? PATH : LIMITED }] };
    const { audience, signingKey } = broker;
    return (
      await attest({ claims, nonce, carrier: { binding: 3 } }, { audience, signingKey, suite: 1 }, parts)
    ).request;
  }

  /** Half of each kind of guest at each broker. */
  function urlOf(guest: number): string {
    return guest % 4 < 2 ? urls[0] : urls[1];
  }

  it(`lose nothing and release nothing twice while ${GUESTS} guests ask, one is killed and the server restarts`, async () => {
    const prepared: EvidenceRequest[] = [];
    for (let guest = 0; guest < GUESTS; guest += 1) prepared.push(await prepare(guest)); // in order: not the test's subject
    let answered = 0;
    const asked = prepared.map(async (request, guest) => {
      const outcome = await outcomeOf(urlOf(guest), request);
      answered += 1;
      return outcome;
    });
    while (answered < 20) await sleep(1); // in order: it waits for load
    await second.kill();
    await server.crash();
    await server.start();
    const first = await Promise.all(asked);
    expect(first.filter((outcome) => DECISION.test(outcome)).length).toBeGreaterThan(20);
    expect(first.filter((outcome) => outcome === "broker/unreachable").length).toBeGreaterThan(0);

    await second.start();
    const again = await Promise.all(prepared.map((request, guest) => outcomeOf(urlOf(guest + 2), request)));
    const log = await decisionsOf(broker.admin);
    const ids = log.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(GUESTS); // one nonce, one decision, whoever heard of it
    const acknowledged = [...first, ...again].filter((outcome) => DECISION.test(outcome));
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    const allowed = log.filter(({ outcome }) => outcome === "allow");
    for (const id of acknowledged) expect(allowed.map((entry) => entry.id)).toContain(id);
    for (const [guest, outcome] of first.entries()) {
      if (outcome !== "broker/unreachable") expect(again[guest]).toBe("nonce/expired");
    }

    const limited = log.filter(({ items }) => items.some(({ resource }) => resource === LIMITED));
    expect(limited).toHaveLength(GUESTS / 2);
    expect(limited.filter(({ outcome }) => outcome === "allow")).toHaveLength(LIMIT);
    expect(limited.filter(({ code }) => code === "counter")).toHaveLength(GUESTS / 2 - LIMIT);
  }, 240_000);

  it("have one log that verifies offline, and go on", async () => {
    const data = dirname(broker.signingKeyFile);
    const key = join(data, DATA_FILES.adminKey);
    const words = ["--broker", urls[1], "--audience", broker.audience, "--key", key];
    const exported = ostiary("ledger", "export", ...words);
    expect(exported.status).toBe(0);
    const file = join(data, "export.jsonl");
    writeFileSync(file, exported.stdout);
    expect(ostiary("ledger", "verify", file).status).toBe(0);
    expect(await outcomeOf(urls[1], await prepare(0))).toMatch(DECISION);
    expect(await outcomeOf(urls[0], await prepare(2))).toMatch(DECISION);
  });
});

async function decisionsOf(admin: AdminClient) {
  const found = [];
  for (let from = 0; ; ) {
    const page = await admin.ledgerPage(from, 256); // in order: page after page
    found.push(...page.entries.map(parseEntry).filter((entry) => entry.kind === "decision"));
    from += page.entries.length;
    if (page.entries.length === 0 || from >= page.size) return found;
  }
}

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", maxBuffer: 1 << 26 });
}

async function outcomeOf(url: string, request: EvidenceRequest): Promise<string> {
  try {
    return (await createGuestClient({ url, fetch }).release(request)).decision;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}
