/** What does a broker say of its log now, and what stands in it? Its signed head, opened, and leaves page by page. */
import { Fault } from "../base/fault.ts";
import { type Checkpoint, openCheckpoint, originOf } from "../ledger/checkpoint.ts";
import { verifierKeyOf } from "../ledger/note.ts";
import type { LedgerEdges, LedgerSource } from "./ledger-source.ts";

const ENTRIES_PER_PAGE = 256;

export interface OpenedHead {
  readonly note: string;
  readonly checkpoint: Checkpoint;
  /** The verifier key. */
  readonly key: string;
}

/** @throws {@link Fault} `ledger/inconsistent` for a head that the ledger key did not sign; what asking throws. */
export async function openHead(
  source: LedgerSource,
  { primitives }: Pick<LedgerEdges, "primitives">,
): Promise<OpenedHead> {
  const { spki } = source;
  const origin = originOf(source.audience);
  const note = await source.checkpoint();
  const checkpoint = await openCheckpoint(note, { origin, spki }, primitives);
  return { note, checkpoint, key: verifierKeyOf({ name: origin, spki }, primitives.digest) };
}

/** Leaves in order, in pages of 256. @throws {@link Fault} `ledger/inconsistent` where a page ends the log too early. */
export async function* leafPagesOf(
  source: LedgerSource,
  range: { readonly from: number; readonly to: number },
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  for (let from = range.from; from < range.to; ) {
    const page = await source.ledgerPage(from, Math.min(ENTRIES_PER_PAGE, range.to - from)); // in order: a page names the next
    if (page.entries.length === 0 || page.from !== from) {
      throw new Fault("ledger/inconsistent", `expected entry ${from}, the broker has none`, { entry: from });
    }
    yield page.entries.slice(0, range.to - from);
    from += page.entries.length;
  }
}

/** The same one by one. */
export async function* leavesOf(
  source: LedgerSource,
  range: { readonly from: number; readonly to: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const page of leafPagesOf(source, range)) yield* page;
}
