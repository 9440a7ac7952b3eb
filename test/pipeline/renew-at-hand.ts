/** What is a guest in a test that renews? One report, and from then on its token and the client's own code. */
import { decodeJwt } from "jose";
import { parseUtf8 } from "../../src/base/bytes.ts";
import { renew } from "../../src/client/renew.ts";
import type { Fetched } from "../../src/client/session.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import type { WantedItem } from "../../src/wire/messages.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import {
  attemptOf,
  type BrokerPlan,
  type Deviation,
  type GuestBroker,
  guestBroker,
  PATH,
  POLICY,
  post,
  random,
} from "./guest-at-hand.ts";

const LIMITS = "max_releases 3 per report.chip_id within 24h";
/** As often as one likes. */
export const RENEWING = POLICY.replace(LIMITS, "");
/** The guest's own token. */
export const OWN: WantedItem = { token: { aud: AUDIENCE } };
export const SECRET: WantedItem = { secret: PATH };

export function renewBroker(plan: BrokerPlan = {}): Promise<GuestBroker> {
  return guestBroker({ policy: RENEWING, ...plan });
}

type Send = (path: string, init?: RequestInit) => Promise<Response>;

export interface OtherRenewal {
  readonly token?: string;
  readonly suite?: 1 | 2 | 3;
  /** May stand for the network. */
  readonly fetch?: Send;
  readonly signingKey?: Uint8Array;
  readonly key?: ReturnType<typeof makeGuestSigner>;
}

export interface RenewGuest {
  readonly token: string;
  readonly decision: string;
  readonly key: ReturnType<typeof makeGuestSigner>;
  readonly renew: (want?: readonly WantedItem[], other?: OtherRenewal) => Promise<Fetched>;
  /** Its own token again. */
  readonly next: (token?: string) => Promise<string>;
}

/** Attests once. */
export async function renewGuest(broker: GuestBroker, deviation: Deviation = {}): Promise<RenewGuest> {
  const key = makeGuestSigner();
  const attempt = await attemptOf(broker, { claims: { want: [], cnf: key.jwk }, ...deviation });
  const answer = await post(broker, "/v1/attest", attempt.body);
  const { token, decision } = decodeAttestAnswer(new Uint8Array(await answer.arrayBuffer()));
  const direct: Send = async (path, init) => broker.app.request(path, init);
  const again: RenewGuest["renew"] = (want = [SECRET], other = {}) => {
    const { suite = 1, fetch = direct, signingKey = broker.world.signer.spki } = other;
    const place = {
      session: { broker: undefined, binding: 3, fetch },
      broker: { audience: AUDIENCE, suite, signingKey },
      key: other.key ?? key,
    } as const;
    const parts = { now: broker.world.now, random, primitives: nodePrimitives };
    return renew({ want, token: other.token ?? token }, place, parts);
  };
  return {
    token,
    decision,
    key,
    renew: again,
    next: async (of = token) => textIn(await again([OWN], { token: of })),
  };
}

export function textIn({ secrets: [first] }: Fetched): string {
  return parseUtf8(first?.secret ?? new Uint8Array(0)) ?? "";
}

/** What the broker signed of a token. */
export function claimsIn(token: string) {
  return decodeJwt<{
    readonly cnf: { readonly jkt: string };
    readonly eat_nonce: string;
    readonly ostiary: {
      readonly evidence: { readonly decision: string; readonly at: number; readonly until: number };
    };
    readonly exp: number;
    readonly jti: string;
  }>(token);
}

/** The fault behind the last answer, as the broker's log has it: a guest is told less. */
export function faultOf({ lines }: GuestBroker): unknown {
  return lines.findLast(({ event }) => event === "request")?.["code"];
}
