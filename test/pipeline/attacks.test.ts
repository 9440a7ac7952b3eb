/** Attacks of PROTOCOL section 12 on the exchange of binding 3, at the broker's doors and at the guest; each beside its control. */
import { describe, expect, it } from "vitest";
import { base64UrlOf, parseUtf8, utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import { createNonceEpochs } from "../../src/broker/nonce-epochs.ts";
import { issueNonce, openNonce } from "../../src/channel/nonce.ts";
import { encodeTranscript, type TranscriptFields } from "../../src/channel/transcript.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { writeCertTable } from "../../src/simulator/cert-table.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Claims, ReleaseAnswer } from "../../src/wire/messages.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { memoryKek } from "../http/broker-at-hand.ts";
import { codeOf } from "../support/faults.ts";
import { simulatedRoot } from "../support/simulated.ts";
import {
  type Attempt,
  askNonce,
  attemptOf,
  type Deviation,
  type GuestBroker,
  guestBroker,
  post,
  random,
  releaseOf,
} from "./guest-at-hand.ts";

const LABEL = "ostiary/attest/v1";

/** Status, and the fault behind it as the operator finds it in the decision log. */
async function verdictOf(broker: GuestBroker, body: string): Promise<string> {
  const response = await post(broker, "/v1/release", body);
  if (response.status === 200) return "200 released";
  const { instance } = decodeProblem(new Uint8Array(await response.arrayBuffer()));
  const found = await broker.admin.decision(instance.slice("urn:ostiary:".length));
  return `${response.status} ${found.kind === "refusal" ? found.code : "decided"}`;
}

async function openedBy(broker: GuestBroker, attempt: Attempt, answer: ReleaseAnswer) {
  return openReleases(answer, {
    transcript: attempt.transcript,
    wrapPrivate: attempt.wrapPrivate,
    wanted: attempt.claims.want,
    isPartial: false,
    signingKey: broker.world.signer.spki,
    now: broker.world.now(),
    primitives: nodePrimitives,
  });
}

interface Other {
  readonly fields?: Partial<TranscriptFields>;
  readonly label?: string;
}

/** Genuine evidence whose transcript differs in one thing from the exchange that carries it. */
const OTHERS: readonly (readonly [string, Other])[] = [
  ["A08: over another nonce", { fields: { nonce: random(48) } }],
  ["A08: over another nonce of the guest", { fields: { ownNonce: random(32) } }],
  ["A09: of the other role", { fields: { role: 2 } }],
  ["A11: under no label", { label: "" }],
  ["A11: under the label of a TPM's quote", { label: "ostiary/attest-tpm/v1" }],
  ["A13: for another one-use key", { fields: { wrapPub: random(32) } }],
  ["A13: for another signing key", { fields: { peerSpki: random(91) } }],
  ["A14: for other claims", { fields: { claimsHash: random(64) } }],
  ["A16: of binding 2", { fields: { binding: 2 } }],
  ["A16: with an exporter", { fields: { cb: random(32) } }],
  ["A16: with a leaf of the guest", { fields: { attesterSpki: random(91) } }],
  ["A17: of another suite", { fields: { suite: 2 } }],
  ["A21: for another broker", { fields: { audience: "https://broker.example/c/0002" } }],
  ["A23: at another VMPL", { fields: { vmpl: 2 } }],
];

describe("genuine evidence of another exchange", () => {
  it.each(OTHERS)("is refused, records nothing and spends nothing: %s", async (_name, { fields, label }) => {
    const broker = await guestBroker();
    const wrapPrivate = random(32);
    const wrapPub = await nodePrimitives.publicKeyOf("x25519", wrapPrivate);
    const fixed: Deviation = {
      nonce: await askNonce(broker),
      transcript: { ownNonce: random(32), wrapPub },
    };
    const honest = await attemptOf(broker, fixed);
    const other = encodeTranscript({ ...honest.transcript.fields, ...fields }, label ?? LABEL);
    const reportData = nodePrimitives.digest("sha512", other);
    const { body } = await attemptOf(broker, { ...fixed, report: { reportData } });
    const size = await broker.world.store.ledgerSize();
    expect(await verdictOf(broker, body)).toBe("403 channel/not-bound");
    expect(await broker.world.store.ledgerSize()).toBe(size);
    expect(await verdictOf(broker, honest.body)).toBe("200 released"); // the control: same nonce, keys and claims
  });

  it("is refused where VMPLs are told apart in one place only (A23)", async () => {
    const broker = await guestBroker();
    expect(await verdictOf(broker, (await attemptOf(broker, { report: { vmpl: 2 } })).body)).toBe(
      "403 channel/not-bound",
    );
    const claimed: Deviation = { transcript: { vmpl: 2 }, request: { vmpl: 2 } };
    expect(await verdictOf(broker, (await attemptOf(broker, claimed)).body)).toBe("403 channel/not-bound");
    const honest: Deviation = { ...claimed, report: { vmpl: 2 } };
    expect(await verdictOf(broker, (await attemptOf(broker, honest)).body)).toBe("403 decided");
  });

  it("with the right first half of the hash is refused (A12)", async () => {
    const broker = await guestBroker();
    for (const [from, to] of [[0x70, 0x90] as const, [0x50, 0x70] as const]) {
      const half = (report: Uint8Array) => void report.fill(0, from, to);
      const { body } = await attemptOf(broker, { report: { patchBefore: half } }); // in order: two halves
      expect(await verdictOf(broker, body)).toBe("403 channel/not-bound");
    }
  });
});

describe("a proxy in the middle of binding 3", () => {
  it("that changes what is wanted, or its own key for the guest's, is refused (A13, A14)", async () => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker);
    const claims = base64UrlOf(utf8(JSON.stringify({ want: [{ secret: "prod/db1/other" }] })));
    const wrapPub = base64UrlOf(await nodePrimitives.publicKeyOf("x25519", random(32)));
    for (const change of [{ claims }, { wrapPub }, { ownNonce: base64UrlOf(random(32)) }]) {
      const changed = JSON.stringify({ ...JSON.parse(body), ...change });
      expect(await verdictOf(broker, changed)).toBe("403 channel/not-bound"); // in order: three changes
    }
    expect(await verdictOf(broker, body)).toBe("200 released");
  });

  it("that answers one guest with another's release gives neither anything (A15, A19)", async () => {
    const broker = await guestBroker();
    const [one, two] = [await attemptOf(broker), await attemptOf(broker)];
    const answers = [
      await releaseOf(await post(broker, "/v1/release", one.body)),
      await releaseOf(await post(broker, "/v1/release", two.body)),
    ] as const;
    await expect(openedBy(broker, one, answers[1])).rejects.toMatchObject({ code: "channel/bad-release" });
    await expect(openedBy(broker, two, answers[0])).rejects.toMatchObject({ code: "channel/bad-release" });
    expect(await openedBy(broker, one, answers[0])).toHaveLength(1);
    expect(await openedBy(broker, two, answers[1])).toHaveLength(1);
  });
});

describe("a request that is too much (A20)", () => {
  it("of seventeen items decides nothing, of sixteen it is judged", async () => {
    const broker = await guestBroker();
    const claimsOf = (count: number): Claims => ({
      want: Array.from({ length: count }, (_, i) => ({ secret: `prod/db1/disk-${i}` })),
    });
    const [sixteen, seventeen] = [
      await attemptOf(broker, { claims: claimsOf(16) }),
      await attemptOf(broker, { claims: claimsOf(17) }),
    ];
    expect((await post(broker, "/v1/release", seventeen.body)).status).toBe(400);
    expect(await verdictOf(broker, sixteen.body)).toBe("403 decided");
  });
});

describe("a replay", () => {
  it("of a request opens nothing twice, now or later (A04)", async () => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker);
    expect(await verdictOf(broker, body)).toBe("200 released");
    expect(await verdictOf(broker, body)).toBe("409 nonce/spent");
    broker.pass(130);
    expect(await verdictOf(broker, body)).toBe("409 nonce/expired");
  });

  it("is a replay to the second: five of grace after the nonce's life, and no more", async () => {
    const broker = await guestBroker();
    const [inTime, late] = [await attemptOf(broker), await attemptOf(broker)];
    broker.pass(60 + 5);
    // Within the grace the nonce opens; this policy takes none that is older than its minute.
    expect(await verdictOf(broker, inTime.body)).toBe("403 decided");
    broker.pass(1);
    expect(await verdictOf(broker, late.body)).toBe("409 nonce/expired");
  });

  it("after a restore meets an epoch that was retired (A28)", async () => {
    const store = createMemoryStore();
    const now = (await guestBroker({ policy: null })).world.now;
    const epochs = () =>
      createNonceEpochs({
        store,
        kek,
        random,
        primitives: nodePrimitives,
        now,
        audience: "https://broker.example",
        tenant: "",
        lifetimeSeconds: 60,
      })();
    const kek = memoryKek();
    const issued = issueNonce({ binding: 3, now: now(), rand: random(16) }, await epochs(), nodePrimitives);
    const expected = { binding: 3, now: now() } as const;
    const restored = await epochs();
    // The control: a database that was put back still takes it, and knows of no spend.
    expect(openNonce(issued.nonce, expected, restored, nodePrimitives).kid).toBe(0);
    for (const { kid } of await store.nonceEpochs()) await store.retireNonceEpoch(kid); // in order: at most two
    const after = await epochs();
    expect(codeOf(() => openNonce(issued.nonce, expected, after, nodePrimitives))).toBe("nonce/invalid");
  });
});

describe("a store that goes away in the middle of a request (A07)", () => {
  it("is a no, and nothing is unwrapped", async () => {
    let isThere = true;
    const unwrapped: string[] = [];
    const broker = await guestBroker({
      change: (base) => ({
        kek: {
          ...base.kek,
          unwrap: (wrapped, aad) => {
            unwrapped.push(parseUtf8(aad) ?? "");
            return base.kek.unwrap(wrapped, aad);
          },
        },
        commit: (commit) => {
          if (isThere) return base.commit(commit);
          return Promise.reject(new Fault("store/unavailable", "the database is gone"));
        },
      }),
    });
    const { body } = await attemptOf(broker);
    isThere = false;
    expect(await verdictOf(broker, body)).toBe("503 store/unavailable");
    expect(unwrapped).toEqual([]);
    isThere = true;
    expect(await verdictOf(broker, body)).toBe("200 released"); // the control: a failure spends nothing
    expect(unwrapped).toHaveLength(1);
  });
});

describe("a CRL at the edges of its own dates", () => {
  const EDGES = [
    ["on its first second", 0, 60, "200 released"],
    ["a second before it", 1, 60, "503 endorsement/crl-stale"],
    ["on its last second", -60, 0, "200 released"],
    ["a second after it", -60, -1, "503 endorsement/crl-stale"],
  ] as const;
  it.each(EDGES)("%s", async (_name, from, to, verdict) => {
    const broker = await guestBroker({
      change: () => ({
        endorsementsFor: async ({ certificates, crls }) => ({
          certificates,
          crls: crls.map((der) => ({ der })),
        }),
      }),
    });
    const [now, root] = [broker.world.now(), simulatedRoot("milan")];
    const crl = root.crl({ thisUpdate: addSeconds(now, from), nextUpdate: addSeconds(now, to) });
    const certTable = writeCertTable({ vcek: broker.chip.leaf, ask: root.ask, ark: root.ark, crl });
    expect(await verdictOf(broker, (await attemptOf(broker, { certTable })).body)).toBe(verdict);
  });
});

describe("ten thousand strangers with a nonce of their own making (A25)", () => {
  it("cost no signature check, no key agreement, no question to AMD and no row", async () => {
    const calls: string[] = [];
    const broker = await guestBroker({
      change: (base) => {
        const watched = {
          ...nodePrimitives,
          verify: (...words: Parameters<typeof nodePrimitives.verify>) => {
            calls.push("verify");
            return nodePrimitives.verify(...words);
          },
          agree: (...words: Parameters<typeof nodePrimitives.agree>) => {
            calls.push("agree");
            return nodePrimitives.agree(...words);
          },
        };
        return {
          primitives: watched,
          trust: { ...base.trust, primitives: watched },
          endorsementsFor: (...words) => {
            calls.push("endorsements");
            return base.endorsementsFor(...words);
          },
          logRefusal: async (refusal) => {
            calls.push("row");
            return base.logRefusal(refusal);
          },
          commit: (commit) => {
            calls.push("commit");
            return base.commit(commit);
          },
        };
      },
    });
    const size = await broker.world.store.ledgerSize();
    const forged = random(48);
    const genuine = await askNonce(broker);
    forged.set(genuine.slice(0, 24)); // a live epoch, the right binding, a good time: only the MAC is made up
    const { body } = await attemptOf(broker, { nonce: forged });
    calls.length = 0;
    for (let stranger = 0; stranger < 10_000; stranger += 1) {
      const { status } = await post(broker, "/v1/release", body); // in order: one stranger after the other
      if (status !== 409) throw new Error(`stranger ${stranger} was told ${status}`);
    }
    expect(calls).toEqual([]);
    expect(await broker.world.store.ledgerSize()).toBe(size);
    await post(broker, "/v1/release", (await attemptOf(broker)).body); // the control: what is watched is there to be called
    expect(new Set(calls)).toEqual(new Set(["verify", "agree", "endorsements", "commit"]));
  });
});
