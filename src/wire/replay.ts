/** How does an admin ask what a candidate would have said, what is answered, and how is a gain explained? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import type { Instant } from "../base/time.ts";
import type { ExplainedGain } from "../policy/order-statements.ts";
import { MAX_GROUPS, MAX_NAMED, type ReplayTally } from "../policy/replay-tally.ts";
import { ANSWER, decode, encode, REQUEST, type Reading } from "./codec.ts";
import {
  bytesField,
  bytesText,
  countField,
  decisionIdField,
  digestField,
  instantField,
  instantText,
} from "./fields.ts";
import { MAX_ADMIN_BODY_BYTES, MAX_ARCHIVE_BYTES } from "./limits.ts";

/** A page of a replay: of a bundle that was proposed, or of an archive that nobody signed yet. */
export interface ReplayRequest {
  readonly digest?: string;
  readonly tar?: Uint8Array;
  /** Where the page before said that the next begins. */
  readonly before?: number;
  readonly limit: number;
  readonly since?: Instant;
  readonly until?: Instant;
}

export interface ReplayAnswer {
  readonly candidate: string;
  /** Absent where no bundle is live: then it is compared with what was decided. */
  readonly live?: string;
  readonly tally: ReplayTally;
  readonly next?: number;
}

export const MAX_REPLAY_PAGE = 250;

const optionalInstant = () => v.exactOptional(instantField());

export const REPLAY_REQUEST = v.strictObject({
  digest: v.exactOptional(digestField()),
  tar: v.exactOptional(bytesField(1, MAX_ARCHIVE_BYTES)),
  before: v.exactOptional(countField(0)),
  limit: v.pipe(countField(1), v.maxValue(MAX_REPLAY_PAGE)),
  since: optionalInstant(),
  until: optionalInstant(),
});

const words = () => v.pipe(v.string(), v.maxLength(4096));
const count = () => countField(0);

const GROUP = v.object({
  direction: v.picklist(["gained", "lost", "changed"]),
  resource: words(),
  measurement: words(),
  clause: words(),
  reason: words(),
  example: decisionIdField(),
  count: countField(1),
});

const TALLY = v.object({
  decisions: count(),
  tampered: count(),
  items: count(),
  alike: count(),
  gained: count(),
  lost: count(),
  changed: count(),
  unseen: count(),
  unreproduced: count(),
  groups: v.pipe(v.array(GROUP), v.maxLength(MAX_GROUPS)),
  more: count(),
  suspect: v.pipe(v.array(decisionIdField()), v.maxLength(MAX_NAMED)),
});

export const REPLAY_ANSWER = v.object({
  candidate: digestField(),
  live: v.exactOptional(digestField()),
  tally: TALLY,
  next: v.exactOptional(count()),
});

/** A DSSE envelope as JSON text; `policy/order-statements.ts` reads its payload. */
export const SIGNED_ORDER = v.strictObject({
  signature: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_ARCHIVE_BYTES)),
});

export const EXPLAINED_GAINS = v.object({
  gains: v.array(v.object({ resource: words(), clause: words(), why: words() })),
});

const LARGE: Reading = { ...REQUEST, maxBytes: MAX_ADMIN_BODY_BYTES };

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeReplayRequest(bytes: Uint8Array): ReplayRequest {
  return decode(REPLAY_REQUEST, bytes, LARGE);
}

export function encodeReplayRequest({ tar, since, until, ...rest }: ReplayRequest): string {
  return encode({
    ...rest,
    tar: tar && bytesText(tar),
    since: since && instantText(since),
    until: until && instantText(until),
  });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeReplayAnswer(bytes: Uint8Array): ReplayAnswer {
  return decode(REPLAY_ANSWER, bytes, ANSWER);
}

export function encodeReplayAnswer({ tally, ...rest }: ReplayAnswer): string {
  return encode({ ...rest, tally: tallyJson(tally) });
}

/** A tally as JSON, wherever it is told. */
export function tallyJson({ groups, suspect, ...counts }: ReplayTally): JsonObject {
  return { ...counts, groups: groups.map((group) => ({ ...group })), suspect: [...suspect] };
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSignedOrder(bytes: Uint8Array): { readonly signature: string } {
  return decode(SIGNED_ORDER, bytes, LARGE);
}

export function encodeSignedOrder({ signature }: { readonly signature: string }): string {
  return encode({ signature });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeExplainedGains(bytes: Uint8Array): readonly ExplainedGain[] {
  return decode(EXPLAINED_GAINS, bytes, ANSWER).gains;
}

export function encodeExplainedGains(gains: readonly ExplainedGain[]): string {
  return encode({ gains: gains.map((gain) => ({ ...gain })) });
}
