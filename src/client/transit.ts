/** How does a guest use a transit key? By a token of its own report, and it believes only what the broker sealed for this very use. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Signer } from "../base/primitives.ts";
import { wrapOf } from "../channel/suites.ts";
import { transitBinder } from "../channel/transit-binder.ts";
import type { TransitOperation } from "../keys/transit-type.ts";
import type { PublicJwk } from "../wire/messages.ts";
import { thumbprintOf } from "../wire/thumbprint.ts";
import {
  decodeTransitAnswer,
  encodeTransitRequest,
  parseTransitResults,
  type TransitItem,
  transitUrlPath,
} from "../wire/transit.ts";
import { openSealed } from "./open-sealed.ts";
import type { Session, SessionParts, TrustedBroker } from "./session.ts";
import { useToken } from "./token-use.ts";

/** A key of the guest's that tokens are bound to, ES256: made for this, as a rule, and forgotten. */
export interface GuestKey {
  readonly jwk: PublicJwk;
  readonly signer: Signer;
}

/** Where keys are used: an open session, the broker that this guest trusts, and a key of its own. */
export interface TransitPlace {
  readonly session: Pick<Session, "broker" | "fetch">;
  readonly broker: TrustedBroker;
  readonly key: GuestKey;
}

export type TransitParts = Pick<SessionParts, "now" | "random" | "primitives">;

/** One use. `token` is of this broker, bound to the key of the place: `session.attest` gives it, for as many uses as it lives. */
export interface TransitUse {
  readonly path: string;
  /** One at least, sixteen at most, all of one operation. */
  readonly items: readonly TransitItem[];
  readonly token: string;
}

/** What was done with each item, and under which decision. */
export interface TransitDone {
  readonly decision: string;
  /** In the order of the items. Plaintext may be among them: the caller overwrites it when done. */
  readonly results: readonly Uint8Array[];
}

/**
 * Uses one key, at most sixteen times at once.
 *
 * @returns As many results as items; of a data key the key itself (empty where it stays at the broker), then its wrapped form.
 * @throws {@link Fault} the broker's no; `broker/unreachable`; `channel/bad-release` for an answer that the broker did not make for this
 *   use.
 */
export async function useTransitKey(
  use: TransitUse,
  place: TransitPlace,
  parts: TransitParts,
): Promise<TransitDone> {
  const wrap = wrapOf(place.broker.suite);
  const wrapPrivate = parts.random(wrap.privateKeySize);
  try {
    const wrapPub = await wrap.publicKeyOf(wrapPrivate, parts.primitives);
    const { answer, binder } = await asked(use, wrapPub, { place, parts });
    const plaintext = await openSealed(
      answer.sealed,
      { secretId: use.path, decision: answer.decision },
      {
        binder,
        wrapPrivate,
        suite: place.broker.suite,
        signingKey: signingKeyOf(place),
        now: parts.now(),
        primitives: parts.primitives,
      },
    );
    return { decision: answer.decision, results: resultsIn(plaintext, use.items) };
  } finally {
    wrapPrivate.fill(0);
  }
}

interface Way {
  readonly place: TransitPlace;
  readonly parts: TransitParts;
}

/** Sends the request, and says by which hash its answer is known. */
async function asked({ path, items, token }: TransitUse, wrapPub: Uint8Array, { place, parts }: Way) {
  const { broker, key, session } = place;
  const { primitives, random, now } = parts;
  const { audience, suite } = broker;
  const urlPath = transitUrlPath(path, operationOf(items));
  const body = encodeTransitRequest({ suite, wrapPub, items });
  const way = { session, parts: { now, random, digest: primitives.digest } };
  const bytes = await useToken({ audience, path: urlPath, body }, { token, ...key }, way);
  const jkt = thumbprintOf(key.jwk, primitives);
  const binder = transitBinder({ audience, urlPath, jkt, body: utf8(body) }, primitives);
  return { answer: decodeTransitAnswer(bytes), binder };
}

/** The items are of one operation, since the path names one. */
function operationOf(items: readonly TransitItem[]): TransitOperation {
  const [first] = items;
  if (first !== undefined && items.every(({ operation }) => operation === first.operation)) {
    return first.operation;
  }
  throw new Fault("request/malformed", "expected items of one operation, one at least");
}

/** The key that the broker proved on this session, else the pinned one. */
export function signingKeyOf({ session, broker }: TransitPlace): Uint8Array {
  const signingKey = session.broker?.signingKey ?? broker.signingKey;
  if (signingKey === undefined) throw new Fault("internal/invariant", "a broker without a key was let pass");
  return signingKey;
}

function resultsIn(plaintext: Uint8Array, items: readonly TransitItem[]): readonly Uint8Array[] {
  const perItem = operationOf(items) === "datakey" ? 2 : 1;
  try {
    return parseTransitResults(plaintext, perItem * items.length);
  } finally {
    plaintext.fill(0);
  }
}
