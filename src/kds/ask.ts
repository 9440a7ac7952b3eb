/** What does one request to a key server come to? Bounded in time and size, tried twice, and never an exception. */
import { boundedBody } from "../client/bounded-body.ts";

export interface AskParts {
  readonly fetch: typeof fetch;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly timeoutMs: number;
}

export type Answer =
  | { readonly kind: "found"; readonly bytes: Uint8Array }
  | { readonly kind: "absent" }
  | { readonly kind: "slow-down"; readonly seconds: number | undefined }
  | { readonly kind: "failed"; readonly reason: string };

const MAX_ANSWER_BYTES = 65_536;
const RETRY_MS = 200;
const RETRY_JITTER_MS = 400;

/** One time-out and one retry; a 404 and a 429 are answers, not failures. */
export function createAsk(parts: AskParts): (url: string) => Promise<Answer> {
  return async (url) => {
    const first = await tryOnce(url, parts);
    if (first.kind !== "failed") return first;
    await parts.sleep(RETRY_MS + parts.random() * RETRY_JITTER_MS);
    return tryOnce(url, parts);
  };
}

async function tryOnce(url: string, { fetch, timeoutMs }: AskParts): Promise<Answer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: "error" });
    return await answerOf(response);
  } catch (thrown) {
    const isSlow = thrown instanceof Error && thrown.name === "TimeoutError";
    return {
      kind: "failed",
      reason: `the key server ${isSlow ? "did not answer in time" : "cannot be reached"}`,
    };
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const { status } = response;
  if (status === 200) {
    const bytes = await boundedBody(response.body, MAX_ANSWER_BYTES);
    return bytes === undefined
      ? { kind: "failed", reason: "the key server sent too much" }
      : { kind: "found", bytes };
  }
  await response.body?.cancel();
  if (status === 404) return { kind: "absent" };
  if (status === 429) return { kind: "slow-down", seconds: retryAfterOf(response) };
  return { kind: "failed", reason: `the key server answered with status ${status}` };
}

/** Seconds alone; a date is passed over. */
function retryAfterOf(response: Response): number | undefined {
  const value = response.headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}
