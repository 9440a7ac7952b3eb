/** For how long does a token serve? It is renewed before its end, by itself and without a report, until the broker wants to see new evidence. */
import { utf8 } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import type { AtBroker, RunAtBroker } from "../client/at-broker.ts";
import { isPassing } from "../client/retry.ts";
import { lifetimeOf } from "../client/token-claims.ts";
import type { GuestKey } from "../client/transit.ts";
import type { CacheClocks } from "./secret-cache.ts";

export interface TokenParts {
  readonly run: RunAtBroker;
  /** Of this process alone: tokens are bound to it. */
  readonly key: GuestKey;
  /** Gets the token again by itself; absent where each one has to come of new evidence. */
  readonly renew?: (place: TokenPlace) => Promise<string>;
  readonly milliseconds: () => number;
  readonly after: CacheClocks["after"];
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface Held {
  readonly token: string;
  /** Of the broker that made it: brokers of another one do not take it. */
  readonly audience: string;
  readonly lifeMs: number;
  /** From here on a new one is got beside the use of this. */
  readonly renewAt: number;
  readonly endsAt: number;
  /** When its evidence was made. */
  readonly attestedAt: number;
  /** Whether the broker cut its life short: its evidence is about to be over, so that the next one takes a report. */
  readonly isLast: boolean;
}

/** Two thirds of its life (platforms.md 4.4): there is time to try again. Somewhat before, so that a fleet that began together does not go on so. */
const RENEW_AFTER = 2 / 3;
const SPREAD = 0.1;
/** A token that ends on its way serves nobody. */
const MARGIN_MS = 2000;
/** For as long after a use the token is kept alive: the next look for another version finds it. */
const KEPT_MS = 600_000;

/** What a use by token has at hand. */
export interface TokenPlace extends AtBroker {
  readonly key: GuestKey;
  readonly token: string;
}

/** Runs work with a token of the broker that it runs at. @throws {@link Fault} as the work, and as a way to the brokers does. */
export type RunWithToken = <T>(work: (place: TokenPlace) => Promise<T>) => Promise<T>;

export interface TokenHolder {
  readonly run: RunWithToken;
  /** A policy wants new evidence after so many seconds from now: it is made before that, at the next use. */
  readonly noteReattest: (seconds: number) => void;
  /** Renews nothing any more. */
  readonly close: () => void;
}

/**
 * Runs many pieces of work by one token.
 *
 * The first takes a report of the hardware. From then on it is renewed before its end, while it is used, and takes another report only
 * where the broker or a policy wants one.
 */
export function createTokenHolder(parts: TokenParts): TokenHolder {
  let held: Held | undefined;
  let renewal: Promise<Held> | undefined;
  let evidenceBy = Number.POSITIVE_INFINITY;
  let usedAt = Number.NEGATIVE_INFINITY;
  let timer: { readonly cancel: () => void } | undefined;
  let isClosed = false;
  const keep = (fresh: Held): Held => {
    if (fresh.attestedAt !== held?.attestedAt) evidenceBy = Number.POSITIVE_INFINITY;
    held = fresh;
    timer?.cancel();
    if (parts.renew !== undefined && !isClosed) {
      timer = parts.after(Math.max(0, fresh.renewAt - parts.milliseconds()), keepAlive);
    }
    return fresh;
  };
  const renewed = (at: AtBroker): Promise<Held> => {
    const old = held !== undefined && parts.milliseconds() < evidenceBy ? held : undefined;
    renewal ??= following(old, at, parts)
      .then(keep)
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  };
  const keepAlive = (): void => {
    if (isClosed || parts.milliseconds() - usedAt > KEPT_MS) return;
    parts.run(renewed).catch(() => undefined); // the next use tries again
  };
  const tokenFor = async (at: AtBroker): Promise<string> => {
    const now = parts.milliseconds();
    if (held === undefined || !serves(held, at, now)) return (await renewed(at)).token;
    const { token, renewAt } = held;
    if (now < Math.min(renewAt, evidenceBy)) return token;
    return renewed(at).then(
      (fresh) => fresh.token,
      () => token, // it lives, and the next use tries again
    );
  };
  return {
    run: (work) =>
      parts.run(async (at) => {
        const { key } = parts;
        usedAt = parts.milliseconds();
        const token = await tokenFor(at);
        try {
          return await work({ ...at, key, token });
        } catch (thrown) {
          if (!isFault(thrown, "admin/unauthorized")) throw thrown; // what a 401 is read as: new evidence is wanted
          if (held?.token === token) held = undefined; // unless another use found that out before
          return work({ ...at, key, token: await tokenFor(at) });
        }
      }),
    noteReattest: (seconds) => {
      if (held !== undefined) evidenceBy = Math.min(evidenceBy, wornAt(held, parts.milliseconds(), seconds));
    },
    close: () => {
      isClosed = true;
      timer?.cancel();
    },
  };
}

/** At two thirds of the whole time that a policy gives, of which so many seconds are left. */
function wornAt({ attestedAt }: Held, now: number, seconds: number): number {
  return attestedAt + (now + seconds * 1000 - attestedAt) * RENEW_AFTER;
}

function serves({ audience, endsAt }: Held, { broker }: AtBroker, now: number): boolean {
  return audience === broker.audience && now < endsAt;
}

/** By the token before it, where that may be; else by a report. A no is a call for new evidence, whatever it says. */
async function following(old: Held | undefined, at: AtBroker, parts: TokenParts): Promise<Held> {
  const { renew, milliseconds, key } = parts;
  const begun = milliseconds();
  if (renew !== undefined && old !== undefined && !old.isLast && serves(old, at, begun)) {
    try {
      const token = await renew({ ...at, key, token: old.token });
      return heldOf(token, { at, begun, attestedAt: old.attestedAt, before: old.lifeMs }, parts);
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
    }
  }
  const { token } = await at.session.attest(key.jwk);
  return heldOf(token, { at, begun, attestedAt: begun, before: 0 }, parts);
}

interface Gotten {
  readonly at: AtBroker;
  readonly begun: number;
  readonly attestedAt: number;
  /** How long the one before lived. */
  readonly before: number;
}

function heldOf(token: string, { at, begun, attestedAt, before }: Gotten, { random }: TokenParts): Held {
  const lifeMs = 1000 * (lifetimeOf(utf8(token)) ?? 0);
  return {
    token,
    audience: at.broker.audience,
    lifeMs,
    renewAt: begun + lifeMs * (RENEW_AFTER - SPREAD * random()),
    endsAt: begun + lifeMs - MARGIN_MS,
    attestedAt,
    isLast: lifeMs < before,
  };
}
