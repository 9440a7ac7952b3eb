/** What may a guest keep that shows its release to be in the log? Its entry, some hashes and a signed head, with the words of witnesses where there are any. */
import { Fault, isFault } from "../base/fault.ts";
import { encodeProofFile } from "../ledger/proof-file.ts";
import { advanceCheckpoint } from "./checkpoints.ts";
import { openOwnHead } from "./heads.ts";
import { proveInclusion } from "./proofs.ts";
import { settle } from "./settle.ts";
import type { World } from "./world.ts";

/** Which decision, and of whose evidence: what a guest knows of its own, and nobody else. */
export interface ReceiptClaim {
  readonly decision: string;
  /** SHA-256 of the report's signed bytes, lower-case hex: the report is over a nonce and a key of this one exchange. */
  readonly evidenceHash: string;
}

/**
 * The receipt of a decision, as a C2SP tlog-proof. It is under a head of this moment: whoever waits a second longer may have one that
 * witnesses have seen.
 *
 * @throws {@link Fault} `request/not-found` where there is no such decision on this evidence; `ledger/filling`, `ledger/inconsistent`.
 */
export async function receiptOf({ decision, evidenceHash }: ReceiptClaim, world: World): Promise<string> {
  const stored = await world.store.decision(decision);
  const entry = stored && settle(stored);
  if (entry?.kind !== "decision" || entry.evidence_hash !== evidenceHash) {
    throw new Fault("request/not-found", "expected the id of a decision and the hash of its evidence");
  }
  await advanceCheckpoint(world);
  const witnessed = await witnessedHead(entry.seq, world);
  const { seq, leaf, proof, checkpoint } = await proveInclusion(entry.seq, witnessed?.size, world);
  return encodeProofFile({ seq, leaf, proof, checkpoint: witnessed?.note ?? checkpoint });
}

/** The newest head over the entry that a witness has cosigned; the lines of all who cosigned that very one. */
async function witnessedHead(seq: number, world: World) {
  const said = await Promise.all((world.anchors ?? []).map((anchor) => anchor.said?.(world)));
  const heads = await Promise.all(
    said.filter((note) => note !== undefined).map((note) => opened(note, world)),
  );
  const over = heads.filter((head) => head !== undefined).filter(({ size }) => size > seq);
  const size = Math.max(...over.map((head) => head.size));
  const [first, ...others] = over.filter((head) => head.size === size);
  if (first === undefined) return undefined;
  const lines = others.filter(({ text }) => text === first.text).map(({ note }) => lastLineOf(note));
  return { size, note: first.note + [...new Set(lines)].join("") };
}

/** What another key signed, or is no note, is nobody's word. */
async function opened(note: string, world: World) {
  try {
    const { size } = await openOwnHead(note, world);
    return { note, size, text: note.slice(0, note.lastIndexOf("\n\n") + 1) };
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}

function lastLineOf(note: string): string {
  return note.slice(note.lastIndexOf("\n", note.length - 2) + 1);
}
