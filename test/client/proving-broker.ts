/** What does a broker that proves itself look like to a guest? Made by the exchange's own code, every part given otherwise at will. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { simulatorRoots } from "../../src/attestation/endorsement/roots.ts";
import type { CarriedEvidence, CarriedRaw } from "../../src/attestation/evidence.ts";
import type { Signer } from "../../src/base/primitives.ts";
import { addSeconds, type Instant } from "../../src/base/time.ts";
import {
  freshTranscript,
  type ProofExchange,
  sessionInputOf,
  standingTranscript,
} from "../../src/channel/proof.ts";
import type { TranscriptFields } from "../../src/channel/transcript.ts";
import { transcriptOf } from "../../src/channel/transcript.ts";
import type { BrokerContext, BrokerExpectation } from "../../src/client/appraise-broker.ts";
import { type Bundle, loadBundle, packBundle } from "../../src/policy/bundle.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip, type ReportPlan, type SimulatedChip } from "../../src/simulator/sp.ts";
import { encodeBrokerClaims } from "../../src/wire/broker-claims.ts";
import type { BrokerClaims, BrokerProof } from "../../src/wire/messages.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";
import { BROKER, random } from "./sealed-answer.ts";

export const AUDIENCE = "https://broker.example/c/0001";
export const CLUSTER = "eu-1";
const IMAGE = new Uint8Array(48).fill(0xb0);
export const NOW = SIMULATED_NOW;
export const ROOT = simulatedRoot("genoa");
export const CHIP = createSimulatedChip(ROOT);

export const GUEST_POLICY = readFileSync(
  join(import.meta.dirname, "../../policies/guest/broker.writ"),
  "utf8",
);

export function policyOf(text: string): Bundle {
  const tar = packBundle([{ path: "broker.writ", text }], undefined, nodePrimitives.digest);
  return loadBundle(tar, nodePrimitives.digest);
}

/** Binding 2: one connection, as both of its ends see it. */
export function exchangeOf(change: Partial<ProofExchange["channel"]> = {}): ProofExchange {
  const channel = { binding: 2, cb: random(32), brokerSpki: random(91), ...change } as const;
  return { audience: AUDIENCE, guestNonce: random(32), channel };
}

/** What may be otherwise with a broker that is good but for that. */
export interface BrokerDeviation {
  readonly isFresh?: boolean;
  readonly claims?: Partial<BrokerClaims>;
  /** Carried, though others were hashed. */
  readonly claimsBytes?: Uint8Array;
  readonly report?: Partial<ReportPlan>;
  readonly vmpl?: 0 | 1 | 2 | 3;
  readonly chip?: SimulatedChip;
  readonly transcript?: Partial<TranscriptFields>;
  readonly evidence?: (evidence: CarriedRaw) => CarriedEvidence;
  readonly crlAt?: Instant;
  /** Over which exchange the report is, and which one is signed, where they are not the guest's. */
  readonly reported?: ProofExchange;
  readonly signed?: ProofExchange;
  readonly signer?: Signer;
}

/** A proof for this exchange, good but for its deviation. */
export async function proofFor(
  exchange: ProofExchange,
  deviation: BrokerDeviation = {},
): Promise<BrokerProof> {
  const { vmpl = 0, isFresh = false, chip = CHIP, crlAt = addSeconds(NOW, -3600) } = deviation;
  const claimsBytes = encodeBrokerClaims({ ...GOOD_CLAIMS, ...deviation.claims });
  const own = { vmpl, format: "raw", ownNonce: random(32), claimsBytes } as const;
  const reported = deviation.reported ?? exchange;
  const made = isFresh
    ? freshTranscript(own, reported, nodePrimitives)
    : standingTranscript(own, reported.audience, nodePrimitives);
  const { binder } = transcriptOf({ ...made.fields, ...deviation.transcript }, nodePrimitives, "raw");
  const report = chip.report({ measurement: IMAGE, vmpl, reportData: binder, ...deviation.report });
  const evidence = { format: "raw", report, certTable: certTableOf(ROOT, chip, crlAt) } as const;
  const session = await (deviation.signer ?? BROKER).sign(sessionInputOf(deviation.signed ?? exchange));
  return {
    suite: 0,
    vmpl,
    ownNonce: own.ownNonce,
    wrapPub: new Uint8Array(0),
    claimsBytes: deviation.claimsBytes ?? claimsBytes,
    evidence: deviation.evidence?.(evidence) ?? evidence,
    session,
  };
}

export const GOOD_CLAIMS: BrokerClaims = {
  signingKey: BROKER.spki,
  cluster: CLUSTER,
  audience: AUDIENCE,
  policyRoot: "ab".repeat(32),
  issuedAt: NOW,
  expiresAt: addSeconds(NOW, 3600),
};

const KNOWN = policyOf(GUEST_POLICY);

export function expectation(change: Partial<BrokerExpectation> = {}): BrokerExpectation {
  const roots = simulatorRoots([ROOT.ark], nodePrimitives);
  return {
    policy: KNOWN,
    cluster: CLUSTER,
    vmpl: 0,
    isFresh: false,
    roots,
    memo: createChainMemo(16),
    ...change,
  };
}

export function contextOf(exchange: ProofExchange, change: Partial<BrokerContext> = {}): BrokerContext {
  return { exchange, pinnedKey: undefined, now: NOW, primitives: nodePrimitives, ...change };
}
