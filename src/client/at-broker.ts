/** How does whoever shares one way to the brokers do a piece of work? On a session of its own, at one broker or another. */
import { type FetchParts, type FetchPlan, overSessions } from "./fetch.ts";
import type { Session, TrustedBroker } from "./session.ts";

/** An open session, and the broker that the guest trusts at its other end. */
export interface AtBroker {
  readonly session: Session;
  readonly broker: TrustedBroker;
}

/**
 * Runs work at a broker that answers, and again, or elsewhere, where that can help.
 *
 * @throws {@link Fault} what the last attempt ended with.
 */
export type RunAtBroker = <T>(work: (at: AtBroker) => Promise<T>) => Promise<T>;

/** Any broker of the plan. @param start - Waited for before the first attempt: the spread of a fleet. */
export function atAnyBroker(
  plan: Omit<FetchPlan, "want" | "cnf">,
  parts: FetchParts,
  start: () => Promise<void>,
): RunAtBroker {
  let started: Promise<void> | undefined;
  return async (work) => {
    started ??= start();
    await started;
    return overSessions(plan, parts, (session, broker) => work({ session, broker }));
  };
}
