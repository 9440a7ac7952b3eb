/** What is a guest in a test that writes secrets? A transit guest under a policy that lets it write, and the client's own code. */
import { type SecretWrite, type Written, writeSecret } from "../../src/client/write.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { ReportPlan } from "../../src/simulator/sp.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { type BrokerPlan, type GuestBroker, guestBroker, POLICY, random } from "./guest-at-hand.ts";
import { type TransitGuest, transitGuest } from "./transit-at-hand.ts";

export const KEY = "prod/mongo/master";

const LIMITS = "max_releases 3 per report.chip_id within 24h";
export const WRITING = POLICY.replace("request.op == release", "request.op in [release, write]").replace(
  LIMITS,
  "key_version any",
);

export function writeBroker(plan: BrokerPlan = {}): Promise<GuestBroker> {
  return guestBroker({ policy: WRITING, ...plan });
}

type Send = (path: string, init?: RequestInit) => Promise<Response>;

export interface WriteGuest extends TransitGuest {
  readonly write: (write?: Partial<SecretWrite>, other?: OtherWrite) => Promise<Written>;
}

export interface OtherWrite {
  readonly token?: string;
  readonly suite?: 1 | 2;
  /** May stand for the network. */
  readonly fetch?: Send;
  /** The key that the guest believes to be the broker's. */
  readonly signingKey?: Uint8Array;
}

export async function writeGuest(broker: GuestBroker, report: Partial<ReportPlan> = {}): Promise<WriteGuest> {
  const guest = await transitGuest(broker, report);
  const direct: Send = async (path, init) => broker.app.request(path, init);
  const parts = { now: broker.world.now, random, primitives: nodePrimitives };
  return {
    ...guest,
    write: async (write = {}, other = {}) => {
      const { suite = 1, signingKey = broker.world.signer.spki, fetch = direct } = other;
      const place = {
        session: { broker: undefined, fetch },
        broker: { audience: AUDIENCE, suite, signingKey },
        key: guest.key,
      };
      broker.pass(1); // as many keys a second as challenges
      const order = { path: KEY, secret: random(32), token: other.token ?? guest.token, ...write };
      return writeSecret(order, place, parts);
    },
  };
}
