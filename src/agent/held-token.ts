/** For how long does a token serve? Until its end, for transit keys and writes alike; a new one, which takes a report, is got before that. */
import { utf8 } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import type { AtBroker, RunAtBroker } from "../client/at-broker.ts";
import { lifetimeOf } from "../client/token-claims.ts";
import type { GuestKey } from "../client/transit.ts";

export interface TokenParts {
  readonly run: RunAtBroker;
  /** Of this process alone: tokens are bound to it. */
  readonly key: GuestKey;
  readonly milliseconds: () => number;
}

interface Held {
  readonly token: string;
  /** Of the broker that made it: brokers of another one do not take it. */
  readonly audience: string;
  /** From here on a new one is got beside the use of this. */
  readonly renewAt: number;
  readonly endsAt: number;
}

/** Two thirds of its life (platforms.md 4.4): there is time to try again. */
const RENEW_AFTER = 2 / 3;
/** A token that ends on its way serves nobody. */
const MARGIN_MS = 2000;

/** What a use by token has at hand. */
export interface TokenPlace extends AtBroker {
  readonly key: GuestKey;
  readonly token: string;
}

/** Runs work with a token of the broker that it runs at. @throws {@link Fault} as the work, and as a way to the brokers does. */
export type RunWithToken = <T>(work: (place: TokenPlace) => Promise<T>) => Promise<T>;

/**
 * Runs many pieces of work by one token.
 *
 * A token costs one report of the hardware and serves as long as the broker lets it, five minutes at most. While it lives no use of it asks
 * the hardware; where there is no use, nothing is renewed.
 */
export function createTokenHolder(parts: TokenParts): RunWithToken {
  let held: Held | undefined;
  let renewal: Promise<Held> | undefined;
  const renewed = (at: AtBroker): Promise<Held> => {
    renewal ??= attested(at, parts)
      .then((fresh) => {
        held = fresh;
        return fresh;
      })
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  };
  const tokenFor = async (at: AtBroker): Promise<string> => {
    const now = parts.milliseconds();
    if (held === undefined || held.audience !== at.broker.audience || now >= held.endsAt) {
      return (await renewed(at)).token;
    }
    const { token, renewAt } = held;
    if (now < renewAt) return token;
    return renewed(at).then(
      (fresh) => fresh.token,
      () => token, // it lives, and the next use tries again
    );
  };
  return (work) =>
    parts.run(async (at) => {
      const { key } = parts;
      try {
        return await work({ ...at, key, token: await tokenFor(at) });
      } catch (thrown) {
        if (!isFault(thrown, "admin/unauthorized")) throw thrown; // what a 401 is read as: the token counts no longer
        held = undefined;
        return work({ ...at, key, token: (await renewed(at)).token });
      }
    });
}

async function attested(
  { session, broker: { audience } }: AtBroker,
  { key, milliseconds }: TokenParts,
): Promise<Held> {
  const begun = milliseconds();
  const { token } = await session.attest(key.jwk);
  const lifeMs = 1000 * (lifetimeOf(utf8(token)) ?? 0);
  return { token, audience, renewAt: begun + lifeMs * RENEW_AFTER, endsAt: begun + lifeMs - MARGIN_MS };
}
