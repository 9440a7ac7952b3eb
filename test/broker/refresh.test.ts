/** Is what ages fetched before anybody waits for it, with courtesy, and is what comes as a file believed only when it is proven? */
import { describe, expect, it } from "vitest";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { base64Of, utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds, type Instant } from "../../src/base/time.ts";
import { loadCrlNumbers } from "../../src/broker/crl-numbers.ts";
import { createEndorser } from "../../src/broker/endorse.ts";
import { importEndorsements } from "../../src/broker/endorsement-bundle.ts";
import { allEndorsements } from "../../src/broker/kept-endorsements.ts";
import { createPatientSource } from "../../src/broker/patient-source.ts";
import { refreshAhead } from "../../src/broker/refresh.ts";
import type { EndorsementSource, World } from "../../src/broker/world.ts";
import { NO_SOURCE } from "../../src/kds/no-source.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedSource, simulatedTrust } from "../support/simulated.ts";

const HOUR = 3600;
const root = simulatedRoot("milan");
const chip = createSimulatedChip(root);
const evidence = parseEvidence({ format: "raw", report: chip.report({ reportData: new Uint8Array(64) }) });
const busy = (patience?: number) =>
  new Fault("endorsement/unavailable", "patience", patience === undefined ? {} : { patience });

/** A broker whose clock the test moves, and a key server that counts. */
async function brokerWith(source: Partial<EndorsementSource> = {}) {
  let now: Instant = SIMULATED_NOW;
  const store = createMemoryStore();
  const clock = () => now;
  const numbers = await loadCrlNumbers(store, clock);
  const trust = { ...simulatedTrust("milan"), memo: createChainMemo(64), lowestCrlNumber: numbers.lowest };
  const asked: string[] = [];
  const base = { ...simulatedSource(root, chip), crl: async () => root.crl({ thisUpdate: now }), ...source };
  const counting: EndorsementSource = {
    vcek: (...words) => {
      asked.push("vcek");
      return base.vcek(...words);
    },
    intermediates: (...words) => {
      asked.push("ca");
      return base.intermediates(...words);
    },
    crl: (...words) => {
      asked.push("crl");
      return base.crl(...words);
    },
  };
  const lines: string[] = [];
  const log: World["log"] = (_level, event) => void lines.push(event);
  const patient = createPatientSource({ source: counting, store, now: clock });
  const world: World = {
    ...brokerAtHand().world,
    ...{ store, trust, log, now: clock, source: patient, keepCrlNumber: numbers.keep },
  };
  const endorse = createEndorser({ store, source: patient, trust, log });
  const pass = (seconds: number) => {
    now = addSeconds(now, seconds);
  };
  return { world, asked, lines, pass, endorse: () => endorse(evidence, now), now: clock };
}

const crlTime = async ({ world }: { readonly world: World }) =>
  (await allEndorsements(world.store)).find(({ key }) => key.startsWith("crl/"))?.obtainedAt;

describe("a refresh ahead of time", () => {
  it("fetches a CRL before a release would wait for it, which then asks nobody", async () => {
    const broker = await brokerWith();
    await broker.endorse();
    broker.pass(4 * HOUR);
    await refreshAhead(broker.world);
    expect(broker.asked).toEqual(["vcek", "ca", "crl"]);
    broker.pass(HOUR);
    await refreshAhead(broker.world);
    expect(broker.asked).toEqual(["vcek", "ca", "crl", "crl"]);
    expect(await crlTime(broker)).toBe(broker.now());
    broker.pass(2 * HOUR);
    await broker.endorse();
    expect(broker.asked).toHaveLength(4);
  });

  it("keeps nothing that is not proven, and backs off longer each time, over a restart as well", async () => {
    const forged = simulatedRoot("genoa");
    const broker = await brokerWith();
    await broker.endorse();
    const bad = {
      ...broker.world,
      source: { ...NO_SOURCE, crl: async () => forged.crl({ thisUpdate: broker.now() }) },
    };
    let tries = 0;
    const counting = {
      ...bad,
      source: {
        ...bad.source,
        crl: () => {
          tries += 1;
          return bad.source.crl();
        },
      },
    };
    broker.pass(5 * HOUR);
    for (let minute = 0; minute < 15; minute += 1) {
      await refreshAhead({ ...counting }); // in order: each is a turn, as after a restart
      broker.pass(60);
    }
    expect(tries).toBe(2); // at once, after five minutes, and ten more have not passed
    expect(await crlTime(broker)).toBe(SIMULATED_NOW);
    expect(broker.lines.filter((line) => line === "refresh-failed")).toHaveLength(2);
  });

  it("is one broker's turn of several, and one request at a time", async () => {
    let flying = 0;
    let most = 0;
    const broker = await brokerWith();
    await broker.endorse();
    const source: EndorsementSource = {
      ...NO_SOURCE,
      crl: async () => {
        flying += 1;
        most = Math.max(most, flying);
        await Promise.resolve();
        flying -= 1;
        return root.crl({ thisUpdate: broker.now() });
      },
    };
    broker.pass(5 * HOUR);
    await Promise.all([1, 2, 3].map(() => refreshAhead({ ...broker.world, source })));
    expect(most).toBe(1);
    expect(await crlTime(broker)).toBe(broker.now());
  });
});

describe("a key server that asked for patience", () => {
  it("is left alone by every broker on this database until then, and after a restart too", async () => {
    const broker = await brokerWith({ crl: async () => Promise.reject(busy(120)) });
    const again = () => broker.world.source?.crl("milan", "vcek");
    await expect(again()).rejects.toMatchObject({ code: "endorsement/unavailable" });
    const restarted = createPatientSource({
      source: {
        ...NO_SOURCE,
        crl: async () => {
          broker.asked.push("after restart");
          return root.crl({ thisUpdate: SIMULATED_NOW });
        },
      },
      store: broker.world.store,
      now: broker.now,
    });
    broker.pass(119);
    await expect(restarted.crl("milan", "vcek")).rejects.toMatchObject({ code: "endorsement/unavailable" });
    expect(broker.asked).toEqual(["crl"]);
    broker.pass(1);
    await restarted.crl("milan", "vcek");
    expect(broker.asked).toEqual(["crl", "after restart"]);
  });

  it("is not left alone for ever, whatever it or somebody else wrote", async () => {
    const broker = await brokerWith();
    await broker.world.store.putMeta("kds-quiet-until", undefined, "253402300799");
    await broker.world.source?.crl("milan", "vcek");
    expect(broker.asked).toEqual(["crl"]);
    const greedy = await brokerWith({ crl: async () => Promise.reject(busy(1e9)) });
    await expect(greedy.world.source?.crl("milan", "vcek")).rejects.toThrow();
    greedy.pass(601);
    await expect(greedy.world.source?.crl("milan", "vcek")).rejects.toThrow();
    expect(greedy.asked).toEqual(["crl", "crl"]);
  });
});

// ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function pem(...pieces: readonly (readonly [label: string, der: Uint8Array])[]): Uint8Array {
  return utf8(
    pieces
      .map(([label, der]) => `-----BEGIN ${label}-----\n${base64Of(der)}\n-----END ${label}-----\n`)
      .join(""),
  );
}

const CERT = "CERTIFICATE";
const CRL = "X509 CRL";
const AUTHORITIES = [
  [CERT, root.ark],
  [CERT, root.ask],
] as const;
const crlOf = (number: bigint) => [CRL, root.crl({ thisUpdate: SIMULATED_NOW, number })] as const;

describe("a file of endorsements", () => {
  const whole = pem(...AUTHORITIES, [CERT, chip.leaf], crlOf(9n));

  it("lets a broker that asks nobody answer for a chip, for as long as the CRL is within its dates", async () => {
    const broker = await brokerWith(NO_SOURCE);
    await expect(broker.endorse()).rejects.toThrow();
    const counts = await importEndorsements(whole, { kid: "admin-1" }, broker.world);
    expect(counts).toEqual({ authorities: 1, chips: 1, crls: 1 });
    expect((await broker.endorse()).certificates).toHaveLength(3);
    broker.pass(8 * HOUR);
    expect((await broker.endorse()).crls).toHaveLength(1);
    const [entry] = await broker.world.store.entries(0, 1);
    expect(entry?.draft).toMatchObject({ act: "endorsements-import", actor: "admin-1" });
  });

  const refused: readonly (readonly [string, Uint8Array, string])[] = [
    ["without the ARK", pem([CERT, root.ask], crlOf(9n)), "endorsement/missing"],
    ["with an ARK that nobody pins", pem([CERT, simulatedRoot("genoa").ark]), "endorsement/untrusted-root"],
    [
      "with a chip of another root",
      pem(...AUTHORITIES, [CERT, createSimulatedChip(simulatedRoot("genoa")).leaf]),
      "endorsement/bad-signature",
    ],
    [
      "with a CRL of another root",
      pem(...AUTHORITIES, [CRL, simulatedRoot("genoa").crl({ thisUpdate: SIMULATED_NOW })]),
      "endorsement/crl-invalid",
    ],
    [
      "with a VLEK",
      pem(...AUTHORITIES, [CERT, root.asvk], [CERT, createSimulatedChip(root, { kind: "vlek" }).leaf]),
      "endorsement/kind-mismatch",
    ],
    [
      "with a CRL that is over",
      pem(...AUTHORITIES, [CRL, root.crl({ thisUpdate: addSeconds(SIMULATED_NOW, -400 * 24 * HOUR) })]),
      "endorsement/crl-stale",
    ],
    ["that is none", utf8("hello"), "endorsement/malformed"],
  ];
  it.each(refused)("%s is refused, and nothing of it is kept", async (_, file, code) => {
    const { world } = await brokerWith(NO_SOURCE);
    await expect(importEndorsements(file, { kid: "admin-1" }, world)).rejects.toMatchObject({ code });
    expect(await allEndorsements(world.store)).toEqual([]);
    expect(await world.store.ledgerSize()).toBe(0);
  });

  it("with a CRL older than one that was seen is refused as a whole", async () => {
    const { world } = await brokerWith(NO_SOURCE);
    await importEndorsements(pem(...AUTHORITIES, crlOf(9n)), { kid: "admin-1" }, world);
    const older = importEndorsements(
      pem(...AUTHORITIES, [CERT, chip.leaf], crlOf(8n)),
      { kid: "admin-1" },
      world,
    );
    await expect(older).rejects.toMatchObject({ code: "endorsement/crl-invalid" });
    expect((await allEndorsements(world.store)).some(({ key }) => key.startsWith("vcek/"))).toBe(false);
  });

  it("that is brought again makes no CRL younger", async () => {
    const broker = await brokerWith(NO_SOURCE);
    await importEndorsements(whole, { kid: "admin-1" }, broker.world);
    broker.pass(HOUR);
    await importEndorsements(whole, { kid: "admin-1" }, broker.world);
    expect(await crlTime(broker)).toBe(SIMULATED_NOW);
  });
});
