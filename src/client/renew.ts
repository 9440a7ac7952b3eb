/** How does a guest get secrets and tokens again without asking its hardware? By a token, and it believes only what was sealed for this request. */
import { parseUtf8, utf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { FaultCode } from "../base/fault-codes.ts";
import { wrapOf } from "../channel/suites.ts";
import { renewBinder } from "../channel/transit-binder.ts";
import type { WantedItem } from "../wire/messages.ts";
import { decodeReleaseAnswer } from "../wire/release.ts";
import { encodeRenewRequest, RENEW_PATH } from "../wire/renew.ts";
import { thumbprintOf } from "../wire/thumbprint.ts";
import type { Fetched, Session } from "./session.ts";
import { useToken } from "./token-use.ts";
import { signingKeyOf, type TransitParts, type TransitPlace } from "./transit.ts";
import { openReleases } from "./verify-release.ts";

/** What is wanted again, under a token of this broker that is bound to the key of the place. */
export interface RenewPlan {
  readonly want: readonly WantedItem[];
  readonly token: string;
}

export interface RenewPlace extends TransitPlace {
  readonly session: Pick<Session, "broker" | "fetch" | "binding">;
}

/**
 * Gets every wanted item or none.
 *
 * @throws {@link Fault} the broker's no, `admin/unauthorized` where this guest has to attest anew; `broker/unreachable`;
 *   `channel/bad-release` for an answer that the broker did not make for this request.
 */
export async function renew(plan: RenewPlan, place: RenewPlace, parts: TransitParts): Promise<Fetched> {
  const { audience, suite } = place.broker;
  const { primitives, random, now } = parts;
  const wrap = wrapOf(suite);
  const wrapPrivate = random(wrap.privateKeySize);
  try {
    const wrapPub = await wrap.publicKeyOf(wrapPrivate, primitives);
    const body = encodeRenewRequest({ suite, wrapPub, want: plan.want });
    const way = { session: place.session, parts: { now, random, digest: primitives.digest } };
    const use = { audience, path: RENEW_PATH, body };
    const answer = decodeReleaseAnswer(await useToken(use, { token: plan.token, ...place.key }, way));
    const jkt = thumbprintOf(place.key.jwk, primitives);
    const binder = renewBinder({ audience, urlPath: RENEW_PATH, jkt, body: utf8(body) }, primitives);
    const transcript = { binder, fields: { suite, binding: place.session.binding } };
    const signingKey = signingKeyOf(place);
    const context = { transcript, wrapPrivate, wanted: plan.want, isPartial: false, signingKey, primitives };
    return { decision: answer.decision, secrets: await openReleases(answer, { ...context, now: now() }) };
  } finally {
    wrapPrivate.fill(0);
  }
}

/** Answers to which a report may make a difference: also those of a broker that does not know renewals. */
const MAY_WANT_EVIDENCE: readonly FaultCode[] = [
  "policy/denied",
  "admin/unauthorized",
  "request/not-found",
  "channel/wrong-listener",
];

/** Whether to ask again with new evidence: not where nobody answers, and not after an answer that is no broker's. */
export function mayWantEvidence(thrown: unknown): boolean {
  return isFault(thrown) && MAY_WANT_EVIDENCE.includes(thrown.code);
}

/** The guest's own token, bound to the same key, again. @throws {@link Fault} as {@link renew}. */
export async function renewToken(token: string, place: RenewPlace, parts: TransitParts): Promise<string> {
  const want = [{ token: { aud: place.broker.audience } }];
  const { secrets } = await renew({ want, token }, place, parts);
  const text = parseUtf8(secrets[0]?.secret ?? new Uint8Array(0));
  if (text === undefined || text === "") throw new Fault("channel/bad-release", "expected a token");
  return text;
}
