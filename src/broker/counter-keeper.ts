/** How does a counter that only goes up vouch for a head of the log? The database says, signed, which head goes with which number. */
import { base64UrlOf, parseBase64Url, parseUtf8, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { originOf } from "../ledger/checkpoint.ts";
import { openNote, signNote } from "../ledger/note.ts";
import type { Store } from "./store.ts";
import type { HeadKeeper } from "./world.ts";

/** A counter in hardware. Nobody sets it back; one that is removed and made anew begins above every number that it had. */
export interface Counter {
  /** `undefined` where there is none, 0 where it never counted. @throws {@link Fault} where it cannot be asked. */
  readonly read: () => Promise<bigint | undefined>;
  /** Makes one that never counted, in the place of none or of such a one, and answers what it will count to first. */
  readonly create: () => Promise<bigint>;
  /** Counts, and answers the new number. */
  readonly increment: () => Promise<bigint>;
  /** Where there is none, nothing happens. */
  readonly remove: () => Promise<void>;
}

export interface CounterParts {
  readonly counter: Counter;
  /** Tells the counters of several brokers of one database apart. */
  readonly name: string;
  readonly store: Pick<Store, "meta" | "putMeta">;
  readonly ledgerSigner: Signer;
  readonly audience: string;
  readonly primitives: Primitives;
  /** Since any moment, of a clock that nobody sets. */
  readonly milliseconds: () => number;
  /** How long a new head waits: hardware counts some hundred thousand times in its life. */
  readonly everyMinutes: number;
}

/** A number, and the head that was newest when the counter was about to reach it. */
interface Intent {
  readonly count: bigint;
  readonly note: string;
}

/**
 * INVARIANT: the database names number n+1 with its head before the counter goes from n to n+1. So a database that names n is the newest while
 * the counter stands at n, or at n-1 where the broker stopped between the two; the next start counts up to n first. A crash at any moment
 * leaves one of the two, so nobody is locked out. A counter above n has seen a later database. What an older one can still hide is what was
 * written since its number was counted: the time between two counts, and one more after a crash. The signature is there for whoever writes a
 * later number into an older database: with that number goes a head that the older one cannot have.
 */
export function createCounterKeeper(
  parts: CounterParts,
): HeadKeeper & { readonly letGo: () => Promise<void> } {
  const { counter, name, store } = parts;
  const place = `anchor:${name}`;
  let own: { readonly record: string; readonly note: string; readonly at: number } | undefined;
  return {
    read: async () => {
      const now = await counter.read(); // first: what another process of this broker counts meanwhile, the record names
      return judged(now, await intentIn(await store.meta(place), parts), name);
    },
    keep: async (note) => {
      const now = parts.milliseconds();
      if (own !== undefined && (own.note === note || now - own.at < parts.everyMinutes * 60_000)) return;
      const before = own?.record ?? (await store.meta(place));
      const count = (await settled(await intentIn(before, parts), counter)) + 1n;
      const record = await recordOf({ count, note }, parts);
      if (!(await store.putMeta(place, before, record))) throw shared(name);
      if ((await counter.increment()) !== count) throw shared(name);
      own = { record, note, at: now };
    },
    letGo: async () => {
      await counter.remove();
      await store.putMeta(place, await store.meta(place), "");
    },
  };
}

/** The head that the counter vouches for. */
function judged(now: bigint | undefined, intent: Intent | undefined, name: string): string | undefined {
  if (intent === undefined) {
    if (now === undefined || now === 0n) return undefined;
    throw new Fault(
      "ledger/rolled-back",
      `\`${name}\` stands at ${now}, and this database knows of no counter: it is older. Where it is new, remove the counter (tpm2_nvundefine)`,
    );
  }
  const { count, note } = intent;
  if (now === count || now === count - 1n || now === 0n) return note; // the last where the very first start stopped
  if (now !== undefined && now > count) {
    throw new Fault("ledger/rolled-back", `the database is older than \`${name}\`, which went on counting`, {
      expected: String(now),
      received: String(count),
    });
  }
  const where = now === undefined ? "is not there" : `stands at ${now}`;
  throw new Fault(
    "tpm/unavailable",
    `\`${name}\` was at ${count} and ${where}: it is another TPM's, or another broker's: each takes an index of its own`,
  );
}

/** Where the counter stands once what was begun is ended. */
async function settled(intent: Intent | undefined, counter: Counter): Promise<bigint> {
  const now = await counter.read();
  if (now === undefined || (now === 0n && intent === undefined)) return (await counter.create()) - 1n;
  return now === 0n || intent?.count === now + 1n ? counter.increment() : now;
}

// ── what the database keeps ─────────────────────────────────────────────────────────────────────────────────────────

const FORMAT = "ostiary/counter-anchor/v1";
const TEXT = /^ostiary\/counter-anchor\/v1\n(?<count>[1-9]\d{0,19})\n(?<note>[\w-]+)\n$/;

/** A signed note of the number and the head, under the log's key and a name that no head is signed under. */
function recordOf({ count, note }: Intent, parts: CounterParts): Promise<string> {
  const by = { signer: parts.ledgerSigner, digest: parts.primitives.digest };
  return signNote(`${FORMAT}\n${count}\n${base64UrlOf(utf8(note))}\n`, signerNameOf(parts), by);
}

/** @throws {@link Fault} `ledger/inconsistent`, `ledger/malformed` for one that this broker did not sign. */
async function intentIn(record: string | undefined, parts: CounterParts): Promise<Intent | undefined> {
  if (record === undefined || record === "") return undefined;
  const key = { name: signerNameOf(parts), spki: parts.ledgerSigner.spki };
  const groups = TEXT.exec(await openNote(record, key, parts.primitives))?.groups;
  const note = parseUtf8(parseBase64Url(groups?.["note"] ?? "") ?? new Uint8Array(0));
  if (groups !== undefined && note !== undefined) return { count: BigInt(groups["count"] ?? ""), note };
  throw new Fault("ledger/malformed", "expected a number and a head beside it");
}

/** INVARIANT: the name of the counter is signed along, so that no record is put in another's place. */
function signerNameOf({ audience, name }: CounterParts): string {
  return `${originOf(audience)}/${name}`;
}

function shared(name: string): Fault {
  return new Fault(
    "config/invalid",
    `somebody else counts with \`${name}\`: give each broker an index of its own`,
  );
}
