/** Where do random cases come from? A generator with a seed, so that every run and every failure can be had again. */

export interface Dice {
  /** 0 to `below - 1`. */
  readonly roll: (below: number) => number;
  readonly chance: (percent: number) => boolean;
  readonly pick: <T>(from: readonly T[]) => T;
  /** `count` of them, or fewer where there are fewer; each once. */
  readonly some: <T>(from: readonly T[], count: number) => readonly T[];
}

/** Mulberry32. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const roll = (below: number): number => next() % below;
  const pick = <T>(from: readonly T[]): T => {
    const chosen = from[roll(from.length)];
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen;
  };
  const some = <T>(from: readonly T[], count: number): readonly T[] =>
    from
      .map((one) => ({ one, key: next() }))
      .sort((a, b) => a.key - b.key)
      .slice(0, count)
      .map(({ one }) => one);
  return { roll, chance: (percent) => roll(100) < percent, pick, some };
}
