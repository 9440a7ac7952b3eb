/** How are durations summed up? By their mean, and by the p50 and p90 that really occurred (nearest rank). */
import type { Spread } from "../wire/finding-messages.ts";

/** `undefined` of nothing: no figure is better than a zero. */
export function spreadOf(seconds: readonly number[]): Spread | undefined {
  if (seconds.length === 0) return undefined;
  const sorted = seconds.toSorted((a, b) => a - b);
  const sum = sorted.reduce((total, one) => total + one, 0);
  return {
    count: sorted.length,
    mean: Math.round(sum / sorted.length),
    p50: nearestRank(sorted, 0.5),
    p90: nearestRank(sorted, 0.9),
  };
}

/** The smallest of them that at least this share of them does not exceed. */
function nearestRank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
