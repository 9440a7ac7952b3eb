/** Whose firmware is below what AMD's bulletins ask? By the newest evidence of each chip, bulletin by bulletin. */
import { formatInstant, type Instant, isBefore } from "../../base/time.ts";
import type { Look } from "../../broker/finding-scan.ts";
import { type Advisory, type Bulletin, dayOf, GRADES, type Grade } from "../../policy/advisory.ts";
import { judgeFirmware, type Shortfall } from "../../policy/advisory-floors.ts";
import type { Severity, Sighting } from "../../wire/finding-messages.ts";
import type { Guest } from "../../wire/fleet-messages.ts";

/** What is looked at of a guest, whatever else is known of it: there may be many. */
export type Owing = Pick<
  Guest,
  | "id"
  | "cameFor"
  | "lastAt"
  | "firstAt"
  | "tcbAt"
  | "decision"
  | "chip"
  | "product"
  | "silicon"
  | "tcb"
  | "committedTcb"
  | "launchTcb"
>;

export function owingOf(guest: Guest): Owing {
  const { id, cameFor, lastAt, firstAt, decision, tcbAt, chip, product, silicon } = guest;
  const { tcb, committedTcb, launchTcb } = guest;
  return {
    ...{ id, cameFor, lastAt, firstAt, decision },
    ...(tcbAt === undefined ? {} : { tcbAt }),
    ...(chip === undefined ? {} : { chip }),
    ...(product === undefined ? {} : { product }),
    ...(silicon === undefined ? {} : { silicon }),
    ...(tcb === undefined ? {} : { tcb }),
    ...(committedTcb === undefined ? {} : { committedTcb }),
    ...(launchTcb === undefined ? {} : { launchTcb }),
  };
}

/** A figure that is surer makes the debt graver. */
const SEVERITY_OF: Readonly<Record<Grade, Severity>> = {
  "vendor-stated": "high",
  derived: "medium",
  reported: "low",
};

/** Of each guest that is current. */
export function debtLook(guests: readonly Owing[], advisory: Advisory | undefined, owner: string): Look {
  const judged = [...groupsOf(guests)].flatMap(([name, group]) =>
    (advisory?.bulletins ?? []).map((bulletin) => judgeGroup(name, group, { bulletin, owner })),
  );
  return {
    class: "tcb-debt",
    seen: judged.flatMap(({ seen }) => seen ?? []),
    passed: judged.flatMap(({ passed }) => passed ?? []),
    blind: judged.flatMap(({ blind }) => blind ?? []),
    isWhole: true,
  };
}

/** A chip's id, hex: what is told of a guest without one is whose key the provider signed with, for many hosts. */
const CHIP = /^[0-9a-f]{128}$/;
/** So much of it tells chips apart, also where a line fills 8 of the 64 bytes, and fits into a line. */
const NAME_DIGITS = 32;

/** Firmware is a chip's: of those on one chip, the guests that came since it is as the newest of them saw it. Others stand alone. */
function groupsOf(guests: readonly Owing[]): ReadonlyMap<string, readonly Owing[]> {
  const groups = new Map<string, Owing[]>();
  for (const guest of guests) {
    const { id, chip = "" } = guest;
    const name = CHIP.test(chip) ? `chip/${chip.slice(0, NAME_DIGITS)}` : `guest/${id}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [guest]);
    else group.push(guest);
  }
  return new Map([...groups].map(([name, group]) => [name, sinceNewest(group)]));
}

function sinceNewest(group: readonly Owing[]): readonly Owing[] {
  const [newest] = group.toSorted((a, b) => b.lastAt - a.lastAt || (b.tcbAt ?? 0) - (a.tcbAt ?? 0));
  const since = newest?.tcbAt ?? newest?.lastAt ?? 0;
  return group.filter((guest) => guest === newest || guest.lastAt > since);
}

interface GroupVerdict {
  readonly seen?: Sighting;
  readonly passed?: string;
  readonly blind?: string;
}

interface Judging {
  readonly bulletin: Bulletin;
  readonly owner: string;
  /** Where a drill planted it. */
  readonly drill?: { readonly id: string; readonly plantedAt: Instant };
}

/** Not told of silicon that the bulletin says nothing about; blind where nobody can tell, so that nothing ends by it. */
export function judgeGroup(name: string, group: readonly Owing[], judging: Judging): GroupVerdict {
  const { bulletin } = judging;
  const subject = `${name}/${bulletin.id}`;
  const judged = group.map((guest) => ({ guest, verdict: judgeFirmware(bulletin, firmwareOf(guest)) }));
  const below = judged.flatMap(({ guest, verdict }) =>
    verdict === undefined || verdict.shortfalls.length === 0
      ? []
      : [{ guest, shortfalls: verdict.shortfalls }],
  );
  const [first] = below;
  if (first !== undefined) return { seen: sightingOf(subject, [first, ...below.slice(1)], judging) };
  if (judged.every(({ verdict }) => verdict === undefined)) {
    return group.some(({ silicon, product }) => silicon === undefined && product === undefined)
      ? { blind: subject }
      : {};
  }
  return judged.every(({ verdict }) => verdict?.isWhole === true) ? { passed: subject } : { blind: subject };
}

function firmwareOf({ product, silicon, tcb: reported, committedTcb: committed, launchTcb: launch }: Owing) {
  const tcbs = {
    ...(reported === undefined ? {} : { reported }),
    ...(committed === undefined ? {} : { committed }),
    ...(launch === undefined ? {} : { launch }),
  };
  return { product, silicon, tcbs };
}

interface Below {
  readonly guest: Owing;
  readonly shortfalls: readonly Shortfall[];
}

function sightingOf(
  subject: string,
  below: readonly [Below, ...Below[]],
  { bulletin, owner, drill }: Judging,
): Sighting {
  const [{ guest, shortfalls }] = below;
  const surest = GRADES.find((grade) => shortfalls.some(({ figure }) => figure.sure === grade)) ?? "reported";
  const told = shortfalls.map(
    ({ tcb, level, figure: { component, least } }) => `${tcb} ${component} ${level}, asked is ${least}`,
  );
  const { id, title, published } = bulletin;
  return {
    class: "tcb-debt",
    subject,
    severity: SEVERITY_OF[surest],
    owner,
    sentence: `firmware on ${shortfalls[0]?.figure.line ?? "a chip"} is below ${id} (${title}), whose figures are ${surest} here: ${told.join("; ")}`,
    advice: `update the host's firmware; \`ostiary tcb plan --bulletin ${id}\` says whom its floor would cut off, and in which order`,
    introducedAt: drill?.plantedAt ?? introducedAt(published?.date, below),
    evidence: {
      guest: guest.id,
      ...(guest.chip === undefined ? {} : { chip: guest.chip }),
      cameFor: guest.cameFor,
      decision: guest.decision,
      seenAt: formatInstant(guest.lastAt),
      guests: below.length,
      sources: [...new Set(shortfalls.map(({ figure }) => `${figure.sure}: ${figure.source}`))],
      ...(published === undefined ? {} : { published: published.date }),
    },
    ...(drill === undefined ? {} : { drill: drill.id }),
  };
}

/** The later of the bulletin's day and the first evidence of such firmware. Where nobody knows the day, nothing says since when it is so. */
function introducedAt(date: string | undefined, below: readonly Below[]): Instant | undefined {
  const day = date === undefined ? undefined : dayOf(date);
  const [earliest] = below.map(({ guest }) => guest.tcbAt ?? guest.firstAt).toSorted((a, b) => a - b);
  if (day === undefined || earliest === undefined) return undefined;
  return isBefore(earliest, day) ? day : earliest;
}
