/** Does a guest under an SVSM get its key by what the SVSM's vTPM saw boot, and nobody who only has a TPM of his own? */
import { describe, expect, it } from "vitest";
import type { CarriedEvidence } from "../../src/attestation/evidence.ts";
import type { EvidenceProvider, VtpmKeys } from "../../src/attestation/provider.ts";
import { credentialProof } from "../../src/attestation/svsm/vtpm-binder.ts";
import type { Credential } from "../../src/attestation/tpm/make-credential.ts";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import type { World } from "../../src/broker/world.ts";
import type { OpenChannel } from "../../src/client/channel.ts";
import { createGuestClient } from "../../src/client/guest.ts";
import { openSession } from "../../src/client/session.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import { endorsementsOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedSvsmVtpm, generateSvsmVtpmKeys } from "../../src/simulator/svsm-vtpm.ts";
import { decodeChallenge, encodeChallenge, encodeChallengeRequest } from "../../src/wire/challenge.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { simulatedRoot } from "../support/simulated.ts";
import {
  manifestOf,
  OTHER_SVSM_VTPM,
  SVSM_VTPM,
  type SvsmDeviation,
  svsmEvidence,
  UEFI_SERVICE,
} from "../support/simulated-svsm.ts";
import {
  attemptOf,
  type BrokerPlan,
  type GuestBroker,
  guestBroker,
  PATH,
  POLICY,
  post,
  random,
} from "./guest-at-hand.ts";

const BOOTED = hexOf(nodePrimitives.digest("sha256", utf8("simulated PCR 11")));
const SVSM_POLICY = POLICY.replace(
  "platform bare-metal",
  `platform svsm
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${BOOTED}" else "another system booted"`,
);

const brokerOf = (plan: BrokerPlan = {}) => guestBroker({ policy: SVSM_POLICY, ...plan });

/** A guest's provider, whose evidence can be given otherwise. */
function provider(broker: GuestBroker, deviation: SvsmDeviation = {}): EvidenceProvider {
  const { vtpm = SVSM_VTPM } = deviation;
  const endorsements = () => endorsementsOf(simulatedRoot("milan"), broker.chip, broker.world.now());
  const manifest = manifestOf(vtpm.ek);
  return {
    name: "svsm",
    format: "svsm",
    vmpl: 0,
    vtpmKeys: async () => vtpm.keys,
    attest: async (binder, credential) => {
      if (credential === undefined) throw new Error("a credential");
      const shown = svsmEvidence({ binder, chip: broker.chip }, credential, { manifest, ...deviation });
      return { ...shown, endorsements: endorsements() };
    },
  };
}

/** The broker's own doors, with what is changed on the way. */
function wayTo(
  broker: GuestBroker,
  change: (path: string, body: string) => Response | undefined,
): OpenChannel {
  const fetch = async (url: string, { body = "", ...init }: { readonly body?: string }) => {
    const path = url.slice(AUDIENCE.length);
    return change(path, body) ?? broker.app.request(path, { ...init, body });
  };
  return async () => ({
    client: createGuestClient({ url: AUDIENCE, fetch }),
    carrier: { binding: 3 },
    close: () => undefined,
  });
}

/** The secret of a whole session, or the code that it ends in. */
async function got(
  broker: GuestBroker,
  by: EvidenceProvider,
  change: Parameters<typeof wayTo>[1] = () => undefined,
): Promise<Uint8Array | string | undefined> {
  const trusted = { audience: AUDIENCE, suite: 1, signingKey: broker.world.signer.spki } as const;
  const parts = { provider: by, primitives: nodePrimitives, random, now: broker.world.now };
  try {
    const session = await openSession(
      trusted,
      { ...parts, open: wayTo(broker, change) },
      AbortSignal.timeout(20_000),
    );
    const { secrets } = await session.release([{ secret: PATH }]);
    return secrets[0]?.secret;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

async function challengeFor(broker: GuestBroker, vtpm?: VtpmKeys) {
  const asked = vtpm === undefined ? { binding: 3 as const } : { binding: 3 as const, vtpm };
  const response = await post(broker, "/v1/challenge", encodeChallengeRequest(asked));
  return decodeChallenge(new Uint8Array(await response.arrayBuffer()));
}

const NO_CREDENTIAL: Credential = { idObject: new Uint8Array(0), encryptedSecret: new Uint8Array(0) };

interface Attempted {
  readonly nonce: Uint8Array;
  readonly credential?: Credential | undefined;
  readonly deviation?: SvsmDeviation;
  readonly evidence?: CarriedEvidence;
}

/** What one request ends in, as the operator finds it. */
async function found(broker: GuestBroker, attempted: Attempted): Promise<string> {
  const { nonce, credential = NO_CREDENTIAL, deviation, evidence } = attempted;
  const { body } = await attemptOf(broker, {
    nonce,
    evidence: {
      format: "svsm",
      of: (binder, chip, endorsements) =>
        evidence ?? { ...svsmEvidence({ binder, chip }, credential, deviation), endorsements },
    },
  });
  const response = await post(broker, "/v1/release", body);
  if (response.status === 200) return "released";
  const { instance } = decodeProblem(new Uint8Array(await response.arrayBuffer()));
  const detail = await broker.admin.decision(instance.slice("urn:ostiary:".length));
  return detail.kind === "refusal" ? detail.code : `decision ${String(detail.entry["code"])}`;
}

describe("a guest under an SVSM whose vTPM quotes", () => {
  it.each([
    ["Node", (base: World) => base.primitives],
    ["a Worker", () => workerPrimitives(crypto.subtle)],
  ] as const)("gets its key from a broker on %s, and the ledger says so", async (_, primitivesOf) => {
    const broker = await brokerOf({ change: (base) => ({ primitives: primitivesOf(base) }) });
    expect(await got(broker, provider(broker))).toHaveLength(32);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.at(-1)).toMatchObject({ kind: "decision", outcome: "allow", vmpl: 0, simulated: true });
  });

  it("gets nothing without the quote, or after another boot", async () => {
    const broker = await brokerOf();
    expect(await got(broker, provider(broker, { beside: () => undefined }))).toBe("policy/denied");
    const other = createSimulatedSvsmVtpm(generateSvsmVtpmKeys(), { 11: random(32) });
    expect(await got(broker, provider(broker, { vtpm: other }))).toBe("policy/denied");
  });

  it("is served without a quote as before, where no policy asks for one", async () => {
    const policy = SVSM_POLICY.replace(/^.*vtpm\.pcr.*$/m, "");
    const broker = await brokerOf({ policy });
    const { nonce } = await challengeFor(broker);
    expect(await found(broker, { nonce, deviation: { beside: () => undefined } })).toBe("released");
  });

  it("pins no register that an operating system can set back", async () => {
    const policy = SVSM_POLICY.replaceAll("vtpm.pcr[11]", "vtpm.pcr[16]").replace(BOOTED, "00".repeat(32));
    const broker = await brokerOf({ policy });
    expect(await got(broker, provider(broker))).toBe("policy/denied");
  });

  const tells: readonly (readonly [string, SvsmDeviation, string])[] = [
    [
      "another TPM's quote beside the manifest of its own",
      { vtpm: OTHER_SVSM_VTPM, manifest: manifestOf(SVSM_VTPM.ek) },
      "evidence/ak-unproven",
    ],
    [
      "its own quote beside the manifest of another's",
      { manifest: manifestOf(OTHER_SVSM_VTPM.ek) },
      "evidence/ak-unproven",
    ],
    [
      "a manifest that names no vTPM",
      { manifest: manifestOf(SVSM_VTPM.ek, UEFI_SERVICE) },
      "evidence/ek-missing",
    ],
    [
      "an attestation key that somebody else may hold",
      { beside: ({ ak }) => ({ ak: ak.with(7, 0x70) }) },
      "evidence/ak-unfit",
    ],
    ["a quote over other data", { quote: { qualifyingData: random(32) } }, "channel/not-bound"],
    ["a report of its own level", { report: { vmpl: 2 } }, "channel/not-bound"],
    [
      "a proof under a secret of its own",
      { beside: (_, data) => ({ proof: credentialProof(random(32), data, nodePrimitives) }) },
      "evidence/ak-unproven",
    ],
  ];
  it.each(tells)("is refused with %s, and nothing is recorded", async (_, deviation, code) => {
    const broker = await brokerOf();
    const { vtpm = SVSM_VTPM } = deviation;
    const { nonce, credential } = await challengeFor(broker, vtpm.keys);
    const before = (await ledgerEntries({ from: 0, limit: 100 }, broker.world)).length;
    expect(await found(broker, { nonce, credential, deviation })).toBe(code);
    expect(await ledgerEntries({ from: 0, limit: 100 }, broker.world)).toHaveLength(before);
  });

  const { ek, akName } = SVSM_VTPM.keys;
  it.each<[string, VtpmKeys | undefined]>([
    ["no keys", undefined],
    ["an endorsement key that nobody's SVSM names", { ek: OTHER_SVSM_VTPM.ek, akName }],
    ["another attestation key", { ek, akName: OTHER_SVSM_VTPM.keys.akName }],
  ])("is refused with the credential of a challenge for %s", async (_, keys) => {
    const broker = await brokerOf();
    const { nonce, credential } = await challengeFor(broker, keys);
    expect(await found(broker, { nonce, credential })).toBe("evidence/ak-unproven");
    const good = await challengeFor(broker, SVSM_VTPM.keys);
    expect(await found(broker, good)).toBe("released");
  });

  it("is refused where the secret of its own keys is to vouch for a key from elsewhere", async () => {
    const broker = await brokerOf();
    const { nonce, credential } = await challengeFor(broker, SVSM_VTPM.keys);
    const secret = SVSM_VTPM.activate(credential ?? NO_CREDENTIAL) ?? random(32);
    const beside: SvsmDeviation["beside"] = (_, data) => ({
      proof: credentialProof(secret, data, nodePrimitives),
    });
    const deviation = { vtpm: OTHER_SVSM_VTPM, manifest: manifestOf(SVSM_VTPM.ek), beside };
    expect(await found(broker, { nonce, credential, deviation })).toBe("evidence/ak-unproven");
  });

  it("is refused with the credential of another challenge, another broker, or an onlooker's proof", async () => {
    const [broker, other] = [await brokerOf(), await brokerOf()];
    const [first, second] = [
      await challengeFor(broker, SVSM_VTPM.keys),
      await challengeFor(broker, SVSM_VTPM.keys),
    ];
    const foreign = await challengeFor(other, SVSM_VTPM.keys);
    for (const { credential } of [second, foreign]) {
      expect(await found(broker, { nonce: first.nonce, credential })).toBe("evidence/ak-unproven");
    }
    const secret = SVSM_VTPM.activate(second.credential ?? NO_CREDENTIAL) ?? random(32);
    const beside: SvsmDeviation["beside"] = (_, data) => ({
      proof: credentialProof(secret, data, nodePrimitives),
    });
    expect(await found(broker, { ...first, deviation: { beside } })).toBe("evidence/ak-unproven");
    expect(await found(broker, first)).toBe("released");
  });

  it("is refused where its evidence was caught in an earlier exchange, or its nonce is spent or old", async () => {
    const broker = await brokerOf();
    const first = await challengeFor(broker, SVSM_VTPM.keys);
    let caught: CarriedEvidence | undefined;
    const { body } = await attemptOf(broker, {
      nonce: first.nonce,
      evidence: {
        format: "svsm",
        of: (binder, chip, endorsements) => {
          caught = { ...svsmEvidence({ binder, chip }, first.credential ?? NO_CREDENTIAL), endorsements };
          return caught;
        },
      },
    });
    expect((await post(broker, "/v1/release", body)).status).toBe(200);
    expect((await post(broker, "/v1/release", body)).status).toBe(409);
    const next = await challengeFor(broker, SVSM_VTPM.keys);
    expect(await found(broker, { ...next, ...(caught === undefined ? {} : { evidence: caught }) })).toBe(
      "channel/not-bound",
    );
    broker.pass(200);
    expect(await found(broker, next)).toBe("nonce/expired");
  });
});

describe("a challenge for the keys of a vTPM", () => {
  it("holds a credential that the TPM of both keys opens, and no other", async () => {
    const broker = await brokerOf();
    const { credential } = await challengeFor(broker, SVSM_VTPM.keys);
    expect(SVSM_VTPM.activate(credential ?? NO_CREDENTIAL)).toHaveLength(32);
    expect(OTHER_SVSM_VTPM.activate(credential ?? NO_CREDENTIAL)).toBeUndefined();
    expect((await challengeFor(broker)).credential).toBeUndefined();
  });

  const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const [good, name] = [b64(SVSM_VTPM.ek), b64(SVSM_VTPM.keys.akName)];
  it.each<[string, unknown]>([
    ["no endorsement key", { akName: name }],
    ["no name", { ek: good }],
    ["a member that nobody knows", { ek: good, akName: name, ak: good }],
    ["a name of another length", { ek: good, akName: b64(random(33)) }],
    ["an attestation key for an endorsement key", { ek: b64(SVSM_VTPM.ak), akName: name }],
    ["an endorsement key that is cut off", { ek: b64(SVSM_VTPM.ek.slice(0, -1)), akName: name }],
    ["a modulus of zeros", { ek: b64(SVSM_VTPM.ek.map((byte, i) => (i < 60 ? byte : 0))), akName: name }],
    ["a key of a kilobyte and more", { ek: b64(random(1025)), akName: name }],
    ["a list", []],
    ["nothing", null],
  ])("is refused with %s", async (_, vtpm) => {
    const broker = await brokerOf();
    const response = await post(broker, "/v1/challenge", JSON.stringify({ binding: 3, vtpm }));
    expect([response.status, decodeProblem(new Uint8Array(await response.arrayBuffer())).code]).toEqual([
      400,
      "malformed-request",
    ]);
  });

  it("is told from one that an older broker does not know, whatever it answers", async () => {
    const broker = await brokerOf();
    const older = (path: string, body: string) =>
      path === "/v1/challenge" && body.includes("vtpm")
        ? Response.json(
            {
              type: "urn:ostiary:problem:malformed-request",
              title: "No",
              status: 400,
              code: "malformed-request",
              instance: "urn:ostiary:01KB0000000000000000000001",
            },
            { status: 400 },
          )
        : undefined;
    expect(await got(broker, provider(broker), older)).toBe("broker/no-credential");
    const { credential: _, ...without } = await challengeFor(broker, SVSM_VTPM.keys);
    const silent = (path: string) =>
      path === "/v1/challenge" ? new Response(encodeChallenge(without)) : undefined;
    expect(await got(broker, provider(broker), silent)).toBe("broker/no-credential");
  });
});
