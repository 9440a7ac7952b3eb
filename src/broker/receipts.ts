/** What may a guest keep that shows its release to be in the log? Its entry, some hashes and a signed head, with the words of witnesses. */
import { Fault, isFault } from "../base/fault.ts";
import { encodeProofFile } from "../ledger/proof-file.ts";
import { advanceCheckpoint } from "./checkpoints.ts";
import { openOwnHead } from "./heads.ts";
import { proveInclusion } from "./proofs.ts";
import { settle } from "./settle.ts";
import type { ReceiptWait, World } from "./world.ts";

/** Which decision, and of whose evidence: what a guest knows of its own, and nobody else. */
export interface ReceiptClaim {
  readonly decision: string;
  /** SHA-256 of the report's signed bytes, lower-case hex: the report is over a nonce and a key of this one exchange. */
  readonly evidenceHash: string;
}

export interface Receipt {
  /** A C2SP tlog-proof. */
  readonly text: string;
  /** How many witnesses have cosigned its head, and how many were waited for. */
  readonly witnesses: number;
  readonly wanted: number;
}

/** How often is looked whether a witness has answered. */
const STEP_MS = 100;
/** So many requests may wait at once; whoever comes then has what is there. */
const MAX_WAITING = 256;

/**
 * The receipt of a decision, under a head that as many witnesses have cosigned as are waited for; where the wait ended first, under the
 * one that most have cosigned, or the newest of the log's own. Whoever asks later may have more.
 *
 * @throws {@link Fault} `request/not-found` where there is no such decision on this evidence; `ledger/filling`, `ledger/inconsistent`.
 */
export async function receiptOf({ decision, evidenceHash }: ReceiptClaim, world: World): Promise<Receipt> {
  const stored = await world.store.decision(decision);
  const entry = stored && settle(stored);
  if (entry?.kind !== "decision" || entry.evidence_hash !== evidenceHash) {
    throw new Fault("request/not-found", "expected the id of a decision and the hash of its evidence");
  }
  await advanceCheckpoint(world);
  const head = await awaitedHead(entry.seq, world);
  const { seq, leaf, proof, checkpoint } = await proveInclusion(entry.seq, head?.size, world);
  const text = encodeProofFile({ seq, leaf, proof, checkpoint: head?.note ?? checkpoint });
  return { text, witnesses: head?.witnesses ?? 0, wanted: world.receiptWait?.witnesses ?? 0 };
}

/** A head with all the words under it. */
interface WitnessedHead {
  readonly size: number;
  readonly note: string;
  readonly witnesses: number;
}

/** INVARIANT: nobody waits longer than is configured, whatever witnesses do; only a request for a receipt waits, never a release. */
async function awaitedHead(seq: number, world: World): Promise<WitnessedHead | undefined> {
  const { receiptWait: wait } = world;
  if (wait === undefined || wait.waiting.count >= MAX_WAITING) return witnessedHead(seq, world);
  wait.waiting.count += 1;
  try {
    return await headWithin(wait, seq, world);
  } finally {
    wait.waiting.count -= 1;
  }
}

async function headWithin(wait: ReceiptWait, seq: number, world: World): Promise<WitnessedHead | undefined> {
  const end = wait.milliseconds() + wait.mostMs;
  for (;;) {
    const head = await witnessedHead(seq, world); // in order: one look after the other
    const left = end - wait.milliseconds();
    if ((head?.witnesses ?? 0) >= wait.witnesses || left <= 0) return head;
    await wait.sleep(Math.min(STEP_MS, left));
  }
}

/** Of the heads over the entry the one that most have cosigned, the newest of several. */
async function witnessedHead(seq: number, world: World): Promise<WitnessedHead | undefined> {
  const said = await Promise.all((world.anchors ?? []).map((anchor) => anchor.cosigned?.(world) ?? []));
  const heads = new Map<string, WitnessedHead>();
  // INVARIANT: a note has one line of one witness, and each witness has its own key: no word counts twice.
  for (const note of said.flatMap((notes) => [...new Set(notes)])) {
    const [text, line] = partsOf(note);
    const known = heads.get(text);
    if (known !== undefined) heads.set(text, withLine(known, line));
    else {
      const size = await sizeOf(note, world); // in order: few, most of them the same
      if (size !== undefined && size > seq) heads.set(text, { size, note, witnesses: 1 });
    }
  }
  return [...heads.values()].reduce<WitnessedHead | undefined>(
    (best, head) => (best === undefined || isBetter(head, best) ? head : best),
    undefined,
  );
}

function isBetter(head: WitnessedHead, than: WitnessedHead): boolean {
  return head.witnesses > than.witnesses || (head.witnesses === than.witnesses && head.size > than.size);
}

function withLine({ size, note, witnesses }: WitnessedHead, line: string): WitnessedHead {
  return note.includes(line)
    ? { size, note, witnesses }
    : { size, note: note + line, witnesses: witnesses + 1 };
}

/** What another key signed, or is no note, is nobody's word. */
async function sizeOf(note: string, world: World): Promise<number | undefined> {
  try {
    return (await openOwnHead(note, world)).size;
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}

/** What was signed, and the last line under it: that of the witness. */
function partsOf(note: string): readonly [text: string, line: string] {
  const line = note.slice(note.lastIndexOf("\n", note.length - 2) + 1);
  return [note.slice(0, note.lastIndexOf("\n\n") + 1), line];
}
