/** What does `ostiary tcb plan` say of a floor and the guests that are let in today? */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { runAllScans } from "../../src/broker/findings.ts";
import { createTcbCommand } from "../../src/cli/commands/tcb.ts";
import { signAdvisory } from "../../src/policy/advisory.ts";
import { createFleetScan } from "../../src/posture/fleet/scan.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { attemptOf, guestBroker, PATH, post } from "../pipeline/guest-at-hand.ts";
import { advisory, bulletin, figure } from "../policy/advisory-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

const HEAD = 'writ 1\nmodule acme.floors version 1.0.0 { owner "a@b.example" }\n';
const ROW = "milan { bootloader 4, tee 0, snp 25, microcode 219 }";
const FILES: Readonly<Record<string, string>> = {
  "floor.writ": `${HEAD}floor next { ${ROW} }\n`,
  "two.writ": `${HEAD}floor next { ${ROW} }\nfloor met { milan { bootloader 4, tee 0, snp 24, microcode 219 } }\n`,
  "none.writ": HEAD,
  "broken.writ": "writ 1\nfloor {",
};

async function visited() {
  const broker = await guestBroker();
  for (const measurement of [2, 9]) {
    const report = {
      reportId: new Uint8Array(32).fill(measurement),
      measurement: new Uint8Array(48).fill(measurement),
    };
    await post(broker, "/v1/release", (await attemptOf(broker, { report })).body); // in order
  }
  const bulletins = [bulletin({ floors: [figure("milan", "snp", 25), figure("milan", "microcode", 219)] })];
  await broker.admin.importAdvisory(await signAdvisory(advisory({ bulletins }), broker.adminSigner));
  await runAllScans([createFleetScan({ ...broker.world, owner: "" }, 900)], broker.world);
  const open = sessionOf(broker);
  return createTcbCommand({ open, now: broker.world.now, digest: nodePrimitives.digest });
}

async function run(...words: readonly string[]) {
  const written = new Map<string, unknown>();
  const ended = await runCommand(await visited(), words, {
    readFile: async (path) => utf8(FILES[path] ?? ""),
    writeFile: async (path, bytes) => void written.set(path, bytes),
  });
  return { ...ended, written };
}

describe("tcb plan", () => {
  it("names the guest that would be cut off, its key and its host, and none that is refused already", async () => {
    const { out, status } = await run("plan", "--floor", "floor.writ");
    expect(status).toBe(0);
    expect(out).toContain("1 guests would be cut off, 0 would not");
    expect(out).toContain(`keys that would be cut off: ${PATH}\n`);
    expect(out).toContain('guard tcb-plan "Firmware below next');
  });

  it("binds after the grace, on a whole minute, and writes its Writ where it is told to", async () => {
    const asked = ["--floor", "two.writ", "--name", "met", "--grace", "7d", "--out", "p.writ", "--json"];
    const { out, written } = await run("plan", ...asked);
    const { cutOff, bindsFrom, writ } = JSON.parse(out);
    expect(cutOff).toEqual([]);
    expect(bindsFrom).toMatch(/:00Z$/);
    expect(writ).toContain(`valid ${bindsFrom.replace(":00Z", "Z")} ..`);
    expect([...written.keys()]).toEqual(["p.writ"]);
  });

  it("plans the floor that a bulletin asks for, which spares lines about which it says nothing", async () => {
    const { out, status } = await run("plan", "--bulletin", "AMD-SB-3019");
    expect(status).toBe(0);
    expect(out).toContain("amd_sb_3019 would bind from ");
    expect(out).toContain("1 guests would be cut off, 0 would not");
    expect(out).toContain('describes "AMD-SB-3019, of advisory 1 of 2026-11-01"');
    expect(out).toContain("has silicon and silicon in [milan-x]");
  });

  it("knows no bulletin that the broker was not told of", async () => {
    expect((await run("plan", "--bulletin", "AMD-SB-3020")).status).toBe(1);
  });

  it.each([
    [[]],
    [["plan"]],
    [["plan", "--bulletin", "AMD-SB-3019", "--floor", "floor.writ"]],
    [["plan", "--bulletin", "AMD-SB-3019", "--name", "next"]],
    [["plan", "--floor", "two.writ"]],
    [["plan", "--floor", "floor.writ", "--name", "other"]],
    [["plan", "--floor", "none.writ"]],
    [["plan", "--floor", "broken.writ"]],
    [["plan", "--floor", "floor.writ", "--grace", "soon"]],
  ])("takes %j for misuse", async (words) => {
    expect((await run(...words)).status).toBe(2);
  });
});
