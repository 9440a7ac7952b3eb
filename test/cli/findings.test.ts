/** What do `ostiary findings`, `credentials` and `drill` print, for people, programs and spreadsheets? */
import { fc, it } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { instant } from "../../src/base/time.ts";
import { runDueScans } from "../../src/broker/findings.ts";
import type { Command } from "../../src/cli/command.ts";
import { createCredentialsCommand } from "../../src/cli/commands/credentials.ts";
import { createDrillCommand } from "../../src/cli/commands/drill.ts";
import { createFindingsCommand } from "../../src/cli/commands/findings.ts";
import { csvOf } from "../../src/cli/csv.ts";
import { durationText } from "../../src/cli/duration-text.ts";
import { createPosture } from "../../src/posture/posture.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

function looking() {
  const broker = brokerAtHand((world) => ({
    posture: createPosture(
      {
        ...world,
        providers: world.trust.providers,
        files: async () => [],
        usePages: 10,
        ownerOf: () => "=cmd|' /C calc'!A0",
      },
      5,
    ),
  }));
  const open = sessionOf(broker);
  const findings = createFindingsCommand({ open, now: broker.world.now });
  const sleep = async () => {
    broker.pass(5);
    await runDueScans(broker.world.posture?.scans ?? [], broker.world);
  };
  return {
    ...broker,
    findings,
    credentials: createCredentialsCommand(open),
    drill: createDrillCommand({ open, sleep }),
  };
}

async function run(command: Command, ...words: readonly string[]) {
  return runCommand(command, words);
}

async function withBearer() {
  const broker = looking();
  await broker.admin.addAudience("sts", { aud: "https://sts.example", isBearer: true });
  await run(broker.findings, "scan");
  return broker;
}

describe("findings", () => {
  it("are listed, the most pressing first, shown and acknowledged by the beginning of an id", async () => {
    const { findings } = await withBearer();
    const { out } = await run(findings, "list");
    expect(out.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["SEVERITY", "medium", "low", ""]);
    const id = /[0-9a-f]{32}/.exec(out)?.[0] ?? "";
    const shown = await run(findings, "show", id.slice(0, 8));
    expect(shown.out).toContain("what to do");
    expect((await run(findings, "ack", id, "--note", "on it")).out).toContain("on it");
    expect((await run(findings, "ack", id)).status).toBe(1);
    expect((await run(findings, "show", "0".repeat(9))).status).toBe(2);
    expect((await run(findings, "list", "--class", "credential-orphaned")).out.split("\n")).toHaveLength(3);
  });

  it("are reported as text, JSON, Markdown and CSV, each with what the figures are", async () => {
    const { findings } = await withBearer();
    const text = await run(findings, "report");
    expect(text.out).toContain("MTTR with open ones");
    expect(text.out).toContain("Kaplan-Meier");
    const json = JSON.parse((await run(findings, "report", "--json")).out);
    expect(json.all).toMatchObject({ detected: 2, open: 2 });
    expect(json.definitions.survival).toContain("Kaplan-Meier");
    const markdown = (await run(findings, "report", "--format", "markdown")).out;
    expect(markdown).toMatch(/^# Findings from /);
    expect(markdown).toContain("| credential-orphaned |");
    const csv = (await run(findings, "report", "--format", "csv")).out;
    expect(csv.split("\r\n")[1]).toMatch(/^"all","","2",/);
    expect(csv).toContain('"definition","timeToDetect"');
  });

  it("in a spreadsheet are no formula, whatever an owner is called", async () => {
    const { findings } = await withBearer();
    const csv = (await run(findings, "list", "--format", "csv")).out;
    expect(csv).toContain(`"'=cmd|' /C calc'!A0"`);
    expect(csv).not.toMatch(/(^|,)"[=+@]/m);
  });

  it.each([
    [["list", "--format", "markdown"]],
    [["report", "--format", "csv", "--json"]],
    [["list", "--since", "soon"]],
    [["show"]],
    [["toString"]],
    [[]],
  ])("are not asked for by %j", async (words) => {
    expect((await run(looking().findings, ...words)).status).toBe(2);
  });
});

describe("a cell of a spreadsheet", () => {
  it.prop([fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 4 })])(
    "is one cell, never begins a formula, and keeps its words",
    (cells) => {
      const line = csvOf([cells]);
      const read = [...line.matchAll(/"((?:[^"]|"")*)"/g)].map(([, text = ""]) => text.replaceAll('""', '"'));
      expect(read).toHaveLength(cells.length);
      for (const text of read) expect(text).not.toMatch(/^\s*[=+@\t\r]|^\s*-\D/);
    },
  );

  it("may be a number", () => {
    expect(csvOf([["-5", "-5+1", "3.5"]])).toBe(`"-5","'-5+1","3.5"\r\n`);
  });
});

describe("credentials", () => {
  it("are listed, filtered by kind, and shown with what breaks", async () => {
    const { credentials } = looking();
    expect((await run(credentials, "list")).out).toContain("signing-key/broker-1");
    const json = JSON.parse((await run(credentials, "list", "--kind", "kek", "--json")).out);
    expect(json.credentials).toHaveLength(1);
    expect((await run(credentials, "show", "ledger-key/ledger-1")).out).toContain(
      "no head of the log is signed",
    );
    expect((await run(credentials, "show", "nothing")).status).toBe(2);
    expect((await run(credentials, "drop")).status).toBe(2);
  });
});

describe("a drill", () => {
  it("waits until everything was found, says how soon, and takes it away", async () => {
    const { drill, admin } = looking();
    const { status, out } = await run(drill);
    expect(status).toBe(0);
    expect(out).toMatch(/^certificate: found after 5s, as credential-expiring [0-9a-f]{32}$/m);
    expect(out).toMatch(/^stale-crl: found after 5s/m);
    expect(out).toMatch(/^policy-drift: found after 5s, as policy-drift /m);
    expect(out).toMatch(/^tcb-drift: found after 5s, as tcb-debt /m);
    expect(out).toMatch(/^measurement-drift: found after 5s, as image-drift /m);
    expect(await admin.listDrills()).toEqual([]);
  });

  it("ends with 1 where nobody looks in its time", async () => {
    const broker = brokerAtHand();
    const open = sessionOf(broker);
    const drill = createDrillCommand({ open, sleep: async () => broker.pass(20) });
    const { status, out } = await run(drill, "weak-key", "--for", "60s");
    expect([status, out]).toEqual([1, "weak-key: not found in its time\n"]);
    expect((await run(drill, "no-such-kind")).status).toBe(2);
  });
});

describe("a time", () => {
  it.each([
    [0, "0s"],
    [59, "59s"],
    [60, "1m"],
    [3661, "1h 1m"],
    [90_000, "1d 1h"],
    [86_400, "1d"],
  ])("of %i seconds is %s", (seconds, text) => {
    expect(durationText(instant(seconds))).toBe(text);
  });
});
