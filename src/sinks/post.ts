/** How is JSON posted to somebody who watches? In bounded time, on a connection of its own, and only the status of the answer counts. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Fault, systemCodeOf } from "../base/fault.ts";

export interface PostParts {
  readonly headers: Readonly<Record<string, string>>;
  /** Authorities in PEM in the place of the system's. */
  readonly authorities?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Who is posted to, for a sentence. */
  readonly whom: string;
}

/** A redirect is an answer like any other: what is meant for one place goes to no other. @throws {@link Fault} `sink/unreachable`. */
export function postJson(url: string, body: Uint8Array, parts: PostParts): Promise<number> {
  const { authorities, timeoutMs, whom } = parts;
  const headers = {
    ...parts.headers,
    "content-type": "application/json",
    "content-length": String(body.length),
  };
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(timeoutMs)]);
  const options = { method: "POST", headers, signal, agent: false } as const;
  return new Promise((resolve, reject) => {
    const sent = url.startsWith("https:")
      ? httpsRequest(url, { ...options, ...(authorities === undefined ? {} : { ca: authorities }) })
      : httpRequest(url, options);
    sent.once("response", (response) => {
      response.on("error", () => undefined);
      response.destroy(); // what it says beyond its status is nobody's business
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", (thrown) => {
      const reason = signal.aborted ? "too slow" : systemCodeOf(thrown);
      reject(new Fault("sink/unreachable", `${whom} cannot be reached (${reason})`, { reason }, thrown));
    });
    sent.end(body);
  });
}
