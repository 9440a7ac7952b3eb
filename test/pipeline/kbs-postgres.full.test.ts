/** Is one session of the KBS exchange one session to two brokers on one PostgreSQL? Real processes, a guest written from the protocol's text. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemNow } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import {
  endorsementsOf,
  loadOrCreateMachine,
  type SimulatedMachine,
} from "../../src/simulator/chip-folder.ts";
import { createProgram, type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";
import { useServer } from "../support/broker-on-postgres.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";
import { namedReport } from "../support/sev-crate-json.ts";
import {
  type AskedWithChip,
  ask,
  attest,
  attestationOf,
  byCookie,
  errorOf,
  type KbsSession,
  opened,
  openSession,
  teeKey,
} from "./kbs-at-hand.ts";

const PATH = "prod/kbs/key";
const CONTENT = "for one container";

describeWithPostgres("two brokers that speak the KBS protocol on one PostgreSQL", () => {
  let server: TestServer;
  let broker: DemoBroker;
  let second: ReturnType<typeof createProgram>;
  let machine: SimulatedMachine;
  let brokers: readonly [AskedWithChip, AskedWithChip];

  beforeAll(async () => {
    server = await startPostgres();
    server.psql("create database broker");
    broker = await demoBroker({ [PATH]: new TextEncoder().encode(CONTENT) }, (data) => {
      useServer(data, server);
      appendFileSync(join(data, DATA_FILES.config), '\n[kbs]\nversions = ["0.4.0", "0.2.0"]\n');
    });
    const data = dirname(broker.signingKeyFile);
    const port = await freePort();
    const configFile = join(data, "second.toml");
    const config = readFileSync(join(data, DATA_FILES.config), "utf8");
    writeFileSync(configFile, config.replace(/^port = \d+$/m, `port = ${port}`));
    second = createProgram(["--config", configFile]);
    await second.start();
    machine = loadOrCreateMachine(broker.machine, "genoa");
    brokers = [behind(broker.url), behind(`http://127.0.0.1:${port}`)];
  }, 60_000);

  afterAll(async () => {
    await second.kill();
    await broker.remove();
    await server.remove();
  });

  function behind(url: string): AskedWithChip {
    return { app: { request: (path, init) => fetch(`${url}${path}`, init) }, chip: machine.chip };
  }

  /** With all that vouches for the chip: these brokers ask nobody. */
  function evidence() {
    const [, ...rest] = endorsementsOf(machine.root, machine.chip, systemNow());
    const chain = [machine.chip.leaf, ...rest].map((der, i) => ({
      cert_type: ["VCEK", "ASK", "ARK", "CRL"][i] ?? "ASK",
      data: [...der],
    }));
    return (report: Uint8Array) => ({ attestation_report: namedReport(report), cert_chain: chain });
  }

  it("take turns at one conversation: opened at one, attested at the other, read at both", async () => {
    const [one, two] = brokers;
    for (const version of ["0.4.0", "0.2.0"] as const) {
      const key = teeKey();
      const session = await openSession(one, version);
      expect((await attest(two, session, { key, evidenceOf: evidence() })).status).toBe(200);
      for (const each of brokers) {
        const answer = await ask(each, "GET", `resource/${PATH}`, byCookie(session));
        expect(await opened(answer, key)).toBe(CONTENT);
      }
    }
  });

  it("let one of twenty attest a session, whichever they ask", async () => {
    const session = await openSession(brokers[0]);
    const bodies = Array.from({ length: 20 }, () =>
      attestationOf(brokers[0], session, { key: teeKey(), evidenceOf: evidence() }),
    );
    const { headers } = byCookie(session);
    const statuses = await Promise.all(
      bodies.map(async (body, i) => {
        const each = i % 2 === 0 ? brokers[0] : brokers[1];
        return (await ask(each, "POST", "attest", { body, headers })).status;
      }),
    );
    expect(statuses.toSorted()).toEqual([200, ...Array<number>(19).fill(401)]);
  });

  it("have no session that was opened elsewhere, and none that nobody attested", async () => {
    const session: KbsSession = await openSession(brokers[0]);
    for (const each of brokers) {
      expect(await errorOf(await ask(each, "GET", `resource/${PATH}`, byCookie(session)))).toEqual([
        401,
        "TokenNotFound",
      ]);
      const strange = { ...session, cookie: `kbs-session-id=${"5a".repeat(16)}` };
      expect((await attest(each, strange, { evidenceOf: evidence() })).status).toBe(401);
    }
  });

  it("serve nobody while the database is away, and tell clients to stop, not to attest again", async () => {
    const key = teeKey();
    const session = await openSession(brokers[0]);
    expect((await attest(brokers[0], session, { key, evidenceOf: evidence() })).status).toBe(200);
    await server.crash();
    const answer = await ask(brokers[1], "GET", `resource/${PATH}`, byCookie(session));
    expect(await errorOf(answer)).toEqual([503, "PluginInternalError"]);
    await server.start();
  });
});
