/** How does each part of this broker stand? One look at all of them: sentences for an operator, figures for a graph. */
import { parseCrl } from "../attestation/endorsement/x509.ts";
import { isFault } from "../base/fault.ts";
import { FAULT_CODES } from "../base/fault-codes.ts";
import { type Instant, instant } from "../base/time.ts";
import { namesToNotify } from "./notified.ts";
import { cursorOf } from "./sink-cursor.ts";
import { isSealed, sealedFault } from "./unseal.ts";
import type { World } from "./world.ts";

export interface Part {
  /** `store`, `root-key`, `ledger`, `clock`, `policy`; `crl …`, `anchor …`, `sink …` with what is meant. */
  readonly part: string;
  readonly state: "ok" | "warning" | "failing";
  /** What is so; for an operator, and for nobody else. */
  readonly said: string;
  /** What to do. */
  readonly next?: string;
  /** Since when, where that is known better than by looking. */
  readonly since?: Instant;
}

export interface Figure {
  readonly name: FigureName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is looked at and not counted. Names as metrics have them, without prefix. */
export const FIGURES = {
  store_up: "Whether the database answers",
  ledger_entries: "Entries of the log",
  ledger_signed_entries: "Entries under the newest signed head",
  ledger_unsigned_seconds: "Age of the oldest entry that no signed head is over",
  anchor_lag_entries: "Entries under the newest signed head that an anchor or witness has not confirmed",
  anchor_lag_seconds:
    "Age of the oldest entry under the newest signed head that an anchor or witness has not confirmed",
  policy_bundle_info: "The live bundle, by its digest",
  policy_activation: "Serial of the activation that is live; 0 for none",
  crl_age_seconds: "Seconds since AMD's revocation list of a product was fetched",
  crl_expiry_seconds: "When AMD's revocation list of a product ends, in Unix seconds",
  certificate_expiry_seconds: "When a certificate of this broker ends, in Unix seconds",
  sink_waiting_entries: "Entries of the log that a sink has not been told of",
  sink_failing: "Whether a sink failed when it was told last",
  processes: "Processes that serve together, as configured",
} as const;

export type FigureName = keyof typeof FIGURES;

export interface Standing {
  readonly parts: readonly Part[];
  readonly figures: readonly Figure[];
}

type Look = (world: World) => Promise<Standing>;

const UNSIGNED_SECONDS = 60;
const ANCHOR_SECONDS = 600;
const CRL_WARNING_SECONDS = 86_400;

/** @param sinks - Names of the cursors of this broker's sinks. */
export async function standingOf(world: World, sinks: readonly string[]): Promise<Standing> {
  const looks: readonly (readonly [string, Look])[] = [
    ["store", lookAtStore],
    ["root-key", lookAtRootKey],
    ["ledger", lookAtLedger],
    ["policy", lookAtPolicy],
    ["crl", lookAtCrls],
    ...sinks.map((name) => [`sink ${name}`, lookAtSink(name)] as const),
  ];
  const found = await Promise.all(looks.map(([part, look]) => looked(part, look, world)));
  return { parts: found.flatMap(({ parts }) => parts), figures: found.flatMap(({ figures }) => figures) };
}

/** What cannot be looked at is what fails. */
async function looked(part: string, look: Look, world: World): Promise<Standing> {
  try {
    return await look(world);
  } catch (thrown) {
    const figures = part === "store" ? [figure("store_up", 0)] : [];
    if (!isFault(thrown))
      return { parts: [{ part, state: "failing", said: "something unexpected happened" }], figures };
    const { code, message } = thrown;
    return {
      parts: [{ part, state: "failing", said: `${code}: ${message}`, next: FAULT_CODES[code].next }],
      figures,
    };
  }
}

async function lookAtStore({ store }: World): Promise<Standing> {
  const size = await store.ledgerSize();
  return {
    parts: [ok("store", "the database answers")],
    figures: [figure("store_up", 1), figure("ledger_entries", size)],
  };
}

async function lookAtRootKey(world: World): Promise<Standing> {
  if (isSealed(world)) throw sealedFault();
  await world.nonceKeys();
  return { parts: [ok("root-key", "it opens what lies under it")], figures: [] };
}

async function lookAtLedger(world: World): Promise<Standing> {
  const { store, anchors = [] } = world;
  const size = await store.ledgerSize();
  const signed = (await store.checkpoint())?.size ?? 0;
  const unsigned = await ageOfEntry(signed, world);
  const isLate = unsigned > UNSIGNED_SECONDS;
  const parts: Part[] = [
    isLate
      ? {
          part: "ledger",
          state: "failing",
          said: `no head is signed over the last ${size - signed} entries`,
          next: "look at the log's lines `checkpoint-failed`",
        }
      : ok("ledger", `${signed} of ${size} entries are under a signed head`),
    await clockOf(size, world),
  ];
  const figures = [figure("ledger_signed_entries", signed), figure("ledger_unsigned_seconds", unsigned)];
  for (const { name, said } of anchors) {
    if (said === undefined) continue;
    const confirmed = sizeIn(await said(world)); // in order: few
    const lag = await ageOfEntry(confirmed, world, signed);
    figures.push(figure("anchor_lag_entries", signed - confirmed, { anchor: name }));
    figures.push(figure("anchor_lag_seconds", lag, { anchor: name }));
    parts.push(anchorPart(name, signed - confirmed, lag));
  }
  return { parts, figures };
}

function anchorPart(name: string, entries: number, seconds: number): Part {
  if (seconds <= ANCHOR_SECONDS) return ok(`anchor ${name}`, "it confirms what is signed");
  return {
    part: `anchor ${name}`,
    state: "warning",
    said: `it has not confirmed the last ${entries} entries`,
    next: FAULT_CODES["witness/unreachable"].next,
  };
}

/** The second line of a note that this broker kept itself. */
function sizeIn(note: string | undefined): number {
  const size = Number(note?.split("\n", 2)[1] ?? 0);
  return Number.isSafeInteger(size) ? size : 0;
}

/** How old an entry is; 0 where there is none before `end`. */
async function ageOfEntry(
  seq: number,
  { store, now }: World,
  end = Number.POSITIVE_INFINITY,
): Promise<number> {
  if (seq >= end) return 0;
  const [entry] = await store.entries(seq, 1);
  return entry === undefined ? 0 : Math.max(0, now() - entry.draft.time);
}

async function clockOf(size: number, { store, now }: World): Promise<Part> {
  const [last] = size === 0 ? [] : await store.entries(size - 1, 1);
  if (last === undefined || last.draft.time <= now()) return ok("clock", "it is not behind the log");
  const said = `it is ${last.draft.time - now()} seconds behind the log's last entry`;
  return { part: "clock", state: "failing", said, next: FAULT_CODES["clock/behind"].next };
}

async function lookAtPolicy(world: World): Promise<Standing> {
  if (isSealed(world)) return { parts: [], figures: [] };
  const bundle = await world.liveBundle();
  if (bundle === undefined) {
    const said = "no policy is live: everything is refused";
    const next = "`ostiary policy propose`, then `ostiary policy activate`";
    return {
      parts: [{ part: "policy", state: "warning", said, next }],
      figures: [figure("policy_activation", 0)],
    };
  }
  const activation = await world.store.liveActivation();
  const figures = [
    figure("policy_bundle_info", 1, { digest: bundle.digest }),
    figure("policy_activation", activation?.serial ?? 0),
  ];
  const unheard = namesToNotify(bundle.program).filter(
    (name) => world.settings.notifies?.includes(name) !== true,
  );
  if (unheard.length === 0)
    return { parts: [ok("policy", `${bundle.digest.slice(0, 16)} is live`)], figures };
  const said = `nobody is told whom the policies name: ${unheard.join(", ").slice(0, 200)}`;
  const { next } = FAULT_CODES["policy/nobody-to-notify"];
  return { parts: [{ part: "policy", state: "failing", said, next }], figures };
}

const PRODUCTS = ["milan", "genoa", "turin"] as const;

/** Those that were ever needed: a product without guests has none. */
async function lookAtCrls({ store, now }: World): Promise<Standing> {
  const [parts, figures]: [Part[], Figure[]] = [[], []];
  for (const kind of ["vcek", "vlek"] as const) {
    for (const product of PRODUCTS) {
      const cached = await store.cachedEndorsement(`crl/${kind}/${product}#0`); // in order: six
      if (cached === undefined) continue;
      const { nextUpdate } = parseCrl(cached.der);
      const labels = { product, kind };
      figures.push(figure("crl_age_seconds", Math.max(0, now() - cached.obtainedAt), labels));
      if (nextUpdate !== undefined) figures.push(figure("crl_expiry_seconds", nextUpdate, labels));
      parts.push(crlPart(`crl ${product} ${kind}`, (nextUpdate ?? now()) - now()));
    }
  }
  return { parts, figures };
}

function crlPart(part: string, left: number): Part {
  if (left > CRL_WARNING_SECONDS) return ok(part, `good for ${Math.floor(left / 86_400)} days`);
  const next = "look at the way to AMD's key server or its mirror ([kds])";
  if (left > 0)
    return { part, state: "warning", said: "it ends within a day, and none was fetched since", next };
  return { part, state: "failing", said: "it has ended: guests that bring none are refused", next };
}

function lookAtSink(name: string): Look {
  return async (world) => {
    const cursor = await cursorOf(name, world);
    if (cursor === undefined) return { parts: [], figures: [] };
    const waiting = Math.max(0, (await world.store.ledgerSize()) - cursor.next);
    const { failing } = cursor;
    const figures = [
      figure("sink_waiting_entries", waiting, { sink: name }),
      figure("sink_failing", failing === undefined ? 0 : 1, { sink: name }),
    ];
    const part = `sink ${name}`;
    if (failing === undefined) return { parts: [ok(part, `${waiting} entries wait`)], figures };
    const said = `${failing.reason}; ${waiting} entries wait in the log`;
    const { next } = FAULT_CODES["sink/unreachable"];
    return { parts: [{ part, state: "warning", said, next, since: instant(failing.since) }], figures };
  };
}

function ok(part: string, said: string): Part {
  return { part, state: "ok", said };
}

function figure(name: FigureName, value: number, labels: Figure["labels"] = {}): Figure {
  return { name, labels, value };
}
