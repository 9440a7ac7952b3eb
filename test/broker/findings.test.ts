/** Does a finding begin and end by what scans saw, and by nothing else? */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import type { Look, Scan } from "../../src/broker/finding-scan.ts";
import {
  acknowledgeFinding,
  findingIdOf,
  listFindings,
  recordLook,
  runAllScans,
  runDueScans,
  showFinding,
} from "../../src/broker/findings.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import type { World } from "../../src/broker/world.ts";
import type { Sighting } from "../../src/wire/finding-messages.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";

const CLASS = "credential-expiring";

function sightingOf(subject: string): Sighting {
  return {
    class: CLASS,
    subject,
    severity: "high",
    owner: "platform",
    sentence: "it ends soon",
    advice: "renew it",
    evidence: {},
    introducedAt: undefined,
  };
}

function lookOf(changes: Partial<Look> = {}): Look {
  return { class: CLASS, seen: [], passed: [], blind: [], isWhole: false, ...changes };
}

async function stateOf(world: World): Promise<readonly string[]> {
  const { findings } = await listFindings({ since: addSeconds(world.now(), -1e6), after: undefined }, world);
  return findings.map(({ subject, remediated }) => `${subject} ${remediated?.how ?? "open"}`).sort();
}

/** Two findings, a minute ago. */
async function withTwo() {
  const broker = brokerAtHand();
  await recordLook(lookOf({ seen: [sightingOf("a"), sightingOf("b")] }), broker.world.now(), broker.world);
  broker.pass(60);
  return broker;
}

describe("a finding", () => {
  it("is known by its class and subject, and nothing else is in its id", async () => {
    const { primitives } = brokerAtHand().world;
    const idOf = (name: string, subject: string) => findingIdOf({ class: name, subject }, primitives);
    expect(idOf("a", "b")).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set([idOf("a", "b"), idOf("a", "b\0"), idOf("a\0b", ""), idOf("ab", "")]).size).toBe(4);
    expect(idOf("a", "b")).toBe(idOf("a", "b"));
  });

  const table: readonly (readonly [string, Partial<Look>, readonly string[]])[] = [
    ["ends where its subject was looked at and is good", { passed: ["a"] }, ["a passed", "b open"]],
    ["stays where its subject was not looked at", {}, ["a open", "b open"]],
    ["stays where its subject could not be looked at", { blind: ["a"], isWhole: true }, ["a open", "b gone"]],
    ["ends where its subject is no longer among all there are", { isWhole: true }, ["a gone", "b gone"]],
    [
      "stays where its subject is bad still, though somebody found it good as well",
      { seen: [sightingOf("a")], passed: ["a"], isWhole: true },
      ["a open", "b gone"],
    ],
    ["of another class stays", { class: "credential-weak", isWhole: true }, ["a open", "b open"]],
  ];
  it.each(table)("%s", async (_, look, expected) => {
    const { world } = await withTwo();
    await recordLook(lookOf(look), world.now(), world);
    expect(await stateOf(world)).toEqual(expected);
  });

  it("among more than a page of them ends as well", async () => {
    const broker = brokerAtHand();
    const seen = Array.from({ length: 620 }, (_, i) => sightingOf(`s${i}`));
    await recordLook(lookOf({ seen }), broker.world.now(), broker.world);
    broker.pass(60);
    await recordLook(lookOf({ isWhole: true }), broker.world.now(), broker.world);
    expect(await broker.world.store.openFindings(CLASS, "", 1000)).toEqual([]);
  });

  it("is acknowledged by an entry of the log, and is as open as before", async () => {
    const { world } = await withTwo();
    const id = findingIdOf(sightingOf("a"), world.primitives);
    const [known] = await acknowledgeFinding({ id, note: "on it" }, { kid: "admin-1" }, world);
    expect(known?.acknowledged).toEqual({ at: world.now(), by: "admin-1", note: "on it" });
    expect(await stateOf(world)).toEqual(["a open", "b open"]);
    const entries = await ledgerEntries({ from: 0, limit: 10 }, world);
    expect(entries.at(-1)).toMatchObject({ act: "finding-ack", subject: id, actor: "admin-1" });
    const again = acknowledgeFinding({ id, note: "" }, { kid: "admin-2" }, world);
    await expect(again).rejects.toMatchObject({ code: "request/conflict" });
    const other = acknowledgeFinding({ id: "0".repeat(32), note: "" }, { kid: "admin-2" }, world);
    await expect(other).rejects.toMatchObject({ code: "finding/unknown" });
    await expect(showFinding("0".repeat(32), world)).rejects.toMatchObject({ code: "finding/unknown" });
  });
});

describe("a scan", () => {
  const scanOf = (look: Scan["look"]): Scan => ({ name: "test", everySeconds: 900, look });

  it("that could not look proves nothing, says so, and holds up no other", async () => {
    const { world } = await withTwo();
    const blind = scanOf(() => Promise.reject(new Error("no")));
    const other: Scan = { ...scanOf(async () => [lookOf({ passed: ["b"] })]), name: "other" };
    await runAllScans([blind, other], world);
    expect(await stateOf(world)).toEqual(["a open", "b passed"]);
    expect((await world.store.scans()).map(({ name, trouble }) => [name, trouble])).toEqual([
      ["other", ""],
      ["test", "internal/invariant"],
    ]);
  });

  it("has its turn once it is due, by one broker of several", async () => {
    const broker = brokerAtHand();
    let turns = 0;
    const scan = scanOf(async () => {
      turns += 1;
      return [];
    });
    const run = () => runDueScans([scan], broker.world);
    await Promise.all([run(), run(), run()]);
    broker.pass(899);
    await run();
    expect(turns).toBe(1);
    broker.pass(1);
    await run();
    expect(turns).toBe(2);
    await runAllScans([scan], broker.world);
    expect(turns).toBe(3);
  });

  it("of two brokers at once makes one finding", async () => {
    const broker = brokerAtHand();
    const scan = scanOf(async () => [lookOf({ seen: [sightingOf("a")], isWhole: true })]);
    await Promise.all(Array.from({ length: 5 }, () => runAllScans([scan], broker.world)));
    expect(await stateOf(broker.world)).toEqual(["a open"]);
  });

  it("answers with counts of what it looked at", async () => {
    const { world } = brokerAtHand();
    const look = lookOf({ seen: [sightingOf("a")], passed: ["b", "c"], blind: ["d"] });
    await runAllScans([scanOf(async () => [look])], world);
    expect(await world.store.scans()).toEqual([
      { name: "test", at: world.now(), runs: 1, subjects: 3, blind: 1, findings: 1, trouble: "" },
    ]);
  });
});
