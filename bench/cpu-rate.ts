/** How often in a CPU-second? The best of some rounds: what others on this machine do can only make it look slower. */

/** So many things between two looks at the clock: to look costs more than a decision. */
const BATCH = 1000;

/** @param work - Does `count` things in one call. */
export function ratePerCpuSecond(work: () => void, count: number, roundMs: number): number {
  const ROUNDS = 4;
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) best = Math.max(best, rateOfRound(work, count, roundMs));
  return best;
}

function rateOfRound(work: () => void, count: number, roundMs: number): number {
  const before = process.cpuUsage();
  let done = 0;
  let seconds = 0;
  do {
    for (let inBatch = 0; inBatch < BATCH; inBatch += count) work();
    done += Math.ceil(BATCH / count) * count;
    const { user, system } = process.cpuUsage(before);
    seconds = (user + system) / 1e6;
  } while (seconds * 1000 < roundMs);
  return done / seconds;
}

/** CPU milliseconds of one call, the least of some. */
export function cpuMs(work: () => void, calls: number): number {
  const spent = Array.from({ length: calls }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...spent);
}
