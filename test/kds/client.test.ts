import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import type { EndorsementSource } from "../../src/broker/world.ts";
import { createKds, type KdsOptions } from "../../src/kds/client.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import {
  body,
  breakOff,
  cut,
  html,
  type KdsFault,
  type KdsStandIn,
  kdsStandIn,
  oversized,
  silence,
  status,
  throttle,
} from "../support/kds-stand-in.ts";
import { localServer } from "../support/local-server.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";

interface Clock {
  readonly now: KdsOptions["now"];
  readonly pass: (seconds: number) => void;
}

function clock(): Clock {
  let now = SIMULATED_NOW;
  return {
    now: () => now,
    pass: (seconds) => {
      now = addSeconds(now, seconds);
    },
  };
}

function kdsOf(standIns: readonly KdsStandIn[], changes: Partial<KdsOptions> = {}): EndorsementSource {
  return createKds({
    baseUrls: standIns.map(({ url }) => url),
    fetch,
    sleep: async () => {},
    random: () => 0.5,
    timeoutMs: 1000,
    now: () => SIMULATED_NOW,
    ...changes,
  });
}

function vcek(kds: EndorsementSource, standIn: KdsStandIn, product: ProductLine = "milan") {
  const { chipId, tcb } = standIn.chipOf(product);
  return kds.vcek(product, chipId, tcb);
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    return (await asked) === undefined ? "absent" : "found";
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code;
    throw thrown;
  }
}

describe("a key server that answers", () => {
  it.each(["milan", "genoa", "turin"] as const)("gives the VCEK of a %s chip at its TCB", async (product) => {
    const standIn = await kdsStandIn();
    const leaf = await vcek(kdsOf([standIn]), standIn, product);
    expect(leaf).toEqual(standIn.chipOf(product).leaf);
    expect(standIn.asked).toHaveLength(1);
  });

  it("is asked for a Turin chip by eight bytes, with the FMC level first", async () => {
    const standIn = await kdsStandIn();
    await vcek(kdsOf([standIn]), standIn, "turin");
    expect(standIn.asked).toEqual([
      "/vcek/v1/Turin/0303030303030303?fmcSPL=01&blSPL=01&teeSPL=01&snpSPL=03&ucodeSPL=75",
    ]);
  });

  it.each(["vcek", "vlek"] as const)("gives intermediate and ARK of a %s", async (kind) => {
    const standIn = await kdsStandIn();
    const { ask, asvk, ark } = simulatedRoot("genoa");
    expect(await kdsOf([standIn]).intermediates("genoa", kind)).toEqual([kind === "vcek" ? ask : asvk, ark]);
    expect(standIn.asked).toEqual([`/${kind}/v1/Genoa/cert_chain`]);
  });

  it("gives the CRL", async () => {
    const standIn = await kdsStandIn();
    const crl = await kdsOf([standIn]).crl("milan", "vcek");
    expect(digestOf(crl)).toBe(digestOf(simulatedRoot("milan").crl({ thisUpdate: SIMULATED_NOW })));
  });

  it("says that there is no such VCEK, once and without a second question", async () => {
    const standIn = await kdsStandIn();
    standIn.fail(status(404));
    expect(await codeOf(vcek(kdsOf([standIn]), standIn))).toBe("absent");
    expect(standIn.asked).toHaveLength(1);
  });

  it("may not be without a CRL or chain", async () => {
    const standIn = await kdsStandIn();
    standIn.failAlways(status(404));
    const kds = kdsOf([standIn]);
    expect(await codeOf(kds.crl("milan", "vcek"))).toBe("endorsement/unavailable");
    expect(await codeOf(kds.intermediates("milan", "vcek"))).toBe("endorsement/unavailable");
  });
});

/** An ECDSA signature differs each time; the signed part of a CRL is the same. */
function digestOf(crl: Uint8Array): string {
  return createHash("sha256").update(crl.subarray(4, 200)).digest("hex");
}

const junk: Readonly<Record<string, () => KdsFault>> = {
  "HTML with status 200": () => html,
  "nothing at all": () => body(""),
  "a truncated certificate": () => body(simulatedRoot("milan").ask.slice(0, -1)),
  "a certificate with bytes after it": () => body(Buffer.concat([simulatedRoot("milan").ask, Buffer.of(0)])),
  "two certificates": () => body(pemOf(simulatedRoot("milan").ask).repeat(2)),
  "a CRL for a certificate": () => body(simulatedRoot("milan").crl({ thisUpdate: SIMULATED_NOW })),
  "another kind of PEM": () => body("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
};
const broken: Readonly<Record<string, KdsFault>> = {
  "status 500": status(500),
  "status 503": status(503),
  "status 204": status(204),
  "more bytes than any certificate has": oversized,
  "a body that breaks off": breakOff,
  "a cut connection": cut,
};

describe("a key server that fails", () => {
  it.each(Object.keys(junk))("with %s is unavailable, and is not asked again at once", async (name) => {
    const standIn = await kdsStandIn();
    standIn.failAlways(junk[name]?.());
    expect(await codeOf(vcek(kdsOf([standIn]), standIn))).toBe("endorsement/unavailable");
    expect(standIn.asked).toHaveLength(1);
  });

  it.each(Object.keys(broken))("with %s is asked twice in all, with a pause", async (name) => {
    const standIn = await kdsStandIn();
    standIn.failAlways(broken[name]);
    const pauses: number[] = [];
    const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
    expect(await codeOf(vcek(kdsOf([standIn], { sleep }), standIn))).toBe("endorsement/unavailable");
    expect(standIn.asked).toHaveLength(2);
    expect(pauses).toEqual([400]);
  });

  it.each(Object.keys(broken))("with %s once is forgiven", async (name) => {
    const standIn = await kdsStandIn();
    standIn.fail(broken[name]);
    expect(await vcek(kdsOf([standIn]), standIn)).toEqual(standIn.chipOf("milan").leaf);
  });

  it("with silence is given up after its time", async () => {
    const standIn = await kdsStandIn();
    standIn.failAlways(silence);
    expect(await codeOf(vcek(kdsOf([standIn], { timeoutMs: 50 }), standIn))).toBe("endorsement/unavailable");
    expect(standIn.asked).toHaveLength(2);
  });

  it("with a redirect is not followed", async () => {
    const standIn = await kdsStandIn();
    let followed = 0;
    const elsewhere = await localServer((_, response) => {
      followed += 1;
      response.end();
    });
    standIn.failAlways((response) => response.writeHead(302, { location: elsewhere.url }).end());
    expect(await codeOf(vcek(kdsOf([standIn]), standIn))).toBe("endorsement/unavailable");
    expect(followed).toBe(0);
  });
});

describe("a key server that asks for patience", () => {
  const waits: readonly (readonly [string, string | undefined, number])[] = [
    ["for as long as it says", "120", 120],
    ["for half a minute where it does not say", undefined, 30],
    ["for half a minute where it names a date", "Wed, 21 Oct 2026 07:28:00 GMT", 30],
    ["for ten minutes at most", "86400", 600],
  ];
  it.each(waits)("is left alone %s", async (_, retryAfter, seconds) => {
    const standIn = await kdsStandIn();
    standIn.fail(throttle(retryAfter));
    const { now, pass } = clock();
    const kds = kdsOf([standIn], { now });
    expect(await codeOf(vcek(kds, standIn))).toBe("endorsement/unavailable");
    pass(seconds - 1);
    expect(await codeOf(kds.crl("genoa", "vcek"))).toBe("endorsement/unavailable");
    expect(standIn.asked).toHaveLength(1);
    pass(1);
    expect(await codeOf(vcek(kds, standIn))).toBe("found");
    expect(standIn.asked).toHaveLength(2);
  });
});

describe("many who ask at once", () => {
  it("share one request for one certificate, and its failure", async () => {
    const standIn = await kdsStandIn();
    const kds = kdsOf([standIn]);
    const all = await Promise.all(Array.from({ length: 50 }, () => vcek(kds, standIn)));
    expect(new Set(all).size).toBe(1);
    expect(standIn.asked).toHaveLength(1);
    standIn.fail(throttle());
    const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(vcek(kds, standIn))));
    expect(new Set(codes)).toEqual(new Set(["endorsement/unavailable"]));
    expect(standIn.asked).toHaveLength(2);
  });

  it("ask again once the answer is there: nothing unproven is kept", async () => {
    const standIn = await kdsStandIn();
    const kds = kdsOf([standIn]);
    await vcek(kds, standIn);
    await vcek(kds, standIn);
    expect(standIn.asked).toHaveLength(2);
  });

  it("have four different requests under way and no more; the rest are told to come again", async () => {
    const standIn = await kdsStandIn();
    const held: (() => void)[] = [];
    standIn.failAlways((response) => void held.push(() => response.writeHead(404).end()));
    const kds = kdsOf([standIn]);
    const { chipId, tcb } = standIn.chipOf("milan");
    const asked = Array.from({ length: 40 }, (_, snp) => codeOf(kds.vcek("milan", chipId, { ...tcb, snp })));
    const refused = await Promise.all(asked.slice(4));
    expect(new Set(refused)).toEqual(new Set(["endorsement/unavailable"]));
    while (held.length < 4) await new Promise(setImmediate); // in order: one turn after another
    for (const answer of held) answer();
    expect(new Set(await Promise.all(asked.slice(0, 4)))).toEqual(new Set(["absent"]));
    expect({ most: standIn.mostAtOnce(), all: standIn.asked.length }).toEqual({ most: 4, all: 4 });
  });
});

describe("a mirror before AMD", () => {
  it("is asked first, and AMD not at all where it answers", async () => {
    const [mirror, amd] = [await kdsStandIn(), await kdsStandIn()];
    await vcek(kdsOf([mirror, amd]), amd);
    expect([mirror.asked.length, amd.asked.length]).toEqual([1, 0]);
  });

  const misses: Readonly<Record<string, KdsFault>> = {
    ...broken,
    "HTML with status 200": html,
    "status 404": status(404),
    "status 429": throttle("60"),
  };
  it.each(Object.keys(misses))("that answers %s leaves it to AMD", async (name) => {
    const [mirror, amd] = [await kdsStandIn(), await kdsStandIn()];
    mirror.failAlways(misses[name]);
    expect(await vcek(kdsOf([mirror, amd]), amd)).toEqual(amd.chipOf("milan").leaf);
    expect(amd.asked).toHaveLength(1);
  });

  it("that asks for patience is passed over, while AMD is asked", async () => {
    const [mirror, amd] = [await kdsStandIn(), await kdsStandIn()];
    mirror.fail(throttle("60"));
    const kds = kdsOf([mirror, amd]);
    await vcek(kds, amd);
    await vcek(kds, amd);
    expect([mirror.asked.length, amd.asked.length]).toEqual([1, 2]);
  });

  it("without the certificate says nothing of whether there is one, while AMD does not answer", async () => {
    const [mirror, amd] = [await kdsStandIn(), await kdsStandIn()];
    mirror.failAlways(status(404));
    amd.failAlways(status(500));
    expect(await codeOf(vcek(kdsOf([mirror, amd]), amd))).toBe("endorsement/unavailable");
  });
});

describe("what the stand-in serves", () => {
  it("is what a stranger's parser reads as a certificate", async () => {
    const standIn = await kdsStandIn();
    const response = await fetch(`${standIn.url}/vcek/v1/Milan/cert_chain`);
    expect(new X509Certificate(await response.text()).subject).toContain("CN=SEV-Milan");
  });
});
