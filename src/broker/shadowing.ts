/** What would the bundle in shadow have said? Asked after the decision, of a copy of what it saw; whatever goes wrong, the decision stands. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonValue } from "../base/canonical-json.ts";
import { isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { type AppraisalOutcome, outcomeOver } from "../policy/appraise.ts";
import { differenceOf } from "../policy/replay.ts";
import { adminEntry } from "./secrets.ts";
import { type ActiveShadow, isPast, openShadow } from "./shadow.ts";
import { chained, DIFFERENCES_ACT, type NewDifference, rowsText } from "./shadow-chain.ts";
import type { SeenDecision, Shadow, World } from "./world.ts";

export interface ShadowingParts
  extends Pick<
    World,
    "store" | "primitives" | "settings" | "roster" | "meter" | "log" | "now" | "turn" | "chipIds"
  > {
  /** Begins work that nobody waits for. */
  readonly later: (work: () => Promise<void>) => void;
  readonly memory?: ShadowMemory;
}

/** What is known of the order, for a second: guests ask more often than admins change their minds. */
export interface ShadowMemory {
  lookedAt?: Instant;
  active?: ActiveShadow | undefined;
  signature?: string | undefined;
  /** Rows that were kept in the present second, and whether more were not. */
  keptAt?: Instant;
  kept?: number;
}

/** What waits for its turn. More than that is counted and passed over. */
const MAX_WAITING = 1024;
const DECISIONS_PER_TURN = 8;
const ROWS_PER_BATCH = 32;
const ROWS_PER_SECOND = 64;
const ROWS_PER_ORDER = 10_000;
const TRIES = 3;
const BROKER = { kid: "broker" };

/** Makes the function that shows decisions to the shadow. It holds at most {@link MAX_WAITING} of them. */
export function createShadowing(parts: ShadowingParts): Shadow {
  const { memory = {}, meter, later } = parts;
  const waiting: SeenDecision[] = [];
  let isBusy = false;
  const showAll = async (): Promise<void> => {
    try {
      await drain(waiting, memory, parts);
    } catch (thrown) {
      waiting.length = 0;
      meter.count("shadow", { result: "failed" });
      parts.log("warn", "shadow-failed", { code: isFault(thrown) ? thrown.code : "internal/invariant" });
    } finally {
      isBusy = false;
    }
  };
  return (decision) => {
    if (memory.lookedAt === decision.at && memory.active === undefined) return;
    if (waiting.length >= MAX_WAITING) {
      meter.count("shadow", { result: "dropped" });
      return;
    }
    waiting.push(decision);
    if (isBusy) return;
    isBusy = true;
    begin(later, showAll, () => {
      isBusy = false;
    });
  };
}

/** A platform that takes no more work says so by throwing: that is no decision's business. */
function begin(later: ShadowingParts["later"], work: () => Promise<void>, undo: () => void): void {
  try {
    later(work);
  } catch {
    undo();
  }
}

async function drain(waiting: SeenDecision[], memory: ShadowMemory, parts: ShadowingParts): Promise<void> {
  const found: NewDifference[] = [];
  while (waiting.length > 0) {
    await parts.turn?.(); // one group after the other: guests go first
    const group = waiting.splice(0, DECISIONS_PER_TURN);
    const active = await activeAt(parts.now(), memory, parts);
    if (active === undefined) continue;
    found.push(...group.flatMap((decision) => differencesOf(decision, active, parts)));
    while (found.length >= ROWS_PER_BATCH || (found.length > 0 && waiting.length === 0)) {
      await keep(found.splice(0, ROWS_PER_BATCH), memory, parts);
    }
  }
}

/** Read again once a second; opened again when the order is another. */
async function activeAt(
  now: Instant,
  memory: ShadowMemory,
  parts: ShadowingParts,
): Promise<ActiveShadow | undefined> {
  if (memory.lookedAt !== now) {
    memory.lookedAt = now;
    const order = await parts.store.shadowOrder();
    if (order?.signature !== memory.signature) {
      memory.active = undefined;
      memory.signature = undefined;
      if (order !== undefined) memory.active = await openShadow(order, parts);
      memory.signature = order?.signature;
    }
  }
  return memory.active === undefined || isPast(memory.active, now) ? undefined : memory.active;
}

function differencesOf(
  { id, at, live, appraisals }: SeenDecision,
  { order, bundle }: ActiveShadow,
  { meter, primitives, chipIds }: ShadowingParts,
): readonly NewDifference[] {
  if (live?.digest === bundle.digest) return [];
  const hide = chipIds?.hide ?? ((text: string) => text);
  return appraisals.flatMap((before, item) => {
    const { facts, terms } = before;
    if (facts === undefined || terms === undefined) return [];
    const after = outcomeOver({ facts, terms }, bundle);
    const found = differenceOf(before, after) ?? otherCode(before, after);
    meter.count("shadow", { result: found?.direction ?? "alike" });
    if (found === undefined) return [];
    const hashOf = (trace: JsonValue): string =>
      hexOf(primitives.digest("sha256", utf8(hide(canonicalJson(trace)))));
    return {
      order,
      decision: id,
      item,
      at,
      resource: String(facts.get("request.resource")),
      liveCode: before.code ?? "",
      shadowCode: after.code ?? "",
      ...found,
      clause: uncut(hide(found.clause), chipIds),
      reason: uncut(hide(found.reason), chipIds),
      liveTrace: hashOf(before.trace),
      shadowTrace: hashOf(after.trace),
    };
  });
}

/** Where a text was cut in the middle of an id, the beginning of that would still say which one. */
function uncut(text: string, chipIds: ShadowingParts["chipIds"]): string {
  return chipIds === undefined ? text : text.replace(/[0-9a-f]{16,}…$/i, "…");
}

/** Both refuse, for reasons of another kind. */
function otherCode({ code: was }: AppraisalOutcome, { code }: AppraisalOutcome) {
  if (was === code) return undefined;
  return { direction: "code", clause: code ?? "", reason: was ?? "" };
}

/** Keeps rows where there is room; whoever lost a race tries again behind the winner. */
async function keep(
  rows: readonly NewDifference[],
  memory: ShadowMemory,
  parts: ShadowingParts,
): Promise<void> {
  const { store, primitives, meter, now } = parts;
  const some = rows.slice(0, await roomFor(rows, memory, parts));
  for (let i = some.length; i < rows.length; i += 1) meter.count("shadow", { result: "unkept" });
  for (let tried = 0; some.length > 0 && tried < TRIES; tried += 1) {
    const chain = chained(some, await store.shadowTail(), primitives.digest); // in order: behind whoever was first
    const [first, last] = [chain[0]?.seq ?? 0, chain.at(-1)];
    const subject = rowsText(first, last?.seq ?? 0);
    const entry = adminEntry({ act: DIFFERENCES_ACT, subject, digest: last?.hash ?? "" }, BROKER, { now });
    if (await store.keepShadowDifferences(chain, entry)) return;
  }
  for (const _ of some) meter.count("shadow", { result: "unkept" });
}

async function roomFor(
  [first]: readonly NewDifference[],
  memory: ShadowMemory,
  { store, now }: ShadowingParts,
): Promise<number> {
  const second = now();
  if (memory.keptAt !== second) {
    memory.keptAt = second;
    memory.kept = 0;
  }
  const inSecond = ROWS_PER_SECOND - (memory.kept ?? 0);
  const ofOrder = ROWS_PER_ORDER - (await store.countShadowDifferences(first?.order ?? 0));
  const room = Math.max(0, Math.min(ROWS_PER_BATCH, inSecond, ofOrder));
  memory.kept = (memory.kept ?? 0) + room;
  return room;
}
