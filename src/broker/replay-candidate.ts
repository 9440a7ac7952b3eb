/** Which bundle does an admin want to see judged against the past? One that was proposed, or an archive that nobody signed yet. */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type Bundle, loadBundle } from "../policy/bundle.ts";
import { tallyOf } from "../policy/replay-tally.ts";
import type { ReplayAnswer, ReplayRequest } from "../wire/replay.ts";
import { openBundle } from "./open-bundle.ts";
import { replayPage } from "./replay.ts";
import type { World } from "./world.ts";

/**
 * Judges one page of decisions by a candidate, beside the live bundle. Nothing of it is kept.
 *
 * @throws {@link Fault} `request/malformed`, `policy/unknown`, `policy/malformed`, `policy/bad-signature`, `ledger/filling`.
 */
export async function replayCandidate(request: ReplayRequest, world: World): Promise<ReplayAnswer> {
  const { digest, tar, ...range } = request;
  const newer = await candidateOf(digest, tar, world);
  const older = await world.liveBundle();
  const { decisions, next } = await replayPage({ newer, older }, range, world);
  return {
    candidate: newer.digest,
    ...(older === undefined ? {} : { live: older.digest }),
    tally: tallyOf(decisions),
    ...(next === undefined ? {} : { next }),
  };
}

async function candidateOf(
  digest: string | undefined,
  tar: Uint8Array | undefined,
  world: World,
): Promise<Bundle> {
  if (digest === undefined && tar !== undefined) return compiled(tar, world);
  if (digest === undefined || tar !== undefined) {
    throw new Fault("request/malformed", "expected either `digest` or `tar`");
  }
  if (last?.digest === digest) return last;
  const stored = await world.store.bundle(digest);
  if (stored === undefined) {
    throw new Fault("policy/unknown", `expected the digest of a known bundle, received \`${digest}\``);
  }
  const { now: roster } = await world.roster();
  const { primitives } = world;
  const { bundle } = await openBundle(stored.tar, stored.signature, { digest, roster, primitives });
  last = bundle;
  return bundle;
}

/** A replay asks for the same candidate page after page: it is compiled once. What it is, its digest says. */
let last: Bundle | undefined;

function compiled(tar: Uint8Array, { primitives: { digest } }: World): Bundle {
  if (last === undefined || last.digest !== hexOf(digest("sha256", tar))) last = loadBundle(tar, digest);
  return last;
}
