/** How does a witness answer? C2SP tlog-witness: one path, one head after the other, none cosigned that is not remembered. */
import { parseUtf8 } from "../base/bytes.ts";
import type { Log } from "../base/log.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import {
  judgeAddCheckpoint,
  MAX_ADD_CHECKPOINT_BYTES,
  type WitnessVerdict,
} from "../ledger/add-checkpoint.ts";
import type { Checkpoint } from "../ledger/checkpoint.ts";
import { cosign } from "../ledger/cosignature.ts";
import type { NoteKey } from "../ledger/note.ts";
import { type RateLimit, readBody } from "./limits.ts";

/** What a witness remembers of each log: the last head that it cosigned. */
export interface WitnessMemory {
  readonly last: (origin: string) => Checkpoint | undefined;
  /** Durable when it resolves. @throws {@link Fault} `file/unusable`. */
  readonly keep: (checkpoint: Checkpoint) => Promise<void>;
}

export interface WitnessParts {
  /** The witness's own name, which its cosignatures carry. */
  readonly name: string;
  readonly signer: Signer;
  /** The logs that it cosigns for. */
  readonly logs: readonly NoteKey[];
  readonly memory: WitnessMemory;
  readonly primitives: Primitives;
  readonly now: () => Instant;
  readonly rateLimit: RateLimit;
  readonly log: Log;
}

export type Witness = (request: Request, source: string) => Promise<Response>;

const ADD_CHECKPOINT = "/add-checkpoint";

/** Makes the witness. Requests are judged one at a time, so that none is judged by what another is about to change. */
export function createWitnessApp(parts: WitnessParts): Witness {
  let turn: Promise<unknown> = Promise.resolve();
  return async (request, source) => {
    const refused = refusalOf(request, source, parts);
    if (refused !== undefined) return refused;
    const body = await bodyOf(request);
    if (body === undefined) return answer(413);
    const judged = turn.then(() => judgedAnswer(body, parts));
    turn = judged.catch(() => undefined);
    return judged;
  };
}

function refusalOf(request: Request, source: string, { rateLimit }: WitnessParts): Response | undefined {
  if (new URL(request.url).pathname !== ADD_CHECKPOINT) return answer(404);
  if (request.method !== "POST") return answer(405, "", { allow: "POST" });
  const limit = rateLimit(source);
  return limit.isAllowed ? undefined : answer(429, "", { "retry-after": String(limit.retryAfterSeconds) });
}

/** `undefined` for a body that is too long, or broke off. */
async function bodyOf(request: Request): Promise<string | undefined> {
  try {
    return parseUtf8(await readBody(request, MAX_ADD_CHECKPOINT_BYTES)) ?? "";
  } catch {
    return undefined;
  }
}

async function judgedAnswer(body: string, parts: WitnessParts): Promise<Response> {
  try {
    const known = { logs: parts.logs, last: parts.memory.last };
    return await answerOf(await judgeAddCheckpoint(body, known, parts.primitives), parts);
  } catch (thrown) {
    parts.log("error", "witness-failed", { reason: thrown instanceof Error ? thrown.message : "unknown" });
    return answer(500);
  }
}

/** The head is remembered before anybody has the cosignature on it. */
async function answerOf(
  verdict: WitnessVerdict,
  { memory, now, log, ...by }: WitnessParts,
): Promise<Response> {
  if (verdict.status === 409) {
    log("info", "refused", { status: 409, size: verdict.size });
    return answer(409, `${verdict.size}\n`, { "content-type": "text/x.tlog.size" });
  }
  if (verdict.status !== 200) {
    log("info", "refused", { status: verdict.status });
    return answer(verdict.status);
  }
  const { checkpoint, text } = verdict;
  await memory.keep(checkpoint);
  const line = await cosign(text, { name: by.name, signer: by.signer, digest: by.primitives.digest }, now());
  log("info", "cosigned", { origin: checkpoint.origin, size: checkpoint.size });
  return answer(200, line);
}

function answer(status: number, body = "", headers: Readonly<Record<string, string>> = {}): Response {
  const own = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...own, ...headers },
  });
}
