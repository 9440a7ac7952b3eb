/** What do `ostiary who-can` and `what-can` say of a live policy and of the guests that came? */
import { describe, expect, it } from "vitest";
import { runAllScans } from "../../src/broker/findings.ts";
import type { Command } from "../../src/cli/command.ts";
import { createWhatCanCommand, createWhoCanCommand } from "../../src/cli/commands/reach.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { attemptOf, guestBroker, makeLive, PATH, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

const IMAGE = "02".repeat(48);

async function visited(policy: string | null = POLICY) {
  const broker = await guestBroker({ policy });
  const report = { reportId: new Uint8Array(32).fill(0xa1) };
  await post(broker, "/v1/release", (await attemptOf(broker, { report })).body);
  await runAllScans([createFleetScan({ ...broker.world, owner: "" }, 900)], broker.world);
  const open = sessionOf(broker);
  const edges = { open, now: broker.world.now, digest: nodePrimitives.digest };
  return { ...broker, who: createWhoCanCommand(edges), what: createWhatCanCommand(edges) };
}

async function run(command: Command, ...words: readonly string[]) {
  return runCommand(command, words);
}

describe("who-can", () => {
  it("names the policy, what it asks, and the guest that came and would be given it now", async () => {
    const { who } = await visited();
    const { out, status } = await run(who, PATH);
    expect(status).toBe(0);
    for (const part of ["acme.test/disks", "prod/**", "measurement", "a1a1a1a1a1a1"])
      expect(out).toContain(part);
    const { granting, guests, isReachable } = JSON.parse((await run(who, PATH, "--json")).out);
    expect([isReachable, granting.length, guests.length]).toEqual(["yes", 1, 1]);
  });

  it("judges guests by the policy that is live now, not by the one under which they came", async () => {
    const broker = await visited();
    await makeLive(broker, POLICY.replace("snp 24, microcode 219", "snp 25, microcode 219"), 2);
    const { isReachable, guests } = JSON.parse((await run(broker.who, PATH, "--json")).out);
    expect([isReachable, guests]).toEqual(["yes", []]);
    const page = await broker.admin.fleetPage(undefined, PATH);
    expect(page.guests.map(({ would }) => would)).toEqual([{ allow: false, code: "require-failed" }]);
  });

  it("says that nobody can have what no policy is over", async () => {
    const { who } = await visited();
    expect((await run(who, "other/x")).out).toBe(
      "nothing in the live policy lets anybody have other/x\nno guest that came is one of them\n",
    );
  });

  it.each([[[]], [["/prod"]], [["prod", "more"]]])("takes %j for misuse", async (words) => {
    expect((await run((await visited()).who, ...words)).status).toBe(2);
  });

  it("fails where no policy is live", async () => {
    expect((await run((await visited(null)).who, PATH)).status).not.toBe(0);
  });
});

describe("what-can", () => {
  it("names what an image can have, and the guests that came with it", async () => {
    const { what } = await visited();
    const { out } = await run(what, IMAGE);
    for (const part of ["acme.test/disks", "prod/**, attest", "a1a1a1a1a1a1"]) expect(out).toContain(part);
    expect((await run(what, "03".repeat(48))).out).toContain("nothing in the live policy");
  });

  it("takes the label of no measurement for misuse", async () => {
    expect((await run((await visited()).what, "web 1")).status).toBe(2);
  });
});
