/** Does a Worker serve only with the keys, tables and clock of its database, and say why where it does not? */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseBase64Url } from "../../../src/base/bytes.ts";
import { instant } from "../../../src/base/time.ts";
import type { WorkerEnv } from "../../../src/runtime/workers/env.ts";
import { createWorker, type Worker } from "../../../src/runtime/workers/worker.ts";
import { createD1Driver } from "../../../src/store/d1.ts";
import { createSqlStore } from "../../../src/store/statements.ts";
import { adminDraft } from "../../contract/store/examples.ts";
import { AUDIENCE, CONFIG, pemOf, workerEnv } from "./env-at-hand.ts";

const work: Promise<unknown>[] = [];
const context = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) };

afterEach(() => vi.restoreAllMocks());

/** What is asked for, and every line that the Worker wrote meanwhile. */
async function asked(worker: Worker, env: WorkerEnv, path = "/.well-known/ostiary", init: RequestInit = {}) {
  const lines: string[] = [];
  const listen = (line: unknown): void => void lines.push(String(line));
  for (const level of ["debug", "info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation(listen);
  const response = await worker.fetch(new Request(`${AUDIENCE}${path}`, init), env, context);
  await Promise.all(work.splice(0));
  return { status: response.status, body: await response.text(), said: lines.join("\n") };
}

describe("a Worker that may not serve", () => {
  const rows: readonly (readonly [string, () => Promise<Record<string, unknown>>, number, string])[] = [
    ["no root key", async () => ({ KEK: undefined }), 503, "kek/unavailable"],
    ["half a root key", async () => ({ KEK: "7a".repeat(16) }), 503, "kek/unavailable"],
    ["no database", async () => ({ DB: undefined }), 500, "D1 database bound as `DB`"],
    ["no signing key", async () => ({ SIGNING_KEY: undefined }), 500, "SIGNING_KEY"],
    ["a signing key of another kind", async () => ({ SIGNING_KEY: await pemOf("ed25519") }), 500, "P-256"],
    ["a ledger key of another kind", async () => ({ LEDGER_KEY: await pemOf("p-256") }), 500, "Ed25519"],
    ["a cut-off key", async () => ({ LEDGER_KEY: (await pemOf("ed25519")).slice(0, 60) }), 500, "LEDGER_KEY"],
    ["no configuration", async () => ({ CONFIG: undefined }), 500, "config/invalid"],
    ["a listener", async () => ({ CONFIG: `${CONFIG}[listen]\nport = 1\n` }), 500, "Cloudflare ends TLS"],
    ["a file", async () => ({ CONFIG: `${CONFIG}[files]\nkek = "k"\n` }), 500, "no [files]"],
    ["a file of heads", async () => ({ CONFIG: `${CONFIG}[ledger]\nhead_file = "h"\n` }), 500, "no files"],
    [
      "a counter in a TPM",
      async () => ({ CONFIG: `${CONFIG}[ledger]\ntpm_counter = { device = "/dev/tpmrm0" }\n` }),
      500,
      "a Worker has no TPM",
    ],
    [
      "a witness",
      async () => ({ CONFIG: `${CONFIG}[[ledger.witness]]\nurl = "https://w.example"\n` }),
      500,
      "a Worker asks none",
    ],
    ["an unknown variable", async () => ({ OSTIARY_NOTHING: "1" }), 500, "OSTIARY_NOTHING"],
    [
      "a simulator in production",
      async () => ({ CONFIG: `trust_simulator_pem = "x"\n${CONFIG}` }),
      500,
      "no simulator unless",
    ],
    [
      "a simulator that is none",
      async () => ({ CONFIG: `trust_simulator_pem = "x"\n${CONFIG.replace("production", "demo")}` }),
      500,
      "endorsement/malformed",
    ],
  ];

  it.each(rows)("for want of: %s", async (_name, changes, status, sentence) => {
    const env = await workerEnv(await changes());
    const answer = await asked(createWorker(), env);
    expect(answer.status).toBe(status);
    expect(answer.said).toContain(sentence);
    expect(answer.body).not.toContain(sentence);
    for (const secret of [env.KEK, env.SIGNING_KEY, env.LEDGER_KEY]) {
      if (secret !== undefined) expect(answer.said + answer.body).not.toContain(secret.slice(30, 60));
    }
  });

  it("on a database without tables", async () => {
    const env = await workerEnv();
    await reset();
    const answer = await asked(createWorker(), env);
    expect(answer.status).toBe(503);
    expect(answer.said).toContain("wrangler d1 migrations apply");
  });

  it("on the database of another root key, or of another broker", async () => {
    const env = await workerEnv();
    expect((await asked(createWorker(), env)).status).toBe(200);
    const other = await asked(createWorker(), { ...env, KEK: "7b".repeat(32) });
    expect([other.status, other.said.includes("kek/wrong-key")]).toEqual([503, true]);
    const stranger = await asked(createWorker(), { ...env, CONFIG: CONFIG.replace("broker", "other") });
    expect([stranger.status, stranger.said.includes("store/incompatible")]).toEqual([503, true]);
    expect((await asked(createWorker(), env)).status).toBe(200);
  });

  it("where the log is not what was signed, or the clock stands before it", async () => {
    const env = await workerEnv();
    const worker = createWorker();
    expect((await asked(worker, env)).status).toBe(200);
    const driver = createD1Driver(env.DB ?? expect.unreachable("a database was put there"));
    const store = createSqlStore(driver);
    await store.appendEntry({ ...adminDraft("later"), time: instant(4_000_000_000) });
    const early = await asked(createWorker(), env);
    expect([early.status, early.said.includes("clock/behind")]).toEqual([503, true]);
    await driver.write([{ text: "delete from ledger_entry", params: [] }]);
    const cut = await asked(createWorker(), env);
    expect([cut.status, cut.said.includes("ledger/inconsistent")]).toEqual([500, true]);
  });
});

describe("a Worker that serves", () => {
  it("takes settings from variables over those of its configuration", async () => {
    const env = await workerEnv({ OSTIARY_EXTERNAL_URL: undefined, OSTIARY_SUITES: '["hpke-xwing"]' });
    const { body } = await asked(createWorker(), env);
    expect(JSON.parse(body)).toMatchObject({ audience: AUDIENCE, bindings: [3], suites: [2] });
  });

  it("proves an entry from the tiles that its schedule filled", async () => {
    const env = await workerEnv({ OSTIARY_LEDGER_READERS: "anyone" });
    const driver = createD1Driver(env.DB ?? expect.unreachable("a database was put there"));
    const store = createSqlStore(driver);
    for (let i = 0; i < 300; i += 1) await store.appendEntry(adminDraft(`act-${i}`)); // in order: the log is
    const worker = createWorker();
    expect((await asked(worker, env)).status).toBe(200); // which signs a head
    await driver.write([{ text: "delete from ledger_tile", params: [] }]);
    const proof = () => asked(worker, env, "/v1/ledger/inclusion?seq=299&size=290");
    expect(JSON.parse((await asked(worker, env, "/v1/ledger/inclusion?seq=7")).body).code).toBe("try-later");
    expect((await proof()).status).toBe(404);
    await worker.scheduled({ scheduledTime: 60_000 }, env, { waitUntil: () => undefined });
    const { size, proof: hashes } = JSON.parse((await asked(worker, env, "/v1/ledger/inclusion?seq=7")).body);
    expect([size, hashes.length]).toEqual([300, 9]);
  });

  it("names keys that verify what it signs", async () => {
    const { body } = await asked(createWorker(), await workerEnv());
    const { signingKey, ledgerKey } = JSON.parse(body);
    expect(parseBase64Url(signingKey.spki)?.length).toBe(91);
    expect(parseBase64Url(ledgerKey.spki)?.length).toBe(44);
  });

  it("refuses a binding to a connection that it does not see", async () => {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: '{"binding":2}' };
    const answer = await asked(createWorker(), await workerEnv(), "/v1/challenge", init);
    expect(answer.status).toBe(421);
  });

  it("counts challenges by the address that Cloudflare's edge wrote", async () => {
    const env = await workerEnv({ CONFIG: `${CONFIG}[rates]\nchallenges_per_source = 1\n` });
    const worker = createWorker();
    const from = (address: string) => ({
      method: "POST",
      headers: { "content-type": "application/json", "cf-connecting-ip": address },
      body: '{"binding":3}',
    });
    const statuses: number[] = [];
    for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.2"])
      statuses.push((await asked(worker, env, "/v1/challenge", from(address))).status);
    expect(statuses).toEqual([200, 429, 200]);
  });

  it("signs a head over what it did, after a request and by its schedule", async () => {
    const env = await workerEnv();
    const worker = createWorker();
    const store = createSqlStore(createD1Driver(env.DB ?? expect.unreachable("a database was put there")));
    await asked(worker, env);
    await store.appendEntry({ ...adminDraft("first"), time: instant(1_700_000_000) });
    await asked(worker, env, "/v1/challenge", { method: "POST", body: "{}" });
    expect((await store.checkpoint())?.size).toBe(1);
    await store.appendEntry({ ...adminDraft("second"), time: instant(1_700_000_000) });
    const kept = {
      id: "01J00000000000000000000000",
      source: "192.0.2.7",
      code: "request/malformed",
      format: "",
    };
    await store.logRefusal({ ...kept, at: instant(1_600_000_000) });
    await worker.scheduled({ scheduledTime: 60_000 }, env, context);
    expect((await store.checkpoint())?.size).toBe(2);
    expect(await store.refusal(kept.id)).toBeDefined();
    await worker.scheduled({ scheduledTime: 600_000 }, env, context);
    expect(await store.refusal(kept.id)).toBeUndefined();
  });
});
