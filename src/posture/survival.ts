/** How long does it take until something ends, where not all of it has ended yet? The estimate of Kaplan and Meier (1958). */
import type { Survival } from "../wire/finding-messages.ts";

/** How far one item came: to its end, or as far as it was followed. */
export interface Followed {
  readonly seconds: number;
  readonly hasEnded: boolean;
}

/** How much of all is left just after a moment at which some ended. */
export interface Step {
  readonly seconds: number;
  readonly left: number;
}

/**
 * The product-limit estimate: at each moment at which some ended, what was left shrinks by the share that ended of those that were
 * followed until then. One that is open still counts as followed for as long as it is open, and ends nothing.
 */
export function survivalCurve(items: readonly Followed[]): readonly Step[] {
  const sorted = items.toSorted((a, b) => a.seconds - b.seconds);
  const steps: Step[] = [];
  let left = 1;
  for (let at = 0; at < sorted.length; ) {
    const seconds = sorted[at]?.seconds ?? 0;
    let next = at;
    let ended = 0;
    for (; sorted[next]?.seconds === seconds; next += 1) ended += sorted[next]?.hasEnded === true ? 1 : 0;
    if (ended > 0) {
      left *= 1 - ended / (sorted.length - at);
      steps.push({ seconds, left });
    }
    at = next;
  }
  return steps;
}

/** Products of shares are not exact: what is this near to a quantile has reached it. */
const NEAR = 1e-9;

/** The first moment at which no more than `1 - share` is left; `undefined` where it was never reached. */
export function quantileOf(curve: readonly Step[], share: number): number | undefined {
  return curve.find(({ left }) => left <= 1 - share + NEAR)?.seconds;
}

/** `undefined` of nothing. */
export function survivalOf(items: readonly Followed[]): Survival | undefined {
  if (items.length === 0) return undefined;
  const curve = survivalCurve(items);
  const ended = items.filter(({ hasEnded }) => hasEnded).length;
  const [p50, p90] = [quantileOf(curve, 0.5), quantileOf(curve, 0.9)];
  return {
    count: items.length,
    ended,
    open: items.length - ended,
    ...(p50 === undefined ? {} : { p50 }),
    ...(p90 === undefined ? {} : { p90 }),
  };
}
