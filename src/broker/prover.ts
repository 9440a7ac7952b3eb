/** How does a broker prove itself to a guest? A report over its own key, standing or fresh, and a signature over each session. */
import { type CarriedEvidence, parseEvidence } from "../attestation/evidence.ts";
import type { EvidenceProvider } from "../attestation/provider.ts";
import { base64UrlOf, equalBytes, hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { addSeconds, type Instant, isBefore } from "../base/time.ts";
import {
  freshTranscript,
  type ProofExchange,
  type ProofFields,
  sessionInputOf,
  standingTranscript,
} from "../channel/proof.ts";
import type { Transcript } from "../channel/transcript.ts";
import { encodeBrokerClaims } from "../wire/broker-claims.ts";
import type { BrokerProof } from "../wire/messages.ts";
import type { Prove, World } from "./world.ts";

/** What configuration says of the broker's own evidence. */
export interface ProverPlan {
  readonly provider: EvidenceProvider;
  /** The brokers that share keys and database; empty where its operator names none. */
  readonly cluster: string;
  /** Reports per second and broker that guests may ask for: each one occupies the secure processor. */
  readonly freshPerSecond: number;
  /** Milliseconds that never run backwards. */
  readonly milliseconds: () => number;
}

export type ProverWorld = Pick<
  World,
  "now" | "random" | "primitives" | "settings" | "signer" | "endorsementsFor"
>;

/** An hour at most (PROTOCOL section 8); renewed early, so that no guest is shown one that is about to end. */
const LIFETIME_SECONDS = 3600;
const RENEWED_AFTER_SECONDS = 3000;
const OWN_NONCE_SIZE = 32;

/** Makes the prover of one process: tier 1 from a report that stands for most of an hour, tier 2 from one of its own. */
export function createProver(plan: ProverPlan, world: ProverWorld): Prove {
  const standing = keptStanding(plan, world);
  const takeTurn = createTurns(plan);
  return async (exchange, isFresh) => {
    if (isFresh) takeTurn();
    const shown = isFresh ? await freshOf(exchange, plan, world) : await standing();
    const session = await world.signer.sign(sessionInputOf(exchange));
    return { ...shown, session };
  };
}

type Shown = Omit<BrokerProof, "session">;

interface Standing {
  readonly shown: Shown;
  readonly madeAt: Instant;
}

/** One at a time; while a new one cannot be had, the old one serves until it ends. */
function keptStanding(plan: ProverPlan, world: ProverWorld): () => Promise<Shown> {
  let kept: Standing | undefined;
  let renewal: Promise<Standing> | undefined;
  const renewed = async (): Promise<Standing> => {
    renewal ??= standingOf(plan, world).finally(() => {
      renewal = undefined;
    });
    kept = await renewal;
    return kept;
  };
  return async () => {
    const now = world.now();
    if (kept !== undefined && isYounger(kept, RENEWED_AFTER_SECONDS, now)) return kept.shown;
    try {
      return (await renewed()).shown;
    } catch (thrown) {
      if (kept !== undefined && isYounger(kept, LIFETIME_SECONDS, now)) return kept.shown;
      throw thrown;
    }
  };
}

/** A clock that was set back makes what was made before it old. */
function isYounger({ madeAt }: Standing, seconds: number, now: Instant): boolean {
  return !isBefore(now, madeAt) && isBefore(now, addSeconds(madeAt, seconds));
}

async function standingOf(plan: ProverPlan, world: ProverWorld): Promise<Standing> {
  const madeAt = world.now();
  const { audience } = world.settings;
  const shown = await shownOver(
    (fields) => standingTranscript(fields, audience, world.primitives),
    plan,
    world,
  );
  return { shown, madeAt };
}

function freshOf(exchange: ProofExchange, plan: ProverPlan, world: ProverWorld): Promise<Shown> {
  return shownOver((fields) => freshTranscript(fields, exchange, world.primitives), plan, world);
}

async function shownOver(
  transcript: (fields: ProofFields) => Transcript,
  plan: ProverPlan,
  world: ProverWorld,
): Promise<Shown> {
  const { vmpl, format } = plan.provider;
  const ownNonce = world.random(OWN_NONCE_SIZE);
  const claimsBytes = claimsOf(plan, world);
  const { binder } = transcript({ vmpl, format, ownNonce, claimsBytes });
  const evidence = await endorsed(await plan.provider.attest(binder), world);
  return { suite: 0, vmpl, ownNonce, wrapPub: new Uint8Array(0), claimsBytes, evidence };
}

function claimsOf({ cluster }: ProverPlan, { settings, signer, now, primitives }: ProverWorld): Uint8Array {
  const issuedAt = now();
  return encodeBrokerClaims({
    signingKey: signer.spki,
    cluster,
    audience: settings.audience,
    policyRoot: policyRootOf(settings, primitives.digest),
    issuedAt,
    expiresAt: addSeconds(issuedAt, LIFETIME_SECONDS),
  });
}

/** Who is the root of policy here: SHA-256 over the keys of the configuration by name, so that a guest sees when there is another. */
function policyRootOf(
  { governance: { admins } }: ProverWorld["settings"],
  digest: ProverWorld["primitives"]["digest"],
): string {
  const keys = admins
    .map(({ kid, spki }) => ({ kid, spki: base64UrlOf(spki) }))
    .sort((a, b) => (a.kid < b.kid ? -1 : 1));
  return hexOf(digest("sha256", canonicalJsonBytes(keys)));
}

/** A guest may reach nobody but this broker: what the host's table lacks goes with the evidence. */
async function endorsed(carried: CarriedEvidence, world: ProverWorld): Promise<CarriedEvidence> {
  const evidence = parseEvidence(carried);
  const found = await world.endorsementsFor(evidence, world.now());
  const known = [...evidence.certificates, ...evidence.crls];
  const lacking = [...found.certificates, ...found.crls.map(({ der }) => der)].filter(
    (der) => !known.some((other) => equalBytes(other, der)),
  );
  return lacking.length === 0
    ? carried
    : { ...carried, endorsements: [...(carried.endorsements ?? []), ...lacking] };
}

/** One bucket for the whole broker: whose turn it is not has to come again. */
function createTurns({ freshPerSecond, milliseconds }: ProverPlan): () => void {
  const most = Math.max(1, freshPerSecond); // one of several processes has a fraction, and still a turn
  let turns = most;
  let at = milliseconds();
  return () => {
    const now = milliseconds();
    turns = Math.min(most, turns + (Math.max(0, now - at) / 1000) * freshPerSecond);
    at = now;
    if (turns < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - turns) / freshPerSecond));
      throw new Fault("request/rate-limited", "expected fewer requests for a fresh report of the broker", {
        retryAfterSeconds,
      });
    }
    turns -= 1;
  };
}
