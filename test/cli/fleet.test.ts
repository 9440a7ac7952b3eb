/** What does `ostiary fleet` print of the guests that came, and what is it only for admins to see? */
import { describe, expect, it } from "vitest";
import { runAllScans } from "../../src/broker/findings.ts";
import { createFleetCommand } from "../../src/cli/commands/fleet.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import { decodeFleetPage } from "../../src/wire/fleet.ts";
import { attemptOf, guestBroker, PATH, post } from "../pipeline/guest-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";
import { runCommand, sessionOf } from "./command-run.ts";

async function visited() {
  const broker = await guestBroker();
  for (const [fill, measurement] of [
    [0xa1, 2],
    [0xa2, 9],
  ] as const) {
    const report = {
      reportId: new Uint8Array(32).fill(fill),
      measurement: new Uint8Array(48).fill(measurement),
    };
    await post(broker, "/v1/release", (await attemptOf(broker, { report })).body); // in order
  }
  const open = sessionOf(broker);
  const scan = () => runAllScans([createFleetScan({ ...broker.world, owner: "" }, 900)], broker.world);
  return { ...broker, scan, fleet: createFleetCommand(open) };
}

async function run({ fleet }: Awaited<ReturnType<typeof visited>>, ...words: readonly string[]) {
  return runCommand(fleet, words);
}

describe("fleet", () => {
  it("lists every guest with what it came for, and says what it has not read yet", async () => {
    const broker = await visited();
    expect((await run(broker, "list")).out).toMatch(/^no guests\n\d+ entries of the log/);
    await broker.scan();
    const { out, status } = await run(broker, "list");
    expect(status).toBe(0);
    const rows = out.trimEnd().split("\n");
    expect(rows).toHaveLength(3);
    expect(rows[1]).toContain(PATH);
    expect(rows.slice(1).map((row) => row.split(/ {2,}/).at(-1))).toEqual(["allow", "deny: require-failed"]);
  });

  it("shows one by the beginning of its id, and tells programs the same", async () => {
    const broker = await visited();
    await broker.scan();
    const shown = await run(broker, "show", "a1a1a1a1");
    expect(shown.out).toContain(`came for`);
    expect(shown.out).toContain("guest.debug");
    const json = (await run(broker, "show", "a1a1a1a1", "--json")).out;
    expect(decodeFleetPage(new TextEncoder().encode(json)).guests[0]?.id).toBe("a1".repeat(32));
    const listed = (await run(broker, "list", "--json", "--image", "unlisted")).out;
    expect(decodeFleetPage(new TextEncoder().encode(listed)).guests).toEqual([]);
  });

  it.each([
    [["show", "a1a1"]],
    [["show", "b1b1b1b1"]],
    [["show"]],
    [["list", "--image", "good"]],
    [["list", "more"]],
    [[]],
  ])("takes %j for misuse", async (words) => {
    const broker = await visited();
    await broker.scan();
    expect((await run(broker, ...words)).status).toBe(2);
  });

  it("knows no guest that did not come, and nothing for who is no admin", async () => {
    const { app, admin } = await visited();
    expect(await codeOfPromise(admin.showGuest("ab".repeat(32)))).toBe("fleet/unknown");
    expect(await codeOfPromise(admin.fleetPage("x"))).toBe("request/malformed");
    for (const path of ["fleet", `fleet/${"ab".repeat(32)}`])
      expect((await app.request(`/v1/admin/${path}`)).status).toBe(401);
  });
});
