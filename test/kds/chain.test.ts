/** How much may a key server add to what was asked for, and how little may it ask for? */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { createKds } from "../../src/kds/client.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { codeOfPromise } from "../support/faults.ts";
import { body, kdsStandIn, throttle } from "../support/kds-stand-in.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";

describe("a chain from a key server", () => {
  const { ask, asvk, ark } = simulatedRoot("milan");
  it.each([
    ["one certificate", [ark], "endorsement/unavailable"],
    ["an intermediate and its root", [ask, ark], undefined],
    ["a certificate more", [ask, ark, asvk], "endorsement/unavailable"],
    ["sixteen more", [ask, ark, ...Array.from({ length: 16 }, () => asvk)], "endorsement/unavailable"],
  ] as const)("of %s", async (_name, ders, code) => {
    const standIn = await kdsStandIn();
    standIn.failAlways(body(ders.map(pemOf).join("")));
    expect(await codeOfPromise(kdsOf(standIn.url).intermediates("milan", "vcek"))).toBe(code);
  });
});

describe("a key server that asks for no patience at all", () => {
  it("gets a second of it", async () => {
    const standIn = await kdsStandIn();
    standIn.fail(throttle("0"));
    let now = SIMULATED_NOW;
    const kds = kdsOf(standIn.url, () => now);
    const asking = () => codeOfPromise(kds.crl("milan", "vcek"));
    expect([await asking(), await asking()]).toEqual(["endorsement/unavailable", "endorsement/unavailable"]);
    expect(standIn.asked).toHaveLength(1);
    now = addSeconds(now, 1);
    expect(await asking()).toBeUndefined();
  });
});

function kdsOf(url: string, now = () => SIMULATED_NOW) {
  return createKds({
    baseUrls: [url],
    fetch,
    sleep: async () => undefined,
    random: () => 0,
    timeoutMs: 5000,
    now,
  });
}
