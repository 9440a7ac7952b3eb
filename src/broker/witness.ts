/** Has a witness seen more of this log than the database holds? C2SP tlog-witness: it is told each head, and cosigns what continues the last. */
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { encodeAddCheckpoint } from "../ledger/add-checkpoint.ts";
import { openCosignature } from "../ledger/cosignature.ts";
import { emptyFrontier } from "../ledger/merkle.ts";
import type { NoteKey } from "../ledger/note.ts";
import { signedHead } from "./checkpoints.ts";
import { createCosignedReader, keepCosignedHead, newestCosigned } from "./cosigned-heads.ts";
import { keptHead, openOwnHead } from "./heads.ts";
import { isPaused, longer, type Pause } from "./pause.ts";
import { proveConsistency } from "./proofs.ts";
import type { Anchor, World } from "./world.ts";

/** Sends a body to `add-checkpoint`. @throws {@link Fault} `witness/unreachable`. */
export type AskWitness = (body: string) => Promise<{ readonly status: number; readonly body: string }>;

export interface WitnessPlan {
  /** How an operator knows it: its URL. */
  readonly url: string;
  readonly key: NoteKey;
  /** Whether a broker that cannot ask it is to start. */
  readonly isRequired: boolean;
  readonly ask: AskWitness;
}

/** How far the clocks of broker and witness may be apart. */
const MAX_SKEW_SECONDS = 300;
/** Each answer names another size only while other brokers of this log are asking too. */
const MAX_ROUNDS = 5;

/** Makes the anchor. It has one request under way at most, and after a failure it waits, longer each time. */
export function createWitness(plan: WitnessPlan): Anchor {
  let known: Known = { size: undefined, note: undefined };
  let pause: Pause | undefined;
  let isBusy = false;
  const ask = async (note: string, world: World): Promise<void> => {
    isBusy = true;
    try {
      known = await cosigned(note, known.size, { plan, world });
      pause = undefined;
    } catch (thrown) {
      pause = longer(pause, world.now());
      if (plan.isRequired || !isFault(thrown, "witness/unreachable")) throw thrown;
      world.log("error", "witness-not-asked", { witness: plan.url });
    } finally {
      isBusy = false;
    }
  };
  return {
    name: `witness ${plan.url}`,
    check: async (world) =>
      ask((await keptHead(world))?.note ?? (await signedHead(emptyFrontier(), world)), world),
    keep: async (note, world) => {
      if (isBusy || note === known.note || isPaused(pause, world.now())) return;
      await ask(note, world);
    },
    said: (world) => newestCosigned(plan.key, world.store),
    cosigned: createCosignedReader(plan.key),
  };
}

/** What the witness has cosigned last, as far as this broker knows. */
interface Known {
  readonly size: number | undefined;
  readonly note: string | undefined;
}

interface Asking {
  readonly plan: WitnessPlan;
  readonly world: World;
}

/** Asks until the witness has cosigned a head; keeps what it said. @throws {@link Fault} `ledger/rolled-back`, `witness/…`. */
async function cosigned(first: string, knownSize: number | undefined, asking: Asking): Promise<Known> {
  let note = first;
  let from = knownSize;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { size } = await openOwnHead(note, asking.world);
    const oldSize = Math.min(from ?? size, size);
    const answer = await asking.plan.ask(await requestOf(note, { oldSize, size }, asking.world)); // in order: each answer says what to ask next
    if (answer.status === 200) return keepCosigned(note, answer.body, { ...asking, size });
    from = sizeAfter(answer, { oldSize, size }, asking.plan);
    if (from > size) note = await newerHead(from, size, asking);
  }
  throw new Fault("witness/unreachable", "the witness names another size each time it is asked", {
    witness: asking.plan.url,
  });
}

async function requestOf(note: string, { oldSize, size }: Sizes, world: World): Promise<string> {
  const isProven = oldSize > 0 && oldSize < size;
  const proof = isProven ? (await proveConsistency(oldSize, size, world)).proof : [];
  return encodeAddCheckpoint({ oldSize, proof, note });
}

/** Of the head that the witness saw last, as far as is known, and of the one that it is told. */
interface Sizes {
  readonly oldSize: number;
  readonly size: number;
}

/** From which size the witness would be asked again. @throws {@link Fault} for a no. */
function sizeAfter(
  { status, body }: { readonly status: number; readonly body: string },
  asked: Sizes,
  { url }: WitnessPlan,
): number {
  const detail = { witness: url, status };
  if (status === 429 || status >= 500) {
    throw new Fault("witness/unreachable", "the witness cannot answer now", detail);
  }
  if (status === 422 || (status === 409 && sizeIn(body) === asked.size && asked.oldSize === asked.size)) {
    const sentence = "the log has other entries than those that the witness has seen";
    throw new Fault("ledger/rolled-back", sentence, { witness: url, size: asked.oldSize });
  }
  const size = status === 409 ? sizeIn(body) : undefined;
  if (size === undefined || size === asked.oldSize) {
    throw new Fault("witness/refused", `the witness takes no head of this log (${status})`, detail);
  }
  return size;
}

function sizeIn(body: string): number | undefined {
  return /^(?:0|[1-9]\d{0,14})\n$/.test(body) ? Number(body) : undefined;
}

/** Another broker of this log may have been quicker; the database has its head then. */
async function newerHead(expected: number, received: number, { plan, world }: Asking): Promise<string> {
  const kept = await keptHead(world);
  if (kept !== undefined && kept.checkpoint.size >= expected) return kept.note;
  throw new Fault("ledger/rolled-back", "the database is older than what the witness has seen of this log", {
    witness: plan.url,
    expected,
    received,
  });
}

async function keepCosigned(
  note: string,
  lines: string,
  { plan, world, size }: Asking & { readonly size: number },
): Promise<Known> {
  const cosignedNote = note + lines;
  await verifiedBy(plan, cosignedNote, world);
  await keepCosignedHead(cosignedNote, plan.key, world.store);
  return { size, note };
}

/** By its own key and of now: an old head has an old cosignature, which whoever stands between could answer again. */
async function verifiedBy({ key, url }: WitnessPlan, note: string, world: World): Promise<void> {
  let at: Instant;
  try {
    at = await openCosignature(note, key, world.primitives);
  } catch (thrown) {
    const sentence = "expected a cosignature by the configured key";
    throw new Fault("witness/refused", sentence, { witness: url }, thrown);
  }
  const seconds = at - world.now();
  if (Math.abs(seconds) <= MAX_SKEW_SECONDS) return;
  const sentence = "expected a cosignature of this moment; look at the clocks of broker and witness";
  throw new Fault("witness/refused", sentence, { witness: url, seconds });
}
