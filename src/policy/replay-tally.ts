/** What came of a replay? So many alike, so many otherwise, one row with an example for each way to be otherwise. */
import type { Difference, Direction, Replayed } from "./replay.ts";

/** Differences that have direction, image, resource and clause in common. */
export interface DifferenceGroup extends Difference {
  /** The first in the order of the replay. */
  readonly example: string;
  readonly count: number;
}

/** Counts of items, but for `decisions` and `tampered`. */
export interface ReplayTally {
  readonly decisions: number;
  /** Decisions that are not what the ledger says: they count for nothing. */
  readonly tampered: number;
  readonly items: number;
  readonly alike: number;
  readonly gained: number;
  readonly lost: number;
  readonly changed: number;
  /** Too little was kept of them to judge them again. */
  readonly unseen: number;
  /** The bundle that decided them says otherwise now: facts that were altered, or a fault of this program. */
  readonly unreproduced: number;
  readonly groups: readonly DifferenceGroup[];
  /** Items in groups beyond {@link MAX_GROUPS}. */
  readonly more: number;
  /** Ids of decisions that are not as they were decided: tampered with, or not reproduced. At most {@link MAX_NAMED}. */
  readonly suspect: readonly string[];
}

export const MAX_GROUPS = 1000;
export const MAX_NAMED = 100;

export const EMPTY_TALLY: ReplayTally = {
  decisions: 0,
  tampered: 0,
  items: 0,
  alike: 0,
  gained: 0,
  lost: 0,
  changed: 0,
  unseen: 0,
  unreproduced: 0,
  groups: [],
  more: 0,
  suspect: [],
};

/** What one decision adds; `undefined` for one that was tampered with. */
export interface ReplayedDecision {
  readonly id: string;
  readonly items: readonly Replayed[] | undefined;
}

/** The tally of some decisions, in their order. */
export function tallyOf(decisions: readonly ReplayedDecision[]): ReplayTally {
  const counting: Counting = { counts: { ...EMPTY_TALLY }, groups: new Map() };
  const suspect: string[] = [];
  for (const { id, items } of decisions) {
    counting.counts.decisions += 1;
    if (items === undefined) counting.counts.tampered += 1;
    if (items === undefined || items.some(({ kind }) => kind === "unreproduced")) suspect.push(id);
    for (const item of items ?? []) countItem(item, id, counting);
  }
  const { counts, groups } = counting;
  return { ...counts, groups: [...groups.values()], suspect: suspect.slice(0, MAX_NAMED) };
}

interface Counting {
  readonly counts: { -readonly [Name in keyof ReplayTally]: ReplayTally[Name] };
  readonly groups: Map<string, DifferenceGroup>;
}

function countItem(item: Replayed, example: string, { counts, groups }: Counting): void {
  counts.items += 1;
  if (item.kind !== "otherwise") {
    counts[item.kind] += 1;
    return;
  }
  counts[item.difference.direction] += 1;
  if (!addTo(groups, { ...item.difference, example, count: 1 })) counts.more += 1;
}

/** Of two parts of one replay, in their order. */
export function joinTallies(first: ReplayTally, second: ReplayTally): ReplayTally {
  const groups = new Map(first.groups.map((group) => [keyOf(group), group]));
  let more = first.more + second.more;
  for (const group of second.groups) if (!addTo(groups, group)) more += group.count;
  return {
    decisions: first.decisions + second.decisions,
    tampered: first.tampered + second.tampered,
    items: first.items + second.items,
    alike: first.alike + second.alike,
    gained: first.gained + second.gained,
    lost: first.lost + second.lost,
    changed: first.changed + second.changed,
    unseen: first.unseen + second.unseen,
    unreproduced: first.unreproduced + second.unreproduced,
    groups: [...groups.values()],
    more,
    suspect: [...first.suspect, ...second.suspect].slice(0, MAX_NAMED),
  };
}

/** False where there is no room for one more. */
function addTo(groups: Map<string, DifferenceGroup>, group: DifferenceGroup): boolean {
  const key = keyOf(group);
  const known = groups.get(key);
  if (known === undefined && groups.size >= MAX_GROUPS) return false;
  groups.set(key, known === undefined ? group : { ...known, count: known.count + group.count });
  return true;
}

function keyOf({ direction, measurement, resource, clause }: Difference): string {
  return JSON.stringify([direction, measurement, resource, clause]);
}

/** Those who gain first: they are what a reader has to explain. */
const ORDER: readonly Direction[] = ["gained", "lost", "changed"];

/** Groups as they are told: by direction, resource, clause and image. */
export function sortedGroups(groups: readonly DifferenceGroup[]): readonly DifferenceGroup[] {
  const place = ({ direction, resource, clause, measurement }: Difference): string =>
    JSON.stringify([ORDER.indexOf(direction), resource, clause, measurement]);
  return groups.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}
