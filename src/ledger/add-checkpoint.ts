/** What is a witness asked, and what does it say? The body of C2SP tlog-witness' `add-checkpoint`, and the judgement on one. */
import { base64Of, equalBytes, parseBase64 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { emptyFrontier, frontierRoot, HASH_SIZE, verifyConsistency } from "./merkle.ts";
import type { NoteKey } from "./note.ts";

/** A head, and what shows that it continues the one that the witness saw last. */
export interface AddCheckpoint {
  /** The size that the witness is thought to have cosigned last; 0 where it saw none. */
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The signed head. */
  readonly note: string;
}

/** No request of the specification is longer: 63 hashes and a note. */
export const MAX_ADD_CHECKPOINT_BYTES = 65_536;

export function encodeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return `${[`old ${oldSize}`, ...proof.map(base64Of)].join("\n")}\n\n${note}`;
}

const HEAD = /^old (?<size>0|[1-9]\d{0,15})(?<hashes>(?:\n[A-Za-z0-9+/]{43}=){0,63})$/;

/** Reads what {@link encodeAddCheckpoint} writes. @throws {@link Fault} `ledger/malformed`. */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf("\n\n");
  const groups = HEAD.exec(body.slice(0, Math.max(0, end)))?.groups;
  const oldSize = Number(groups?.["size"]);
  const lines = (groups?.["hashes"] ?? "").split("\n").slice(1);
  const proof = lines.map(parseBase64).filter((hash) => hash?.length === HASH_SIZE);
  const hashes = proof.filter((hash) => hash !== undefined);
  if (!Number.isSafeInteger(oldSize) || hashes.length !== lines.length) {
    throw new Fault("ledger/malformed", "expected an old size, hashes, an empty line and a checkpoint");
  }
  return { oldSize, proof: hashes, note: body.slice(end + 2) };
}

/** What a witness remembers of one log. */
export interface WitnessedHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** The specification's answers, in the order in which it looks. `text` is what is cosigned. */
export type WitnessVerdict =
  | { readonly status: 200; readonly checkpoint: Checkpoint; readonly text: string }
  | { readonly status: 400 | 403 | 404 | 422 }
  | { readonly status: 409; readonly size: number };

export interface WitnessKnowledge {
  /** The logs that this witness is for. */
  readonly logs: readonly NoteKey[];
  /** The last head that it cosigned; `undefined` for a log that it saw none of. */
  readonly last: (origin: string) => WitnessedHead | undefined;
}

/** Judges a request, attacker-controlled to its last byte. Never throws for what is in it. */
export async function judgeAddCheckpoint(
  body: string,
  known: WitnessKnowledge,
  primitives: Primitives,
): Promise<WitnessVerdict> {
  try {
    return await verdictOn(parseAddCheckpoint(body), known, primitives);
  } catch (thrown) {
    if (isFault(thrown, "ledger/malformed")) return { status: 400 };
    if (isFault(thrown, "ledger/inconsistent")) return { status: 403 };
    throw thrown;
  }
}

async function verdictOn(
  { oldSize, proof, note }: AddCheckpoint,
  { logs, last }: WitnessKnowledge,
  primitives: Primitives,
): Promise<WitnessVerdict> {
  const [origin = ""] = note.split("\n", 1);
  const log = logs.find(({ name }) => name === origin);
  if (log === undefined) return { status: 404 };
  const checkpoint = await openCheckpoint(note, { origin, spki: log.spki }, primitives);
  if (oldSize > checkpoint.size) return { status: 400 };
  const seen = last(origin);
  if (oldSize !== (seen?.size ?? 0)) return { status: 409, size: seen?.size ?? 0 };
  const isSame = oldSize === checkpoint.size && seen !== undefined;
  if (isSame && !equalBytes(seen.root, checkpoint.root)) return { status: 409, size: oldSize };
  if (!isContinued({ oldSize, proof, seen, checkpoint }, primitives)) return { status: 422 };
  return { status: 200, checkpoint, text: note.slice(0, note.lastIndexOf("\n\n") + 1) };
}

interface Growth extends Pick<AddCheckpoint, "oldSize" | "proof"> {
  readonly seen: WitnessedHead | undefined;
  readonly checkpoint: Checkpoint;
}

/** Every tree continues the empty one, which there is nothing to prove of. */
function isContinued({ oldSize, proof, seen, checkpoint }: Growth, { digest }: Primitives): boolean {
  const { size, root } = checkpoint;
  if (size === 0) return proof.length === 0 && equalBytes(root, frontierRoot(emptyFrontier(), digest));
  if (oldSize === 0 || seen === undefined) return proof.length === 0;
  return verifyConsistency({ oldSize, oldRoot: seen.root, size, root, proof }, digest);
}
