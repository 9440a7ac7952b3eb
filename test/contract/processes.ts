/** What do several processes on one database lose while one of them is killed under load, and what do they release twice? Whatever the database. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient, type EvidenceRequest } from "../../src/client/guest.ts";
import { type LedgerEntry, parseEntry } from "../../src/ledger/entry.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { CLI, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";
import {
  createSeveral,
  inProcesses,
  type SeveralProcesses,
  signalOne,
  until,
} from "../agent/several-processes.ts";

const GUESTS = process.env["FULL"] === undefined ? 140 : 400;
const KILLS = process.env["FULL"] === undefined ? 1 : 5;
const PATH = "prod/several/key";
const LIMITED = "limited/several/key";
/** The policy's `max_releases` for {@link LIMITED}, within an hour. */
const LIMIT = 60;
const COPIES = 100;
const DECISION = /^[0-9A-Z]{26}$/;

/** A database for the data folder of one broker. */
export interface PreparedDatabase {
  readonly use: (data: string) => void;
  readonly remove: () => Promise<void>;
}

let broker: DemoBroker;
let several: SeveralProcesses;

/** Two processes, by `ostiary serve` itself. */
export function severalProcesses(prepared: () => Promise<PreparedDatabase>): void {
  let database: PreparedDatabase;
  beforeAll(async () => {
    database = await prepared();
    const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
    broker = await demoBroker(
      { [PATH]: secret, [LIMITED]: secret },
      (data) => {
        database.use(data);
        inProcesses(data, 2);
      },
      (data) => {
        several = createSeveral(data);
        return several;
      },
    );
  }, 60_000);
  afterAll(async () => {
    await broker.remove();
    await database.remove();
  });

  oneNonce();
  underLoad();
}

async function prepare(secret: string): Promise<EvidenceRequest> {
  const client = createGuestClient({ url: broker.url, fetch });
  const { nonce } = await client.challenge(3);
  const provider = createSimulatorProvider(broker.machine);
  const parts = { provider, primitives: nodePrimitives, random: systemRandom };
  const asked = { claims: { want: [{ secret }] }, nonce, carrier: { binding: 3 } } as const;
  const { audience, signingKey } = broker;
  return (await attest(asked, { audience, signingKey, suite: 1 }, parts)).request;
}

async function outcomeOf(request: EvidenceRequest): Promise<string> {
  try {
    return (await createGuestClient({ url: broker.url, fetch }).release(request)).decision;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

async function decisions(): Promise<readonly Extract<LedgerEntry, { readonly kind: "decision" }>[]> {
  const found = [];
  for (let from = 0; ; ) {
    const page = await broker.admin.ledgerPage(from, 256); // in order: page after page
    found.push(...page.entries.map(parseEntry).filter((entry) => entry.kind === "decision"));
    from += page.entries.length;
    if (page.entries.length === 0 || from >= page.size) return found;
  }
}

/** Who answered requests for a release since the broker began. */
function releasers(): ReadonlySet<unknown> {
  return new Set(
    several
      .lines()
      .filter(({ route }) => route === "/v1/release")
      .map(({ process }) => process),
  );
}

function oneNonce(): void {
  describe("one nonce, a hundred copies at once, two processes of one broker (A05)", () => {
    it("opens one door and writes one decision, whichever processes the copies come to", async () => {
      const before = (await decisions()).map(({ id }) => id);
      const request = await prepare(PATH);
      const outcomes = await Promise.all(Array.from({ length: COPIES }, () => outcomeOf(request)));
      const released = outcomes.filter((outcome) => DECISION.test(outcome));
      expect(released).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "nonce/expired")).toHaveLength(COPIES - 1);
      expect((await decisions()).map(({ id }) => id)).toEqual([...before, ...released]);
      await until(() => releasers().size === 2); // else nothing raced
    });
  });
}

/** Asks with every guest at once, and kills one process after the other meanwhile. */
async function askedUnderKills(prepared: readonly EvidenceRequest[]): Promise<readonly string[]> {
  let answered = 0;
  const marks = Array.from({ length: KILLS }, () => Promise.withResolvers<void>());
  const asked = prepared.map(async (request) => {
    const outcome = await outcomeOf(request);
    answered += 1;
    if (answered % 10 === 0) marks[answered / 10 - 1]?.resolve(); // at once: whoever looks later may find nobody in flight
    return outcome;
  });
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await marks[kill - 1]?.promise; // in order: one after the other, under load
    await until(() => begun() === 1 + kill); // and once the one before has a successor that serves
    signalOne(several.servingPids()[kill % 2], "SIGKILL");
    await until(() => several.lines().filter(({ event }) => event === "process-lost").length === kill);
  }
  await until(() => begun() === 2 + KILLS);
  return Promise.all(asked);
}

/** How many processes came to serve since the broker began. */
function begun(): number {
  return several.lines().filter(({ event }) => event === "listening").length;
}

function underLoad(): void {
  describe("a process that is killed under load", () => {
    it(`loses nothing and lets nothing be released twice: ${GUESTS} guests, ${KILLS} kills, a counter of ${LIMIT}`, async () => {
      const before = (await decisions()).length;
      const prepared: EvidenceRequest[] = [];
      for (let guest = 0; guest < GUESTS; guest += 1) {
        prepared.push(await prepare(guest % 2 === 0 ? PATH : LIMITED)); // in order: not the test's subject
      }
      const first = await askedUnderKills(prepared);
      expect(first.filter((outcome) => outcome === "broker/unreachable").length).toBeGreaterThan(0);
      const again = await Promise.all(prepared.map(outcomeOf));
      const log = (await decisions()).slice(before);
      const ids = log.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toHaveLength(GUESTS); // one nonce, one decision, whoever heard of it
      const acknowledged = [...first, ...again].filter((outcome) => DECISION.test(outcome));
      expect(new Set(acknowledged).size).toBe(acknowledged.length);
      const allowed = log.filter(({ outcome }) => outcome === "allow").map(({ id }) => id);
      expect(allowed).toEqual(expect.arrayContaining(acknowledged));
      const answered = again.filter((_, guest) => first[guest] !== "broker/unreachable");
      expect(answered.filter((outcome) => outcome !== "nonce/expired")).toEqual([]);
      const limited = log.filter(({ items }) => items.some(({ resource }) => resource === LIMITED));
      expect(limited.filter(({ outcome }) => outcome === "allow")).toHaveLength(LIMIT);
      expect(limited.filter(({ code }) => code === "counter")).toHaveLength(GUESTS / 2 - LIMIT);
    }, 240_000);

    it("leaves one log that verifies offline", () => {
      const data = dirname(broker.signingKeyFile);
      const words = [
        "--broker",
        broker.url,
        "--audience",
        broker.audience,
        "--key",
        join(data, DATA_FILES.adminKey),
      ];
      const exported = ostiary("ledger", "export", ...words);
      expect(exported.status).toBe(0);
      const file = join(data, "export.jsonl");
      writeFileSync(file, exported.stdout);
      expect(ostiary("ledger", "verify", file).status).toBe(0);
    });
  });
}

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", maxBuffer: 1 << 26 });
}
