/** Which of several processes is this one? Each serves the same port on the same database, and is the same broker to everybody. */
import type { Counts } from "../../http/metrics.ts";

export interface ProcessPart {
  /** From 1. The first keeps house for all: two that do it would do the same work twice. */
  readonly number: number;
  /** So many share what configuration says for the whole broker. */
  readonly of: number;
  readonly countsOfAll: () => Promise<Counts>;
}

/** Who keeps the log's heads, destroys and rotates what is due, and forgets what is over. */
export function keepsHouse(part: Pick<ProcessPart, "number"> | undefined): boolean {
  return part === undefined || part.number === 1;
}
