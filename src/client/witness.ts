/** How is a witness asked? One POST of C2SP tlog-witness, within a time, and what it answers within a size. */
import { parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { bytesOf, type Send } from "./bounded-fetch.ts";

export interface WitnessDoor {
  /** Its submission prefix, without a trailing slash. */
  readonly url: string;
  readonly fetch: Send;
  /** Ends a request that takes longer. */
  readonly signal: () => AbortSignal;
}

/** Sends a body to `add-checkpoint`. Nothing is sent twice. @throws {@link Fault} `witness/unreachable`. */
export async function addCheckpoint(
  { url, fetch, signal }: WitnessDoor,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> {
  try {
    const response = await fetch(`${url}/add-checkpoint`, {
      method: "POST",
      body,
      headers: { "content-type": "text/plain; charset=utf-8" },
      redirect: "error",
      signal: signal(),
    });
    return { status: response.status, body: parseUtf8(await bytesOf(response)) ?? "" };
  } catch (thrown) {
    throw new Fault(
      "witness/unreachable",
      `expected an answer of the witness at \`${url}\``,
      { witness: url },
      thrown,
    );
  }
}
