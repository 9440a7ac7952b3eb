/** Does a receipt show that this very release is in the log? Asked for on the way of the release, and looked at before it is kept. */
import { type CarriedEvidence, parseEvidence } from "../attestation/evidence.ts";
import { hexOf, parseUtf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { originOf } from "../ledger/checkpoint.ts";
import type { DecisionEntry } from "../ledger/entry.ts";
import { verifyProofFile } from "../ledger/proof-file.ts";
import { decodeBrokerDescription } from "../wire/well-known.ts";
import { readAnswer } from "./bounded-fetch.ts";
import type { Fetched, Released, Session } from "./session.ts";

export interface ReceiptPlan {
  readonly audience: string;
  /** The log's key; what the broker says of itself where it is absent, which shows that the receipt agrees with that. */
  readonly ledgerKey?: Uint8Array;
}

export interface ReceiptParts {
  readonly primitives: Primitives;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const TRIES = 5;
const PAUSE_MS = 1000;

/**
 * Gets the receipt of a release; a broker that has not made it yet is asked again, some seconds long.
 *
 * @throws {@link Fault} `ledger/inconsistent` for one that is not of this release, or not under the key's head; the broker's no.
 */
export async function fetchReceipt(
  fetched: Released,
  session: Pick<Session, "fetch">,
  plan: ReceiptPlan,
  parts: ReceiptParts,
): Promise<string> {
  const evidenceHash = evidenceHashOf(fetched.evidence, parts.primitives);
  const text = await asked(
    `/v1/ledger/receipt?decision=${fetched.decision}&evidence=${evidenceHash}`,
    session,
    parts,
  );
  const key = { name: originOf(plan.audience), spki: plan.ledgerKey ?? (await claimedKey(session)) };
  const { entry } = await verifyProofFile(text, key, parts.primitives);
  if (entry.kind === "decision" && isOf(entry, fetched, evidenceHash)) return text;
  throw new Fault("ledger/inconsistent", "expected the receipt of this release, received another's", {
    decision: fetched.decision,
  });
}

function evidenceHashOf(evidence: CarriedEvidence, { digest }: Primitives): string {
  return hexOf(digest("sha256", parseEvidence(evidence).signedBytes));
}

async function asked(
  path: string,
  { fetch }: Pick<Session, "fetch">,
  { sleep }: ReceiptParts,
): Promise<string> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return parseUtf8(await readAnswer(await fetch(path))) ?? "";
    } catch (thrown) {
      const isLater = isFault(thrown, "broker/unreachable") || isFault(thrown, "request/rate-limited");
      if (!isLater || left <= 1) throw thrown;
      await sleep(PAUSE_MS); // in order: until it is there
    }
  }
}

async function claimedKey({ fetch }: Pick<Session, "fetch">): Promise<Uint8Array> {
  const bytes = await readAnswer(await fetch("/.well-known/ostiary"));
  return decodeBrokerDescription(bytes).ledgerKey.spki;
}

/** What came is what was written down: every secret under its path and version, on this evidence. */
function isOf(entry: DecisionEntry, { decision, secrets }: Fetched, evidenceHash: string): boolean {
  const allowed = entry.items.filter(({ outcome }) => outcome === "allow");
  return (
    entry.id === decision &&
    entry.outcome === "allow" &&
    entry.evidence_hash === evidenceHash &&
    secrets.every(({ secretId, version }) =>
      allowed.some((item) => item.resource === secretId && item.version === version),
    )
  );
}
