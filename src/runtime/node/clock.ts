/** What time is it, and where does chance come from, on Node? */
import { randomFillSync } from "node:crypto";
import { type Instant, instant } from "../../base/time.ts";

export function systemNow(): Instant {
  return instant(Math.floor(Date.now() / 1000));
}

export function systemRandom(size: number): Uint8Array {
  return randomFillSync(new Uint8Array(size));
}

/** One turn of the event loop: what is ready by then is done before. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
