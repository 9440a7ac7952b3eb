/** What time is it, and where does chance come from, on Node? */
import { randomFillSync } from "node:crypto";
import { type Instant, instant } from "../../base/time.ts";

export function systemNow(): Instant {
  return instant(Math.floor(Date.now() / 1000));
}

/** Asking the system costs more than the bytes do, so that what nonces, names and keys need is drawn for many of them at once. */
const POOL_BYTES = 4096;
const MAX_POOLED_BYTES = 32;
const pool = new Uint8Array(POOL_BYTES);
let drawn = POOL_BYTES;

/** Random bytes. What was given out is in the pool no longer. */
export function systemRandom(size: number): Uint8Array {
  if (size > MAX_POOLED_BYTES) return randomFillSync(new Uint8Array(size));
  if (drawn + size > POOL_BYTES) {
    randomFillSync(pool);
    drawn = 0;
  }
  const bytes = pool.slice(drawn, drawn + size);
  pool.fill(0, drawn, drawn + size);
  drawn += size;
  return bytes;
}

/** One turn of the event loop: what is ready by then is done before. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
