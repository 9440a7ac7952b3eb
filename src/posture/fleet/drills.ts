/** What do drills plant among guests? Guests that never came, which the rules of real ones judge, until the drill ends. */
import type { Instant } from "../../base/time.ts";
import type { Drill } from "../../broker/credential-store.ts";
import type { Look } from "../../broker/finding-scan.ts";
import type { Bulletin } from "../../policy/advisory.ts";
import type { Sighting } from "../../wire/finding-messages.ts";
import type { Guest } from "../../wire/fleet-messages.ts";
import { judgeGroup } from "./debt.ts";
import { RULES, sightingOf } from "./judge.ts";
import type { Judged } from "./rule.ts";

interface Planting {
  readonly at: Instant;
  readonly owner: string;
}

/** Adds what is planted to what was looked at; where a class was not looked at, nothing else of it is said. */
export function withPlanted(
  looks: readonly Look[],
  drills: readonly Drill[],
  planting: Planting,
): readonly Look[] {
  const planted = drills.flatMap((drill) => plantedBy(drill, planting));
  const added = (name: string): readonly Sighting[] => planted.filter((one) => one.class === name);
  const known = new Set(looks.map((look) => look.class));
  const missing = [...new Set(planted.map((one) => one.class))].filter((name) => !known.has(name));
  return [
    ...looks.map((look) => ({ ...look, seen: [...look.seen, ...added(look.class)] })),
    ...missing.map((name) => ({ class: name, seen: added(name), passed: [], blind: [], isWhole: false })),
  ];
}

/** A kind of a later version, or of another scan, is nothing here. */
function plantedBy(drill: Drill, planting: Planting): readonly Sighting[] {
  if (drill.kind === "tcb-drift") return plantedDebt(drill, planting);
  return drill.kind === "measurement-drift" ? plantedDrift(drill, planting) : [];
}

const NOBODY = "00".repeat(32);
const LEVELS = { bootloader: 0, tee: 0, snp: 0, microcode: 0 };

/** No bulletin of AMD's has this number. */
const PLANTED_BULLETIN: Bulletin = {
  id: "AMD-SB-0000",
  title: "planted by a drill",
  cves: [],
  floors: [{ line: "milan", component: "snp", least: 1, sure: "derived", source: "a drill" }],
  beyond: [],
};

function guestOf({ id, plantedAt }: Drill) {
  return {
    id: NOBODY,
    place: NOBODY.slice(0, 32),
    cameFor: `drill/${id}`,
    firstAt: plantedAt,
    lastAt: plantedAt,
    tcbAt: plantedAt,
    decisions: 1,
    longestGapSeconds: 0,
    decision: id,
    outcome: "deny",
    measurement: "00".repeat(48),
    vmpl: 0,
    product: "milan",
    silicon: "milan",
    tcb: LEVELS,
    settings: {},
    weakened: {},
  } as const satisfies Guest;
}

function plantedDebt(drill: Drill, { owner }: Planting): readonly Sighting[] {
  const judging = { bulletin: PLANTED_BULLETIN, owner, drill };
  const { seen } = judgeGroup(`drill/${drill.id}`, [guestOf(drill)], judging);
  return seen === undefined ? [] : [seen];
}

function plantedDrift(drill: Drill, { at, owner }: Planting): readonly Sighting[] {
  const drift = { at: drill.plantedAt, before: NOBODY, measurement: "11".repeat(48) };
  const guest: Guest = { ...guestOf(drill), drift };
  const judged: Judged = {
    ...{ guest, newest: guest, isReplaced: false, at },
    image: { state: "unlisted" },
    live: undefined,
    sayBy: undefined,
  };
  return RULES.filter((rule) => rule.class === "image-drift").flatMap((rule) => {
    const fault = rule.judge(judged);
    if (fault === undefined) return [];
    return [{ ...sightingOf(rule, judged, fault), owner, subject: `drill/${drill.id}`, drill: drill.id }];
  });
}
