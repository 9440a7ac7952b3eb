/** What is a guest in a test? A simulated chip and the exchange's own code, every part of which can be given otherwise. */
import { randomBytes } from "node:crypto";
import type { CarriedEvidence, EvidenceFormat } from "../../src/attestation/evidence.ts";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { createEndorser } from "../../src/broker/endorse.ts";
import type { World } from "../../src/broker/world.ts";
import { type Transcript, type TranscriptFields, transcriptOf } from "../../src/channel/transcript.ts";
import { explainAll } from "../../src/cli/policy/explain.ts";
import type { EvidenceRequest } from "../../src/client/guest.ts";
import type { HttpEdges } from "../../src/http/route.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf, endorsementsOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip, type ReportPlan, type SimulatedChip } from "../../src/simulator/sp.ts";
import { decodeChallenge, encodeChallengeRequest } from "../../src/wire/challenge.ts";
import { encodeClaims } from "../../src/wire/claims.ts";
import type { Claims } from "../../src/wire/messages.ts";
import { decodeReleaseAnswer, encodeEvidenceRequest } from "../../src/wire/release.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";
import { simulatedRoot, simulatedSource, simulatedTrust } from "../support/simulated.ts";

export const PATH = "prod/db1/luks";
const MEASUREMENT = "02".repeat(48);

/** The policy of these tests: one image, a floor, no debug, a fresh nonce, three releases a chip and day. */
export const POLICY = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
floor fw {
  milan { bootloader 4, tee 0, snp 24, microcode 219 }
  genoa { bootloader 10, tee 0, snp 23, microcode 84 }
  turin { fmc 1, bootloader 1, tee 1, snp 3, microcode 75 }
}
policy disks {
  for resource "prod/**", "attest"
  platform bare-metal
  require measurement == hex"${MEASUREMENT}" else "this image is not approved"
  require tcb.reported at least fw else "firmware is below the floor"
  require not guest.debug else "guest memory could be read"
  require request.nonce_age <= 60s else "stale report"
  require endorsement.crl_age <= 24h else "revocation data is old"
  require has report.chip_id else "the chip is masked"
  allow "boot" when request.op == release
  on release { token_ttl 2m max_releases 3 per report.chip_id within 24h audit full }
}
`;

export interface GuestBroker extends BrokerAtHand {
  readonly chip: SimulatedChip;
}

export interface BrokerPlan {
  readonly product?: ProductLine;
  readonly policy?: string | null;
  readonly change?: (world: World) => Partial<World>;
  readonly edge?: Partial<HttpEdges>;
}

/** A broker that trusts the simulator, with a secret and, unless `policy` is null, a live policy. */
export async function guestBroker({
  product = "milan",
  policy = POLICY,
  change,
  edge,
}: BrokerPlan = {}): Promise<GuestBroker> {
  const root = simulatedRoot(product);
  const chip = createSimulatedChip(root);
  const broker = brokerAtHand((base) => {
    const trust = { ...simulatedTrust(product), lowestCrlNumber: () => undefined };
    const source = {
      ...simulatedSource(root, chip),
      crl: async () => root.crl({ thisUpdate: base.now() }),
    };
    const endorsementsFor = createEndorser({ store: base.store, source, trust, log: base.log });
    const parts = { trust, endorsementsFor };
    return { ...parts, ...change?.({ ...base, ...parts }) };
  }, edge);
  await broker.admin.putSecret(PATH, { kind: "generated", make: { name: "bytes", size: 32 } });
  if (policy !== null) await makeLive(broker, policy, 1);
  return { ...broker, chip };
}

/** Proposes and activates one source as the admin does, who says why where somebody gains. */
export async function makeLive(
  { admin, adminSigner, world }: BrokerAtHand,
  text: string,
  serial: number,
): Promise<string> {
  const { live, roster = null } = await admin.listBundles();
  const tar = packBundle([{ path: "test.writ", text }], live?.digest, nodePrimitives.digest);
  const { digest } = await admin.proposeBundle({ tar, signature: await signBundle(tar, adminSigner) });
  const session = { client: admin, signer: adminSigner, audience: AUDIENCE, now: world.now };
  await explainAll({ digest, because: "a test" }, session, { err: () => {}, isTty: false });
  const order = { digest, serial, audience: AUDIENCE, at: world.now(), roster };
  const signature = await signActivation(order, adminSigner);
  await admin.activateBundle(digest, signature);
  return digest;
}

/** Made over the binder of the transcript that has this format's label. */
export interface OtherEvidence {
  readonly format: EvidenceFormat;
  readonly of: (
    binder: Uint8Array,
    chip: SimulatedChip,
    endorsements: readonly Uint8Array[],
  ) => CarriedEvidence;
}

/** What a guest may do otherwise than it should. */
export interface Deviation {
  readonly claims?: Claims;
  readonly report?: Partial<ReportPlan>;
  readonly chip?: SimulatedChip;
  readonly transcript?: Partial<TranscriptFields>;
  /** Evidence of another format than `raw`, which knows no other deviation. */
  readonly evidence?: OtherEvidence;
  readonly request?: Partial<EvidenceRequest>;
  readonly nonce?: Uint8Array;
  readonly certTable?: Uint8Array;
}

export interface Attempt {
  readonly body: string;
  readonly transcript: Transcript;
  readonly wrapPrivate: Uint8Array;
  readonly claims: Claims;
}

export async function askNonce(broker: BrokerAtHand): Promise<Uint8Array> {
  const answer = await post(broker, "/v1/challenge", encodeChallengeRequest({ binding: 3 }));
  return decodeChallenge(new Uint8Array(await answer.arrayBuffer())).nonce;
}

/** A request, good but for its deviations. */
export async function attemptOf(broker: GuestBroker, deviation: Deviation = {}): Promise<Attempt> {
  const { chip = broker.chip, claims = { want: [{ secret: PATH }] } } = deviation;
  const nonce = deviation.nonce ?? (await askNonce(broker));
  const wrapPrivate = random(32);
  const claimsBytes = encodeClaims(claims);
  const none = new Uint8Array(0);
  const fields: TranscriptFields = {
    role: 1,
    binding: 3,
    suite: 1,
    vmpl: 0,
    audience: AUDIENCE,
    nonce,
    ownNonce: random(32),
    cb: none,
    attesterSpki: none,
    peerSpki: broker.world.signer.spki,
    wrapPub: await nodePrimitives.publicKeyOf("x25519", wrapPrivate),
    claimsHash: nodePrimitives.digest("sha512", claimsBytes),
    ...deviation.transcript,
  };
  const transcript = transcriptOf(fields, nodePrimitives, deviation.evidence?.format ?? "raw");
  const { ownNonce, wrapPub } = fields;
  const certTable = deviation.certTable ?? tableOf(broker, chip);
  const endorsements = endorsementsOf(simulatedRoot(chip.product), chip, broker.world.now());
  const report = chip.report({ reportData: transcript.binder, ...deviation.report });
  const request: EvidenceRequest = {
    v: 1,
    binding: 3,
    suite: 1,
    vmpl: 0,
    nonce,
    ownNonce,
    wrapPub,
    claimsBytes,
    evidence: deviation.evidence?.of(transcript.binder, chip, endorsements) ?? {
      format: "raw",
      report,
      certTable,
    },
    ...deviation.request,
  };
  return { body: encodeEvidenceRequest(request), transcript, wrapPrivate, claims };
}

function tableOf(broker: GuestBroker, chip: SimulatedChip): Uint8Array {
  return certTableOf(simulatedRoot(chip.product), chip, broker.world.now());
}

export async function post(broker: BrokerAtHand, path: string, body: string): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return broker.app.request(path, { method: "POST", headers, body });
}

export async function releaseOf(response: Response) {
  return decodeReleaseAnswer(new Uint8Array(await response.arrayBuffer()));
}

export function random(size: number): Uint8Array {
  return Uint8Array.from(randomBytes(size));
}
