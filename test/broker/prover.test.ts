/** How often does a broker ask its chip, and for what? One report an hour, fresh ones by the second, never in a guest's role. */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds, type Instant } from "../../src/base/time.ts";
import { createProver } from "../../src/broker/prover.ts";
import type { Prove } from "../../src/broker/world.ts";
import { freshTranscript, standingTranscript } from "../../src/channel/proof.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { decodeBrokerClaims } from "../../src/wire/broker-claims.ts";
import { AUDIENCE, CHIP, CLUSTER, exchangeOf, NOW, ROOT } from "../client/proving-broker.ts";
import { BROKER, random } from "../client/sealed-answer.ts";
import { ONE_ADMIN } from "../http/broker-at-hand.ts";

interface Bench {
  readonly prove: Prove;
  readonly asked: readonly Uint8Array[];
  readonly pass: (seconds: number) => void;
  readonly setBack: (seconds: number) => void;
  readonly breakChip: () => void;
}

function bench({ brings = true, freshPerSecond = 1 } = {}): Bench {
  const asked: Uint8Array[] = [];
  const state = { seconds: 0, isBroken: false };
  const now = (): Instant => addSeconds(NOW, state.seconds);
  const table = certTableOf(ROOT, CHIP, NOW);
  const provider = {
    name: "chip",
    format: "raw",
    vmpl: 0,
    attest: async (reportData: Uint8Array) => {
      if (state.isBroken) throw new Fault("provider/unavailable", "no chip");
      asked.push(reportData);
      const report = CHIP.report({ reportData });
      return brings
        ? ({ format: "raw", report, certTable: table } as const)
        : ({ format: "raw", report } as const);
    },
  } as const;
  const settings = {
    audience: AUDIENCE,
    issuer: AUDIENCE,
    maxTokenSeconds: 300,
    maxEvidenceSeconds: 3600,
    suites: [1],
    tenant: "",
    region: "",
    environment: "",
    mode: "production",
    governance: { ...ONE_ADMIN, admins: ONE_ADMIN.admins.map((one) => ({ ...one, spki: random(44) })) },
  } as const;
  const prove = createProver(
    { provider, cluster: CLUSTER, freshPerSecond, milliseconds: () => state.seconds * 1000 },
    {
      now,
      random,
      primitives: nodePrimitives,
      settings,
      signer: BROKER,
      endorsementsFor: async () => ({
        certificates: [CHIP.leaf, ROOT.ask, ROOT.ark],
        crls: [{ der: ROOT.crl({ thisUpdate: NOW }), obtainedAt: NOW }],
      }),
    },
  );
  return {
    prove,
    asked,
    pass: (seconds) => {
      state.seconds += seconds;
    },
    setBack: (seconds) => {
      state.seconds -= seconds;
    },
    breakChip: () => {
      state.isBroken = true;
    },
  };
}

describe("the report of the hour", () => {
  it("is made once for guests that come together, each with a signature of its own", async () => {
    const { prove, asked } = bench();
    const exchanges = Array.from({ length: 5 }, () => exchangeOf());
    const proofs = await Promise.all(exchanges.map((exchange) => prove(exchange, false)));
    expect(asked.length).toBe(1);
    expect(new Set(proofs.map(({ session }) => Buffer.from(session).toString("hex"))).size).toBe(5);
  });

  it("is over role 2, binding 3 and no nonce, with an hour in its claims", async () => {
    const { prove, asked } = bench();
    const proof = await prove(exchangeOf(), false);
    const { binder, fields } = standingTranscript({ ...proof, format: "raw" }, AUDIENCE, nodePrimitives);
    expect(asked).toEqual([binder]);
    expect(fields).toMatchObject({ role: 2, binding: 3, suite: 0, nonce: new Uint8Array(0) });
    const claims = decodeBrokerClaims(proof.claimsBytes);
    expect(claims).toMatchObject({ audience: AUDIENCE, cluster: CLUSTER, signingKey: BROKER.spki });
    expect(claims.expiresAt - claims.issuedAt).toBe(3600);
  });

  it.each([
    ["stands for most of the hour", 2999, 1],
    ["is made anew before it ends", 3000, 2],
  ])("%s", async (_name, seconds, reports) => {
    const { prove, asked, pass } = bench();
    await prove(exchangeOf(), false);
    pass(seconds);
    await prove(exchangeOf(), false);
    expect(asked.length).toBe(reports);
  });

  it("is made anew after the clock was set back", async () => {
    const { prove, asked, setBack } = bench();
    await prove(exchangeOf(), false);
    setBack(10);
    await prove(exchangeOf(), false);
    expect(asked.length).toBe(2);
  });

  it("serves to its end where the chip gives no other, and not a second longer", async () => {
    const { prove, pass, breakChip } = bench();
    await prove(exchangeOf(), false);
    breakChip();
    pass(3599);
    await expect(prove(exchangeOf(), false)).resolves.toBeDefined();
    pass(1);
    await expect(prove(exchangeOf(), false)).rejects.toMatchObject({ code: "provider/unavailable" });
  });

  it("brings the certificates and the CRL that its host did not give", async () => {
    const { prove } = bench({ brings: false });
    const { certificates, crls } = parseEvidence((await prove(exchangeOf(), false)).evidence);
    expect([certificates.length, crls.length]).toEqual([3, 1]);
  });
});

describe("a fresh report", () => {
  it("is over the guest's nonce and the connection", async () => {
    const { prove, asked } = bench();
    const exchange = exchangeOf();
    const proof = await prove(exchange, true);
    const { binder, fields } = freshTranscript({ ...proof, format: "raw" }, exchange, nodePrimitives);
    expect(asked).toEqual([binder]);
    const { cb, brokerSpki } = exchange.channel;
    expect(fields).toMatchObject({
      role: 2,
      binding: 2,
      nonce: exchange.guestNonce,
      cb,
      attesterSpki: brokerSpki,
    });
  });

  it("is given in turn by each of four processes that share one a second", async () => {
    const { prove, pass } = bench({ freshPerSecond: 1 / 4 });
    await prove(exchangeOf(), true);
    pass(3);
    await expect(prove(exchangeOf(), true)).rejects.toMatchObject({ code: "request/rate-limited" });
    pass(1);
    await expect(prove(exchangeOf(), true)).resolves.toBeDefined();
  });

  it("is given once a second; who comes too early is told when to come", async () => {
    const { prove, asked, pass } = bench();
    await prove(exchangeOf(), true);
    await expect(prove(exchangeOf(), true)).rejects.toMatchObject({
      code: "request/rate-limited",
      detail: { retryAfterSeconds: 1 },
    });
    expect(asked.length).toBe(1);
    await expect(prove(exchangeOf(), false)).resolves.toBeDefined();
    pass(1);
    await expect(prove(exchangeOf(), true)).resolves.toBeDefined();
  });
});
