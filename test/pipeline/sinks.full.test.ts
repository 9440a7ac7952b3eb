/** What does a decision wait for? Not for whoever is told of it: sinks that hang, refuse and die, a broker that is killed, and nothing lost. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient } from "../../src/client/guest.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { leafHash } from "../../src/ledger/merkle.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import type { AuditEvent } from "../../src/wire/audit-event.ts";
import { type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const PATH = "prod/sinks/key";
const LOUD = "loud/sinks/key";
const GUESTS = 40;

const policy = (notify: string): string => `writ 1
module acme.sinks version 1.0.0 { owner "ops@acme.example" }
policy quiet {
  for resource "prod/**"
  platform bare-metal
  require measurement == hex"${"02".repeat(48)}"
  allow "boot" when request.op == release
  on release { key_version any }
}
policy loud {
  for resource "loud/**"
  platform bare-metal
  require measurement == hex"${"02".repeat(48)}"
  allow "break the glass" when request.op == release
  on release { key_version any notify ${notify} }
}
`;

let broker: DemoBroker;
let folder: string;
const heard: { moody: AuditEvent[]; pager: AuditEvent[]; attempts: number } = {
  moody: [],
  pager: [],
  attempts: 0,
};
let isMoodyWell = false;
const servers: Server[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-sinks-"));
  writeFileSync(join(folder, "hook.key"), `${"k".repeat(40)}\n`);
  const silent = await port(createServer((socket) => void socket.on("error", () => undefined).resume()));
  const moody = await hook((events, response) => {
    heard.attempts += 1;
    if (isMoodyWell) heard.moody.push(...events);
    response.writeHead(isMoodyWell ? 204 : 500).end();
  });
  const pager = await hook((events, response) => {
    heard.pager.push(...events);
    response.writeHead(204).end();
  });
  const webhook = (at: number) =>
    `kind = "webhook"\nurl = "http://127.0.0.1:${at}/"\nkey_file = "${folder}/hook.key"`;
  const sinks = [
    ["audit", "file", `kind = "file"\npath = "${folder}/audit.jsonl"\nfrom = "beginning"`],
    ["audit", "silent", webhook(silent)],
    ["audit", "silent-log", `kind = "syslog"\naddress = "tcp:127.0.0.1:${silent}"`],
    ["audit", "moody", `${webhook(moody)}\nfrom = "beginning"`],
    ["audit", "gone", webhook(1)],
    ["audit", "full", 'kind = "file"\npath = "/dev/full"'],
    ["notify", "pager", webhook(pager)],
    ["notify", "sleeper", 'kind = "command"\ncommand = ["/bin/sleep", "600"]\nacts = ["secret-put"]'],
  ].map(([section, name, lines]) => `\n[[${section}]]\nname = "${name}"\n${lines}\n`);
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
  broker = await demoBroker({ [PATH]: secret, [LOUD]: secret }, (data) =>
    appendFileSync(join(data, "ostiary.toml"), sinks.join("")),
  );
  await broker.decideBy(policy('"pager"'));
}, 60_000);

afterAll(async () => {
  await broker.remove();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function port(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", () => done()));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function hook(
  heard: (events: readonly AuditEvent[], response: ServerResponse) => void,
): Promise<number> {
  const { createServer: createHttp } = await import("node:http");
  return port(
    createHttp(async (request, response) => {
      let body = "";
      for await (const piece of request) body += String(piece);
      heard(JSON.parse(body).events, response);
    }),
  );
}

async function release(path: string): Promise<string> {
  const client = createGuestClient({ url: broker.url, fetch });
  const provider = createSimulatorProvider(broker.machine);
  const { audience, signingKey } = broker;
  const parts = { provider, primitives: nodePrimitives, random: systemRandom };
  const { nonce } = await client.challenge(3);
  const plan = { claims: { want: [{ secret: path }] }, nonce, carrier: { binding: 3 } } as const;
  const { request } = await attest(plan, { audience, signingKey, suite: 1 }, parts);
  return (await client.release(request)).decision;
}

async function wholeLog() {
  const leaves = [];
  for (let from = 0; ; ) {
    const page = await broker.admin.ledgerPage(from, 256); // in order: page after page
    leaves.push(...page.entries);
    from += page.entries.length;
    if (page.entries.length === 0 || from >= page.size) return leaves;
  }
}

/** Whatever a sink still lacks comes by itself. */
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await sleep(200);
}

function eventsInFile(): readonly AuditEvent[] {
  const file = join(folder, "audit.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Every entry of the log, each with its own hash, in the log's order; one that came twice came with the same id. */
async function expectWhole(events: readonly AuditEvent[]): Promise<void> {
  const byIndex = new Map<number, AuditEvent>();
  for (const event of events) {
    const known = byIndex.get(event.index);
    expect(known === undefined || known.id === event.id).toBe(true);
    byIndex.set(event.index, event);
  }
  const leaves = await wholeLog();
  for (const [index, leaf] of leaves.entries()) {
    expect(byIndex.get(index)?.id).toBe(hexOf(leafHash(leaf, nodePrimitives.digest)));
    expect(byIndex.get(index)?.entry).toEqual(parseEntry(leaf));
  }
}

describe("a broker whose sinks hang, refuse and are full", () => {
  it("decides as ever, tells those that listen, and after SIGKILL goes on where each of them was", async () => {
    const decisions = await Promise.all(Array.from({ length: GUESTS }, () => release(PATH)));
    await until(() =>
      decisions.every((id) => eventsInFile().some(({ entry }) => "id" in entry && entry.id === id)),
    );
    expect(heard.moody).toEqual([]);
    expect(heard.attempts).toBeGreaterThan(0);
    await Promise.all(Array.from({ length: GUESTS }, () => release(PATH))); // and killed with events that nobody has
    await broker.kill();
    await broker.start();
    await release(PATH);
    isMoodyWell = true;
    const { length } = await wholeLog();
    await until(
      () => heard.moody.at(-1)?.index === length - 1 && eventsInFile().at(-1)?.index === length - 1,
    );
    await expectWhole(heard.moody);
    await expectWhole(eventsInFile());
  }, 180_000);

  it("has them notified whom the policy names, of that release and no other", async () => {
    const loud = await release(LOUD);
    const before = await wholeLog();
    await release(PATH);
    await until(() => heard.pager.length > 0);
    const ids = new Set(heard.pager.map(({ entry }) => ("id" in entry ? entry.id : "")));
    expect(ids).toEqual(new Set([loud]));
    expect(heard.pager[0]).toMatchObject({
      notify: "pager",
      index: before.length - 1,
      type: "decision.allow",
    });
  }, 60_000);

  it("refuses to activate a policy that would notify somebody whom nobody knows", async () => {
    const refusal = await broker.decideBy(policy('"pager" "ciso"')).catch((thrown: unknown) => thrown);
    expect(isFault(refusal) && refusal.detail).toMatchObject({ status: 409 });
    await release(PATH); // under the policy before
  }, 60_000);
});
