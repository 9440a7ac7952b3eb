/** How is a broker's answer read? Whole, within a size, and every failure on the way is `broker/unreachable`. */
import { Fault, systemCodeOf } from "../base/fault.ts";
import { MAX_ANSWER_BYTES } from "../wire/limits.ts";
import { decodeProblem, faultOfProblem } from "../wire/problem.ts";
import { boundedBody } from "./bounded-body.ts";

/** What is sent. */
export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly redirect?: "error";
}

/** What comes back: as much of a `Response` as is used, so that a program need not load all of `fetch` for two requests. */
export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { readonly get: (name: string) => string | null | undefined };
  readonly body: ReadableStream<Uint8Array> | null;
}

/** `fetch`, or what does for it. */
export type Send = (url: string, init: Sending) => Promise<Answer>;

/**
 * Sends a request and answers the body of a good response.
 *
 * @throws {@link Fault} `broker/unreachable`, or the fault that the broker's problem details tell of.
 */
export async function fetchBounded(url: string, send: Send, init: Sending): Promise<Uint8Array> {
  return readAnswer(await answerTo(url, send, init));
}

/** The body of a good response. @throws {@link Fault} as {@link fetchBounded}. */
export async function readAnswer(response: Answer): Promise<Uint8Array> {
  const bytes = await bytesOf(response);
  if (response.ok) return bytes;
  throw patient(faultOfProblem(decodeProblem(bytes)), response);
}

/** The same fault with the seconds of `Retry-After`, where the answer names some; a date is passed over. */
function patient(fault: Fault, response: Answer): Fault {
  const text = response.headers.get("retry-after") ?? "";
  if (!/^\d{1,6}$/.test(text)) return fault;
  return new Fault(fault.code, fault.message, { ...fault.detail, retryAfterSeconds: Number(text) });
}

async function answerTo(url: string, send: Send, init: Sending): Promise<Answer> {
  try {
    return await send(url, { ...init, redirect: "error" });
  } catch (thrown) {
    const reason = reasonOf(thrown);
    throw new Fault(
      "broker/unreachable",
      `expected an answer of the broker at \`${url}\``,
      { reason },
      thrown,
    );
  }
}

/** Why nobody answered, in the system's word: `ENOTFOUND`, `CERT_HAS_EXPIRED`, or `TimeoutError` for what took too long. */
export function reasonOf(thrown: unknown): string {
  const { cause } = thrown instanceof Error ? thrown : { cause: undefined };
  for (const failed of [thrown, cause]) {
    const code = systemCodeOf(failed);
    if (code !== "unknown") return code;
  }
  const named = cause instanceof Error ? cause : thrown;
  return named instanceof Error ? named.name : "unknown";
}

/** Reads an answer piece by piece, so that whoever answers cannot fill the memory. @throws {@link Fault} `broker/unreachable`. */
export async function bytesOf(response: Answer): Promise<Uint8Array> {
  const whole = await boundedBody(response.body, MAX_ANSWER_BYTES).catch((thrown: unknown) => {
    throw new Fault("broker/unreachable", "expected a whole answer, it broke off", {}, thrown);
  });
  if (whole !== undefined) return whole;
  throw new Fault("broker/unreachable", `expected an answer of at most ${MAX_ANSWER_BYTES} bytes`);
}
