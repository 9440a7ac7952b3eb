/** When does a window lie, seen beside others and beside now? One row of characters. */
import type { Window } from "../program.ts";

/** What a row reaches over, in Unix seconds. */
export interface Reach {
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

const WIDTH = 32;
const MARGIN = 30 * 86_400;

/** From the first beginning to the last end, and at least a month around now. */
export function reachOf(windows: readonly (Window | undefined)[], now: number): Reach {
  const known = windows.flatMap((one) => (one === undefined ? [] : [one]));
  return {
    from: Math.min(now - MARGIN, ...known.map(({ from }) => from)),
    to: Math.max(now + MARGIN, ...known.map(({ from, to }) => to ?? from)),
    now,
  };
}

/** `=` inside, `.` outside, `|` now; `>` where a window has no end. */
export function barOf(window: Window | undefined, { from, to, now }: Reach): string {
  const step = Math.max(1, (to - from) / WIDTH);
  const cells = Array.from({ length: WIDTH }, (_, at) => {
    const [start, end] = [from + at * step, from + (at + 1) * step];
    if (now >= start && now < end) return "|";
    const isInside =
      window === undefined || (end > window.from && (window.to === undefined || start < window.to));
    return isInside ? "=" : ".";
  });
  const isOpen = window?.to === undefined;
  return `${cells.join("")}${isOpen ? ">" : ""}`;
}
