/** Do two broker processes on one database, and a database that goes away, keep the promise of one door per nonce? */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient, type EvidenceRequest } from "../../src/client/guest.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { connectTransit } from "../../src/runtime/node/client.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { createProgram, type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";
import { evidenceFor, opened, tlsBroker } from "./tls-broker.ts";
import { codeOf } from "./transit-at-hand.ts";

const PATH = "prod/race/key";

let broker: DemoBroker;
/** The second process: its own port, the same files. */
let secondUrl: string;
let second: ReturnType<typeof createProgram>;

beforeAll(async () => {
  broker = await demoBroker({ [PATH]: Uint8Array.from({ length: 32 }, (_, i) => i) });
  const data = dirname(broker.signingKeyFile);
  const port = await freePort();
  const config = readFileSync(join(data, DATA_FILES.config), "utf8");
  const configFile = join(data, "second.toml");
  writeFileSync(configFile, config.replace(/^port = \d+$/m, `port = ${port}`));
  second = createProgram(["--config", configFile]);
  secondUrl = `http://127.0.0.1:${port}`;
  await second.start();
}, 60_000);

afterAll(async () => {
  await second.kill();
  await broker.remove();
});

async function prepare(): Promise<EvidenceRequest> {
  const client = createGuestClient({ url: broker.url, fetch });
  const { nonce } = await client.challenge(3);
  const provider = createSimulatorProvider(broker.machine);
  const parts = { provider, primitives: nodePrimitives, random: systemRandom };
  const asked = { claims: { want: [{ secret: PATH }] }, nonce, carrier: { binding: 3 } } as const;
  const { audience, signingKey } = broker;
  return (await attest(asked, { audience, signingKey, suite: 1 }, parts)).request;
}

async function outcomeOf(url: string, request: EvidenceRequest): Promise<string> {
  try {
    return (await createGuestClient({ url, fetch }).release(request)).decision;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

async function decisions(): Promise<readonly string[]> {
  const found: string[] = [];
  for (let from = 0; ; ) {
    const page = await broker.admin.ledgerPage(from, 256); // in order: page after page
    for (const entry of page.entries.map(parseEntry)) if (entry.kind === "decision") found.push(entry.id);
    from += page.entries.length;
    if (page.entries.length === 0 || from >= page.size) return found;
  }
}

describe("one nonce, a hundred copies at once, two processes on one database (A05)", () => {
  it("opens one door and writes one decision", async () => {
    const before = await decisions();
    const request = await prepare();
    const copies = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? broker.url : secondUrl));
    const outcomes = await Promise.all(copies.map((url) => outcomeOf(url, request)));
    const released = outcomes.filter((outcome) => /^[0-9A-Z]{26}$/.test(outcome));
    expect(released).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "nonce/expired")).toHaveLength(99);
    expect(await decisions()).toEqual([...before, ...released]);
  });

  it("is a race that either process can win: each opens doors of its own", async () => {
    expect(await outcomeOf(broker.url, await prepare())).toMatch(/^[0-9A-Z]{26}$/);
    expect(await outcomeOf(secondUrl, await prepare())).toMatch(/^[0-9A-Z]{26}$/);
  });
});

describe("a limit on the use of a transit key, two processes on one database", () => {
  it("is one limit: what came through either counts, and no use is one too many", async () => {
    await broker.admin.putSecret("limited/race/key", { kind: "transit", type: "aes-256-gcm" });
    const { audience, signingKey, machine } = broker;
    const transits = await Promise.all(
      [broker.url, secondUrl].map((url) =>
        connectTransit({ url, audience, signingKey, provider: createSimulatorProvider(machine) }),
      ),
    );
    const plaintext = Uint8Array.of(1);
    const text = await transits[0]?.encrypt("limited/race/key", plaintext); // both hold a token from then on
    await transits[1]?.encrypt("limited/race/key", plaintext);
    expect(text).toMatch(/^ostiary:v1:/);
    const uses = Array.from({ length: 70 }, (_, i) =>
      codeOf(transits[i % 2]?.encrypt("limited/race/key", plaintext) ?? Promise.resolve()),
    );
    const outcomes = await Promise.all(uses);
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(58);
    expect(outcomes.filter((outcome) => outcome === "policy/denied")).toHaveLength(12);
    for (const { close } of transits) close();
  });
});

describe("a store that goes away in the middle (A07)", () => {
  it("is a no for whoever asks then, and nothing is unwrapped", async () => {
    const at = await tlsBroker();
    onTestFinished(() => at.remove().catch(() => undefined)); // it cannot end in order without its store
    const channel = await opened(at);
    const good = await evidenceFor(at, channel);
    expect((await channel.client.release(good.request)).releases).toHaveLength(1); // the control
    const attested = await evidenceFor(at, channel);
    await at.broker.world.store.close();
    await expect(channel.client.release(attested.request)).rejects.toMatchObject({
      code: "broker/unreachable",
      message: expect.stringContaining("cannot decide now"),
    });
  });
});
