/** Does a guest get its key, whole way, and does everyone else get a no that can be found again? */
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/base/bytes.ts";
import { addSeconds } from "../../src/base/time.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { writeCertTable } from "../../src/simulator/cert-table.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { decodeReleaseAnswer } from "../../src/wire/release.ts";
import { simulatedRoot } from "../support/simulated.ts";
import {
  askNonce,
  attemptOf,
  type Deviation,
  type GuestBroker,
  guestBroker,
  makeLive,
  PATH,
  POLICY,
  post,
  random,
  releaseOf,
} from "./guest-at-hand.ts";

async function problemOf(response: Response) {
  return decodeProblem(new Uint8Array(await response.arrayBuffer()));
}

async function opened(broker: GuestBroker, deviation: Deviation = {}) {
  const attempt = await attemptOf(broker, deviation);
  const response = await post(broker, "/v1/release", attempt.body);
  expect(response.status).toBe(200);
  const answer = await releaseOf(response);
  const releases = await openReleases(answer, {
    transcript: attempt.transcript,
    wrapPrivate: attempt.wrapPrivate,
    wanted: attempt.claims.want,
    isPartial: attempt.claims.partial === true,
    signingKey: broker.world.signer.spki,
    now: broker.world.now(),
    primitives: nodePrimitives,
  });
  return { answer, releases };
}

describe("a good guest", () => {
  it.each(["milan", "genoa", "turin"] as const)(
    "on %s gets its key, and the ledger says so",
    async (product) => {
      const broker = await guestBroker({ product });
      const { answer, releases } = await opened(broker);
      const [release] = releases;
      expect(release).toMatchObject({ secretId: PATH, version: 1 });
      expect(release?.secret.length).toBe(32);
      const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
      expect(entries.at(-1)).toMatchObject({
        kind: "decision",
        id: answer.decision,
        outcome: "allow",
        code: null,
        simulated: true,
        items: [{ resource: PATH, op: "release", version: 1, outcome: "allow" }],
      });
      expect(await advanceCheckpoint(broker.world)).toContain(`\n${entries.length}\n`);
    },
  );

  it("gets the same key twice, sealed anew each time", async () => {
    const broker = await guestBroker();
    const [first, second] = [await opened(broker), await opened(broker)];
    expect(first.releases[0]?.secret).toEqual(second.releases[0]?.secret);
    expect(first.answer.releases[0]?.ct).not.toEqual(second.answer.releases[0]?.ct);
  });

  it("gets what policy allows and the names of the rest when it says partial", async () => {
    const broker = await guestBroker();
    const claims = { want: [{ secret: PATH }, { secret: "test/other" }], partial: true } as const;
    const { answer, releases } = await opened(broker, { claims });
    expect(releases.map(({ secretId }) => secretId)).toEqual([PATH]);
    expect(answer.refused).toEqual([{ secret: "test/other", code: "denied" }]);
  });

  it("follows a new policy from the next request on", async () => {
    const broker = await guestBroker();
    await opened(broker);
    await makeLive(broker, POLICY.replace("not guest.debug", "guest.debug").replace("1.0.0", "2.0.0"), 2);
    const response = await post(broker, "/v1/release", (await attemptOf(broker)).body);
    expect(response.status).toBe(403);
  });
});

interface Row {
  readonly name: string;
  readonly status: number;
  /** The wire code that the guest sees. */
  readonly code: string;
  /** The fault behind it, as the operator finds it: in the ledger, or in the decision log. */
  readonly found: { readonly kind: "decision" | "refusal"; readonly code: string };
  readonly deviate: (broker: GuestBroker) => Promise<Deviation>;
  /** The broker has nobody to ask for what would serve. */
  readonly isAlone?: true;
}

const decision = (code: string) => ({ kind: "decision", code }) as const;
const refusal = (code: string) => ({ kind: "refusal", code }) as const;
const milan = () => simulatedRoot("milan");

const ROWS: readonly Row[] = [
  {
    name: "a wrong measurement",
    status: 403,
    code: "denied",
    found: decision("require-failed"),
    deviate: async () => ({ report: { measurement: new Uint8Array(48).fill(9) } }),
  },
  {
    name: "a debug policy",
    status: 403,
    code: "denied",
    found: decision("require-failed"),
    deviate: async () => ({ report: { policy: 0xb0000n } }),
  },
  {
    name: "an unknown policy bit",
    status: 403,
    code: "denied",
    found: decision("denied"),
    deviate: async () => ({ report: { policy: 0x30000n | (1n << 40n) } }),
  },
  {
    name: "an old TCB",
    status: 403,
    code: "denied",
    found: decision("require-failed"),
    deviate: async () => ({
      chip: createSimulatedChip(milan(), { tcb: { bootloader: 3, tee: 0, snp: 8, microcode: 115 } }),
    }),
  },
  {
    name: "a report at another VMPL than it says",
    status: 403,
    code: "rejected-evidence",
    found: refusal("channel/not-bound"),
    deviate: async () => ({ report: { vmpl: 2 } }),
  },
  {
    name: "a report for another key",
    status: 403,
    code: "rejected-evidence",
    found: refusal("channel/not-bound"),
    deviate: async () => ({ request: { wrapPub: random(32) } }),
  },
  {
    name: "a report over the first half of the transcript's hash",
    status: 403,
    code: "rejected-evidence",
    found: refusal("channel/not-bound"),
    deviate: async () => ({ report: { patchBefore: (report) => void report.fill(0, 0x70, 0x90) } }),
  },
  {
    name: "a VCEK of another chip",
    isAlone: true,
    status: 403,
    code: "rejected-evidence",
    found: refusal("endorsement/chip-mismatch"),
    deviate: async (broker) => {
      const other = createSimulatedChip(milan(), {
        chipId: new Uint8Array(64).fill(8),
        key: broker.chip.key,
      });
      return { certTable: certTableOf(milan(), { ...broker.chip, leaf: other.leaf }, broker.world.now()) };
    },
  },
  {
    name: "a revoked ASK",
    status: 403,
    code: "rejected-evidence",
    found: refusal("endorsement/revoked"),
    deviate: async (broker) => {
      const crl = milan().crl({ thisUpdate: broker.world.now(), revokedSerials: [0x010001n] });
      const { ask, ark } = milan();
      return { certTable: writeCertTable({ vcek: broker.chip.leaf, ask, ark, crl }) };
    },
  },
  {
    name: "an expired leaf",
    status: 403,
    code: "rejected-evidence",
    found: refusal("endorsement/expired"),
    deviate: async (broker) => {
      const certificate = { notAfter: addSeconds(broker.world.now(), -1) };
      return { chip: createSimulatedChip(milan(), { leaf: { certificate } }) };
    },
  },
  {
    name: "a stale CRL, with none to be had",
    isAlone: true,
    status: 503,
    code: "try-later",
    found: refusal("endorsement/crl-stale"),
    deviate: async (broker) => {
      const now = broker.world.now();
      const crl = milan().crl({ thisUpdate: addSeconds(now, -100), nextUpdate: addSeconds(now, -1) });
      const { ask, ark } = milan();
      return { certTable: writeCertTable({ vcek: broker.chip.leaf, ask, ark, crl }) };
    },
  },
  {
    name: "an altered report",
    status: 403,
    code: "rejected-evidence",
    found: refusal("evidence/bad-signature"),
    deviate: async () => ({ report: { patchAfter: (report) => void report.fill(1, 0xc0, 0xc1) } }),
  },
  {
    name: "a nonce that outlived its time",
    status: 409,
    code: "stale-nonce",
    found: refusal("nonce/expired"),
    deviate: async (broker) => {
      const nonce = await askNonce(broker);
      broker.pass(66);
      return { nonce };
    },
  },
  {
    name: "a suite that this broker does not offer",
    status: 400,
    code: "malformed-request",
    found: refusal("request/malformed"),
    deviate: async () => {
      const wrapPub = concatBytes(Uint8Array.of(4), random(64));
      return { transcript: { suite: 3, wrapPub }, request: { suite: 3, wrapPub } };
    },
  },
  {
    name: "a secret that is not there",
    status: 403,
    code: "absent",
    found: decision("no-secret"),
    deviate: async () => ({ claims: { want: [{ secret: "prod/nothing" }] } }),
  },
  {
    name: "a version that there never was",
    status: 403,
    code: "absent",
    found: decision("no-secret"),
    deviate: async () => ({ claims: { want: [{ secret: PATH, version: 7 }] } }),
  },
  {
    name: "a version that was disabled",
    status: 403,
    code: "denied",
    found: decision("no-secret"),
    deviate: async (broker) => {
      await broker.admin.changeSecret(PATH, { version: 1, state: "disabled" });
      return {};
    },
  },
];

describe("a refused guest", () => {
  it.each(ROWS)("with $name is told $code, and the operator finds $found.code", async (row) => {
    const broker = await guestBroker(row.isAlone === true ? { change: withoutSource } : {});
    const { body } = await attemptOf(broker, await row.deviate(broker));
    const response = await post(broker, "/v1/release", body);
    const problem = await problemOf(response);
    expect({ status: response.status, code: problem.code }).toEqual({ status: row.status, code: row.code });
    const detail = await broker.admin.decision(problem.instance.slice("urn:ostiary:".length));
    expect(detail.kind).toBe(row.found.kind);
    const code = detail.kind === "decision" ? detail.entry["code"] : detail.code;
    expect(code).toBe(row.found.code);
  });

  it("with a nonce used before is told stale-nonce, and the ledger holds one decision", async () => {
    const broker = await guestBroker();
    const nonce = await askNonce(broker);
    await opened(broker, { nonce });
    const response = await post(broker, "/v1/release", (await attemptOf(broker, { nonce })).body);
    expect(response.status).toBe(409);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.filter(({ kind }) => kind === "decision")).toHaveLength(1);
  });

  it("without a policy is refused, and the ledger says no-policy", async () => {
    const broker = await guestBroker({ policy: null });
    const response = await post(broker, "/v1/release", (await attemptOf(broker)).body);
    expect(response.status).toBe(403);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.at(-1)).toMatchObject({ kind: "decision", outcome: "deny", code: "no-policy" });
  });

  it("after the last use of a counter is refused, the nonce stays spent", async () => {
    const broker = await guestBroker();
    for (let use = 0; use < 3; use += 1) await opened(broker);
    const attempt = await attemptOf(broker);
    const response = await post(broker, "/v1/release", attempt.body);
    expect(response.status).toBe(403);
    expect((await ledgerEntries({ from: 0, limit: 100 }, broker.world)).at(-1)).toMatchObject({
      outcome: "deny",
      code: "counter",
    });
    expect((await post(broker, "/v1/release", attempt.body)).status).toBe(409);
  });

  it("is refused a secret that is not for its binding, whatever policy says (A16)", async () => {
    const broker = await guestBroker();
    await broker.admin.changeSecret(PATH, { bindings: [1, 2] });
    const response = await post(broker, "/v1/release", (await attemptOf(broker)).body);
    expect(response.status).toBe(403);
    expect((await problemOf(response)).code).toBe("denied");
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.at(-1)).toMatchObject({
      kind: "decision",
      outcome: "deny",
      code: "wrong-binding",
      items: [{ resource: PATH, op: "release", version: 1, outcome: "deny" }],
    });
    const found = await broker.admin.decision(String(Object(entries.at(-1)).id));
    expect(found).toMatchObject({ trace: { items: [{ binding: "expected ra-tls or tls-exporter" }] } });
    await broker.admin.changeSecret(PATH, { bindings: [3] });
    expect((await opened(broker)).releases).toHaveLength(1);
  });

  it("gets the current version and none below the minimum, named or not, and none that is condemned", async () => {
    const broker = await guestBroker({
      policy: POLICY.replace("max_releases 3", "key_version any max_releases 9"),
    });
    for (let version = 2; version <= 3; version += 1) await broker.admin.rotateSecret(PATH, {}); // in order
    const given = async (version?: number) => {
      const want = [version === undefined ? { secret: PATH } : { secret: PATH, version }];
      const response = await post(
        broker,
        "/v1/release",
        (await attemptOf(broker, { claims: { want } })).body,
      );
      if (response.status !== 200) return (await ledgerEntries({ from: 0, limit: 100 }, broker.world)).at(-1);
      const { releases } = decodeReleaseAnswer(new Uint8Array(await response.arrayBuffer()));
      return releases.map(({ header }) => JSON.parse(Buffer.from(header).toString()).key_version)[0];
    };
    expect(await given()).toBe(3);
    await broker.admin.changeSecret(PATH, { current: 2 });
    expect(await given()).toBe(2);
    expect(await given(1)).toBe(1);
    await broker.admin.changeSecret(PATH, { minimum: 2 });
    expect(await given(1)).toMatchObject({ outcome: "deny", code: "no-secret" });
    expect(await given(3)).toBe(3);
    await broker.admin.changeSecret(PATH, { version: 2, destroyAfter: 60, despite: 1 });
    expect(await given()).toMatchObject({ outcome: "deny", code: "no-secret" });
    expect(await given(2)).toMatchObject({ outcome: "deny", code: "no-secret" });
    await broker.admin.changeSecret(PATH, { version: 2, state: "enabled" });
    expect(await given()).toBe(2);
    await makeLive(broker, POLICY.replace("max_releases 3", "max_releases 99"), 2);
    expect(await given(2)).toBe(2);
    expect(await given(3)).toMatchObject({ outcome: "deny", code: "denied" });
  });

  it("learns the sentence of the policy and nothing else", async () => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker, { report: { policy: 0xb0000n } });
    const text = await (await post(broker, "/v1/release", body)).text();
    expect(JSON.parse(text).detail).toBe("guest memory could be read");
    expect(text).not.toContain("0202");
    expect(Object.keys(JSON.parse(text)).sort()).toEqual([
      "code",
      "detail",
      "instance",
      "status",
      "title",
      "type",
    ]);
  });
});

describe("a host that kept the certificate of older firmware", () => {
  it("does not keep its guest from the key: the right one is asked for", async () => {
    const broker = await guestBroker();
    const older = { bootloader: 3, tee: 0, snp: 8, microcode: 115 };
    const stale = createSimulatedChip(milan(), { key: broker.chip.key, tcb: older });
    const certTable = certTableOf(milan(), { ...broker.chip, leaf: stale.leaf }, broker.world.now());
    const { releases } = await opened(broker, { certTable });
    expect(releases).toHaveLength(1);
  });
});

describe("a race", () => {
  it("for one nonce has one winner and one ledger entry (A05)", async () => {
    const broker = await guestBroker();
    const { body } = await attemptOf(broker);
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(broker, "/v1/release", body)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.filter(({ kind }) => kind === "decision")).toHaveLength(1);
  });

  it("for the last use of a counter has three winners of ten", async () => {
    const broker = await guestBroker();
    const attempts = [];
    for (let guest = 0; guest < 10; guest += 1) attempts.push(await attemptOf(broker));
    const answers = await Promise.all(attempts.map(({ body }) => post(broker, "/v1/release", body)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  });
});

describe("strangers", () => {
  it("with a nonce of their own making cost no signature check and no row (A25)", async () => {
    let verifications = 0;
    const broker = await guestBroker({
      change: (base) => ({
        trust: {
          ...base.trust,
          primitives: {
            ...nodePrimitives,
            verify: (...words) => {
              verifications += 1;
              return nodePrimitives.verify(...words);
            },
          },
        },
      }),
    });
    const size = await broker.world.store.ledgerSize();
    for (let guest = 0; guest < 200; guest += 1) {
      const { body } = await attemptOf(broker, { nonce: random(48) });
      const response = await post(broker, "/v1/release", body);
      expect(response.status).toBe(409);
      const { instance } = await problemOf(response);
      await expect(broker.admin.decision(instance.slice("urn:ostiary:".length))).rejects.toThrow();
    }
    expect(verifications).toBe(0);
    expect(await broker.world.store.ledgerSize()).toBe(size);
  });
});

describe("failure after the commit", () => {
  it("adds a release-failed entry and releases nothing", async () => {
    const broker = await guestBroker({
      change: () => ({
        signer: { ...broker0.signer, sign: async () => Promise.reject(new Error("the signer is gone")) },
      }),
    });
    const response = await post(broker, "/v1/release", (await attemptOf(broker)).body);
    expect(response.status).toBe(500);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.at(-2)).toMatchObject({ kind: "decision", outcome: "allow" });
    expect(entries.at(-1)).toMatchObject({
      kind: "release-failed",
      id: Reflect.get(entries.at(-2) ?? {}, "id"),
    });
  });
});

const broker0 = (await guestBroker({ policy: null })).world;

/** A broker with nobody to ask: what the evidence brings is all there is. */
function withoutSource(base: GuestBroker["world"]) {
  return {
    endorsementsFor: async (evidence: Parameters<typeof base.endorsementsFor>[0]) => ({
      certificates: evidence.certificates,
      crls: evidence.crls.map((der) => ({ der })),
    }),
  };
}
