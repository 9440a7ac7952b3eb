/** What is a guest in a test that uses transit keys? One token of its own report, and the client's own code over the test's broker. */
import { parseUtf8, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { useToken } from "../../src/client/token-use.ts";
import { type TransitDone, useTransitKey } from "../../src/client/transit.ts";
import { parseTransitText, type TransitText } from "../../src/keys/transit-text.ts";
import type { TransitType } from "../../src/keys/transit-type.ts";
import { makeGuestSigner } from "../../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { ReportPlan } from "../../src/simulator/sp.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import { decodeConfirmAnswer, encodeUseConfirmation } from "../../src/wire/readers.ts";
import type { UseConfirmation } from "../../src/wire/secret-messages.ts";
import type { TransitItem } from "../../src/wire/transit.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import {
  attemptOf,
  type BrokerPlan,
  type GuestBroker,
  guestBroker,
  POLICY,
  post,
  random,
} from "./guest-at-hand.ts";

export const KEY = "prod/transit/cards";

const AT = POLICY.indexOf("policy disks");
const [HEAD, DISKS] = [POLICY.slice(0, AT), POLICY.slice(AT)];
const LIMITS = "max_releases 3 per report.chip_id within 24h";

/** Guests may attest and use keys, and are given nothing. */
export const USING = `${HEAD}
${DISKS.replace("disks", "results").replace('"prod/**", ', "").replace(LIMITS, "")}
${DISKS.replace("disks", "keys").replace(', "attest"', "").replace("== release", "== unwrap").replace(LIMITS, "key_version any")}
`;

export async function transitBroker(type: TransitType, plan: BrokerPlan = {}): Promise<GuestBroker> {
  const broker = await guestBroker({ policy: USING, ...plan });
  await broker.admin.putSecret(KEY, { kind: "transit", type });
  return broker;
}

export interface TransitGuest {
  readonly token: string;
  readonly key: ReturnType<typeof makeGuestSigner>;
  /** Uses a key; `fetch` may stand for the network. */
  readonly use: (items: readonly TransitItem[], other?: OtherUse) => Promise<TransitDone>;
}

export interface OtherUse {
  readonly path?: string;
  readonly token?: string;
  readonly suite?: 1 | 2 | 3;
  readonly fetch?: (path: string, init?: RequestInit) => Promise<Response>;
}

/** Attests once; what it holds then serves for as many uses as it lives. */
export async function transitGuest(
  broker: GuestBroker,
  report: Partial<ReportPlan> = {},
): Promise<TransitGuest> {
  const key = makeGuestSigner();
  const attempt = await attemptOf(broker, { claims: { want: [], cnf: key.jwk }, report });
  const answer = await post(broker, "/v1/attest", attempt.body);
  const { token } = decodeAttestAnswer(new Uint8Array(await answer.arrayBuffer()));
  const fetch = async (path: string, init?: RequestInit) => broker.app.request(path, init);
  const parts = { now: broker.world.now, random, primitives: nodePrimitives };
  return {
    token,
    key,
    use: (items, other = {}) => {
      const session = { broker: undefined, fetch: other.fetch ?? fetch };
      const trusted = { audience: AUDIENCE, suite: other.suite ?? 1, signingKey: broker.world.signer.spki };
      const use = { path: other.path ?? KEY, items, token: other.token ?? token };
      return useTransitKey(use, { session, broker: trusted, key }, parts);
    },
  };
}

const NONE = new Uint8Array(0);

export const encryptItem = (plaintext: string, context: Uint8Array = NONE): TransitItem => ({
  operation: "encrypt",
  plaintext: utf8(plaintext),
  context,
});

export const openItem = (
  operation: "decrypt" | "rewrap",
  made: TransitText,
  context: Uint8Array = NONE,
): TransitItem => ({ operation, made, context });

/** The first result as the text that a key made. */
export function madeIn({ results: [first = NONE] }: TransitDone): TransitText {
  const made = parseTransitText(parseUtf8(first) ?? "");
  if (made === undefined) throw new Error("expected a text as `ostiary:v3:AAAA`");
  return made;
}

export function textIn({ results: [first = NONE] }: TransitDone): string {
  return parseUtf8(first) ?? "";
}

/** Says that a version is in use here; answers which earlier ones are needed no more. */
export async function confirmAs(
  broker: GuestBroker,
  { token, key }: Pick<TransitGuest, "token" | "key">,
  confirmation: UseConfirmation,
): Promise<readonly number[]> {
  const session = { fetch: async (path: string, init?: RequestInit) => broker.app.request(path, init) };
  const parts = { now: broker.world.now, random, digest: nodePrimitives.digest };
  const use = { audience: AUDIENCE, path: "/v1/confirm", body: encodeUseConfirmation(confirmation) };
  return decodeConfirmAnswer(await useToken(use, { token, ...key }, { session, parts })).replaced;
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}
