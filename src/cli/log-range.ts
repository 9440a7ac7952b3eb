/** Which entries of a broker's log do `--from` and `--to` mean? Positions as they are; times are looked for. */
import { Fault } from "../base/fault.ts";
import { parseEntry } from "../ledger/entry.ts";
import type { Range } from "../ledger/ranges.ts";
import { MOST_SECONDS_BACK } from "../ledger/whole-log.ts";
import type { LedgerSource } from "./ledger-source.ts";
import { momentOf } from "./writ/moment.ts";

/** As the command line has it, and what it means where nothing is said. */
export interface SaidRange {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly otherwise: Range;
}

/**
 * The positions of a range that is said.
 *
 * @throws {@link Fault} `request/not-found` where the log has no entry there.
 */
export async function rangeOf({ from, to, otherwise }: SaidRange, source: LedgerSource): Promise<Range> {
  const size = otherwise.end;
  const range = {
    // Entries are in the order of time but for ten minutes: a range by time has those around it too, so that none of it is left out.
    start: from === undefined ? otherwise.start : await placeOf(from, -MOST_SECONDS_BACK, { size, source }),
    end: to === undefined ? size : await placeOf(to, MOST_SECONDS_BACK, { size, source }),
  };
  if (range.start < range.end && range.end <= size) return range;
  const sentence = `expected entries of a log of ${size}, received ${range.start} up to and without ${range.end}`;
  throw new Fault("request/not-found", sentence);
}

interface Sought {
  readonly size: number;
  readonly source: LedgerSource;
}

async function placeOf(text: string, slack: number, { size, source }: Sought): Promise<number> {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const time = momentOf(text) + slack;
  let [low, high] = [0, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await timeAt(middle, source)) < time)
      low = middle + 1; // in order: each look halves what is left
    else high = middle;
  }
  return low;
}

async function timeAt(seq: number, source: LedgerSource): Promise<number> {
  const [leaf] = (await source.ledgerPage(seq, 1)).entries;
  if (leaf !== undefined) return parseEntry(leaf).time;
  throw new Fault("ledger/inconsistent", `expected entry ${seq}, the broker has none`, { entry: seq });
}
