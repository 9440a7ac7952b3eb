/** What does a crash cost? SIGKILL at many points during concurrent releases: nothing acknowledged is lost, no nonce opens twice. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient, type EvidenceRequest } from "../../src/client/guest.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const PATH = "prod/crash/key";
const ROUNDS = process.env["FULL"] === undefined ? 6 : 25;
const GUESTS = 24;

type Outcome = { readonly decision: string } | { readonly code: string };

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ [PATH]: Uint8Array.from({ length: 32 }, (_, i) => i) });
}, 60_000);

afterAll(async () => {
  await broker.remove();
});

async function prepare(): Promise<EvidenceRequest> {
  const client = createGuestClient({ url: broker.url, fetch });
  const provider = createSimulatorProvider(broker.machine);
  const { nonce } = await client.challenge(3);
  const { audience, signingKey } = broker;
  const parts = { provider, primitives: nodePrimitives, random: systemRandom };
  const claims = { want: [{ secret: PATH }] };
  return (await attest({ claims, nonce, carrier: { binding: 3 } }, { audience, signingKey, suite: 1 }, parts))
    .request;
}

async function outcomeOf(request: EvidenceRequest): Promise<Outcome> {
  try {
    const { decision } = await createGuestClient({ url: broker.url, fetch }).release(request);
    return { decision };
  } catch (thrown) {
    if (isFault(thrown)) return { code: thrown.code };
    throw thrown;
  }
}

async function wholeLog() {
  const entries = [];
  for (let from = 0; ; ) {
    const page = await broker.admin.ledgerPage(from, 256); // in order: page after page
    entries.push(...page.entries.map(parseEntry));
    from += page.entries.length;
    if (page.entries.length === 0 || from >= page.size) return entries;
  }
}

interface Moment {
  /** The broker is killed so long after this many answers. */
  readonly answers: number;
  readonly milliseconds: number;
}

/** Asks with every guest at once, kills the broker at that moment, starts it and asks again. */
async function crashOnce({ answers, milliseconds }: Moment) {
  const prepared: EvidenceRequest[] = [];
  for (let guest = 0; guest < GUESTS; guest += 1) prepared.push(await prepare()); // in order: not the test's subject
  let answered = 0;
  const counted = async (request: EvidenceRequest): Promise<Outcome> => {
    const outcome = await outcomeOf(request);
    answered += 1;
    return outcome;
  };
  const asked = prepared.map(counted);
  while (answered < answers) await sleep(1); // in order: it waits
  await sleep(milliseconds);
  await broker.kill();
  const first = await Promise.all(asked);
  await broker.start();
  const second = await Promise.all(prepared.map(outcomeOf));
  return first.map((outcome, guest) => ({ outcome, again: second[guest] }));
}

interface Pair {
  readonly outcome: Outcome;
  readonly again: Outcome | undefined;
}

/** At most one of the two tries was released; the second one, if not, met a spent nonce. */
function releasedIds({ outcome, again }: Pair): readonly string[] {
  const ids = [outcome, again].flatMap((one) =>
    one !== undefined && "decision" in one ? [one.decision] : [],
  );
  expect(ids.length).toBeLessThan(2);
  if (again === undefined || "code" in again) expect(again).toEqual(STALE);
  return ids;
}

/** The wire code of every nonce that opens no door. */
const STALE: Outcome = { code: "nonce/expired" };

describe("a broker that is killed in the middle of releases (A06)", () => {
  it(`keeps every promise over ${ROUNDS} crashes`, async () => {
    const acknowledged = new Set<string>();
    let requests = 0;
    let spentBefore = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const outcomes = await crashOnce({ answers: round % 3, milliseconds: (round * 7) % 45 }); // in order: one broker
      requests += outcomes.length;
      spentBefore += outcomes.filter(({ again }) => again !== undefined && "code" in again).length;
      for (const pair of outcomes) for (const id of releasedIds(pair)) acknowledged.add(id);
    }
    expect(spentBefore).toBeGreaterThan(0); // else no crash came after a commit, and nothing was tried
    const decisions = (await wholeLog()).filter(({ kind }) => kind === "decision");
    const ids = decisions.map((entry) => ("id" in entry ? entry.id : ""));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of acknowledged) expect(ids).toContain(id);
    // One nonce, one decision: what was not acknowledged before the crash was recorded then, or decided at the second try.
    expect(ids).toHaveLength(requests);
  }, 600_000);

  it("has a log that still verifies, offline", async () => {
    const cli = join(import.meta.dirname, "../../src/runtime/node/cli.ts");
    const data = join(broker.signingKeyFile, "..");
    const words = [
      "--broker",
      broker.url,
      "--audience",
      broker.audience,
      "--key",
      join(data, "admin-key.pem"),
    ];
    const exported = spawnSync(process.execPath, [cli, "ledger", "export", ...words], { maxBuffer: 1 << 26 });
    expect(exported.status).toBe(0);
    const file = join(data, "export.jsonl");
    writeFileSync(file, exported.stdout);
    const verified = spawnSync(process.execPath, [cli, "ledger", "verify", file, "--json"], {
      encoding: "utf8",
    });
    expect(verified.status).toBe(0);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(JSON.parse(verified.stdout).size).toBe(lines.length - 1);
  });

  it("opens the secret that was put before all of it", async () => {
    expect(await outcomeOf(await prepare())).toHaveProperty("decision");
  });
});
