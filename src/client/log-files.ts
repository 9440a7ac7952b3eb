/** How is a log read that a web server has? Its files by GET, each within a size and a time; none is no fault. */
import { Fault } from "../base/fault.ts";
import type { ReadLogFile } from "../ledger/published-log.ts";
import { bytesOf, reasonOf, type Send } from "./bounded-fetch.ts";

export interface LogDoor {
  /** What the files' names follow, without a trailing slash. */
  readonly url: string;
  readonly fetch: Send;
  /** Ends a request that takes longer. */
  readonly signal: () => AbortSignal;
}

/** Reads files of a log. Nothing is asked twice. The function throws {@link Fault} `broker/unreachable`. */
export function logAt({ url, fetch, signal }: LogDoor): ReadLogFile {
  return async (name, maxBytes) => {
    const address = `${url}/${name}`;
    try {
      const response = await fetch(address, { redirect: "error", signal: signal() });
      const bytes = await bytesOf(response);
      if (response.status === 404) return undefined;
      if (response.ok && bytes.length <= maxBytes) return bytes;
      throw unreachable(address, response.ok ? "too long" : String(response.status));
    } catch (thrown) {
      throw thrown instanceof Fault ? thrown : unreachable(address, reasonOf(thrown));
    }
  };
}

function unreachable(url: string, reason: string): Fault {
  return new Fault("broker/unreachable", `expected a file of a log at \`${url}\` (${reason})`, {
    url,
    reason,
  });
}
