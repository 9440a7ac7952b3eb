/** What did all processes of a broker count? Each is asked; what one that is gone said last still counts, so that no sum falls. */
import { sumOfCounts } from "../../http/exposition.ts";
import type { Counts } from "../../http/metrics.ts";

export interface Tally {
  /** A process serves from now on, and can be asked. */
  readonly joined: (number: number, ask: () => void) => void;
  readonly said: (number: number, counts: Counts) => void;
  readonly left: (number: number) => void;
  /** The sum of all; whoever asks while others wait for it shares theirs. */
  readonly all: () => Promise<Counts>;
}

const NOTHING: Counts = { counters: {}, histograms: {} };

/**
 * @param own - What the first process counts itself.
 * @param patienceMs - One that does not answer for so long counts as it did before.
 */
export function createTally(own: () => Counts, patienceMs = 1000): Tally {
  const asks = new Map<number, () => void>();
  const known = new Map<number, Counts>();
  const waited = new Set<number>();
  let gone = NOTHING;
  let onAllSaid = (): void => undefined;
  let pending: Promise<Counts> | undefined;

  const heard = (number: number): void => {
    waited.delete(number);
    if (waited.size === 0) onAllSaid();
  };
  const collected = async (): Promise<Counts> => {
    await new Promise<void>((done) => {
      const late = setTimeout(done, patienceMs);
      onAllSaid = () => {
        clearTimeout(late);
        done();
      };
      for (const number of asks.keys()) waited.add(number);
      for (const ask of asks.values()) ask();
      if (waited.size === 0) onAllSaid();
    });
    waited.clear();
    return sumOfCounts([own(), gone, ...known.values()]);
  };
  return {
    joined: (number, ask) => void asks.set(number, ask),
    said: (number, counts) => {
      known.set(number, counts);
      heard(number);
    },
    left: (number) => {
      gone = sumOfCounts([gone, known.get(number) ?? NOTHING]);
      known.delete(number);
      asks.delete(number);
      heard(number);
    },
    all: () => {
      pending ??= collected().finally(() => {
        pending = undefined;
      });
      return pending;
    },
  };
}
