/** Has somebody shown that this log is not the only one under its key? Then it stands in the database, with what shows it, and no broker is ready. */

import { utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { hasShape, integer, list, oneOf, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { World } from "./world.ts";

/** What was found, as a third party can check it with the log's key. */
export type ForkMark = {
  readonly v: 1;
  /** `fork`: two entries of one position; `cut`: a head over more entries than there are. */
  readonly kind: "fork" | "cut";
  /** Who showed it. */
  readonly peer: string;
  /** Unix seconds. */
  readonly at: number;
  /** The first position that is another, or is not there. */
  readonly entry: number;
  /** Of a fork two C2SP tlog-proofs of that position, ours first; of a cut the two signed heads. */
  readonly evidence: readonly string[];
};

const NAME = "ledger-forked";
const MAX_BYTES = 1 << 20;
const MARK: Shape<ForkMark> = {
  v: oneOf(1),
  kind: oneOf("fork", "cut"),
  peer: text(/^.{1,512}$/u),
  at: integer(0, Number.MAX_SAFE_INTEGER),
  entry: integer(0, Number.MAX_SAFE_INTEGER),
  evidence: list(text(/^.{1,262144}$/su), 2, 2),
};

/** The first finding stays: a later one tells no more. */
export async function markForked(
  mark: ForkMark,
  { store, log }: Pick<World, "store" | "log">,
): Promise<void> {
  await store.putMeta(NAME, undefined, canonicalJson(mark));
  const { kind, peer, entry } = mark;
  log("error", "ledger-forked", { kind, peer, entry });
}

export async function forkMark({ store }: Pick<World, "store">): Promise<ForkMark | undefined> {
  const kept = await store.meta(NAME);
  if (kept === undefined) return undefined;
  const value = parseStrictJson(utf8(kept), { maxBytes: MAX_BYTES, maxDepth: 4, code: "ledger/malformed" });
  if (isMark(value)) return value;
  throw new Fault("ledger/malformed", "the mark of a fork in the database is none");
}

function isMark(value: JsonValue): value is ForkMark {
  return hasShape(value, MARK);
}

/** @throws {@link Fault} `ledger/forked`, with the entry. */
export async function refuseForked(world: Pick<World, "store">): Promise<void> {
  const mark = await forkMark(world);
  if (mark === undefined) return;
  const { kind, peer, entry } = mark;
  const sentence =
    kind === "fork"
      ? `${peer} has a log under this log's key whose entry ${entry} is another; /v1/ledger/fork has both`
      : `${peer} has a head of this log with entries from ${entry} on that are not in the database; /v1/ledger/fork has it`;
  throw new Fault("ledger/forked", sentence, { kind, peer, entry });
}
