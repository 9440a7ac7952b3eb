/** How long and how much? Work at a fixed concurrency, with CPU time, wall time and percentiles. */

interface Measured {
  readonly count: number;
  readonly wallSeconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** With the CPU time of the broker, its threads and the kernel's work for it included. */
export interface Result extends Measured {
  readonly cpuSeconds: number;
}

/** Runs every job once, `concurrency` at a time. */
export async function runAll(jobs: readonly (() => Promise<void>)[], concurrency: number): Promise<Measured> {
  const durations: number[] = [];
  let next = 0;
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      const started = performance.now();
      await job(); // in order: one worker does one job at a time
      durations.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const wallSeconds = (performance.now() - begun) / 1000;
  durations.sort((a, b) => a - b);
  const at = (share: number): number =>
    durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? 0;
  return { count: durations.length, wallSeconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
