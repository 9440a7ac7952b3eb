/** Which guests are not good? Every rule over the whole fleet, place by place; of a guest that is good no more is kept than its name. */
import type { Instant } from "../../base/time.ts";
import type { AdvisoryWorld } from "../../broker/advisories.ts";
import type { Look, Scan } from "../../broker/finding-scan.ts";
import { imageJudge } from "../../broker/fleet.ts";
import type { GuestPosition } from "../../broker/fleet-store.ts";
import type { World } from "../../broker/world.ts";
import { postureAsked } from "../../policy/posture-asked.ts";
import type { Sighting } from "../../wire/finding-messages.ts";
import { decodeGuest } from "../../wire/fleet.ts";
import type { Guest } from "../../wire/fleet-messages.ts";
import type { Program } from "../../writ/program.ts";
import { standingOfAdvisory } from "./advisory.ts";
import { debtLook, type Owing, owingOf } from "./debt.ts";
import { withPlanted } from "./drills.ts";
import { RULES, sightingOf, subjectOf } from "./judge.ts";
import { readFleet } from "./read.ts";
import { isCurrent, type Judged, type Rule } from "./rule.ts";

export interface FleetScanPorts extends AdvisoryWorld, Pick<World, "liveBundle" | "chipIds"> {
  /** Whose guests are, by configuration; empty where it says nothing. */
  readonly owner: string;
  /** From this age on the advisory is old; absent, it never is. */
  readonly advisorySeconds?: number;
}

const PAGE = 500;

export function createFleetScan(ports: FleetScanPorts, everySeconds: number): Scan {
  return {
    name: "fleet",
    everySeconds,
    look: async (at) => {
      await readFleet(ports);
      return looksAt(ports, at);
    },
  };
}

interface Gathered {
  readonly rule: Rule;
  readonly seen: Sighting[];
  readonly passed: string[];
}

async function looksAt(ports: FleetScanPorts, at: Instant): Promise<readonly Look[]> {
  const gathered = RULES.map((rule): Gathered => ({ rule, seen: [], passed: [] }));
  const [activation, bundle] = await Promise.all([ports.store.liveActivation(), ports.liveBundle()]);
  const live = activation && { digest: activation.digest, at: activation.at };
  const imageAt = imageJudge(bundle?.program, at);
  const sayBy = await whoHasThemSay(ports, bundle?.program, at);
  const owing: Owing[] = [];
  for await (const rows of places(ports)) {
    for (const one of judgedOf(rows)) {
      const { guest } = one;
      const judged = { ...one, at, live, image: imageAt(guest.measurement), sayBy: sayBy(guest) };
      for (const into of gathered) judge(judged, into, ports.owner);
      if (isCurrent(judged)) owing.push(owingOf(judged.guest));
    }
  }
  const looks = [
    ...gathered.map(({ rule, seen, passed }) => lookOf(rule.class, { seen, passed })),
    ...(await advisoryLooks(owing, ports, at)),
  ];
  return withPlanted(looks, await ports.store.drills(at), { at, owner: ports.owner });
}

/** An advisory that nobody may judge by says nothing of firmware, and ends nothing. */
async function advisoryLooks(
  owing: readonly Owing[],
  ports: FleetScanPorts,
  at: Instant,
): Promise<readonly Look[]> {
  const { advisory, isAltered, looks } = await standingOfAdvisory(ports, { ...ports, at });
  return isAltered ? looks : [...looks, debtLook(owing, advisory, ports.owner)];
}

function lookOf(name: string, { seen, passed }: Pick<Look, "seen" | "passed">): Look {
  return { class: name, seen, passed, blind: [], isWhole: true };
}

/** By the policy over what a guest came for, else by others of the same image: one image behaves in one way. */
async function whoHasThemSay(
  ports: FleetScanPorts,
  program: Program | undefined,
  at: Instant,
): Promise<(guest: Guest) => Judged["sayBy"]> {
  const isAsked = program === undefined ? () => false : postureAsked(program, at);
  const images = new Set<string>();
  for await (const rows of places(ports)) {
    const saying = rows.filter(({ guest }) => guest.posture !== undefined && guest.postureLost === undefined);
    for (const { guest } of saying) images.add(guest.measurement);
  }
  return ({ cameFor, measurement }) =>
    isAsked(cameFor) ? "policy" : images.has(measurement) ? "peers" : undefined;
}

function judge(judged: Judged, { rule, seen, passed }: Gathered, owner: string): void {
  if (!rule.concerns(judged)) return;
  const fault = rule.judge(judged);
  if (fault === undefined) passed.push(subjectOf(rule.class, judged.guest));
  else seen.push({ ...sightingOf(rule, judged, fault), owner });
}

/** A guest, and where in the log its newest decision lies: of two that came in one second, the later one is newer. */
interface Row {
  readonly guest: Guest;
  readonly seq: number;
}

/** One place after the other, all of its guests together: they come in order of place. */
async function* places({ store }: FleetScanPorts): AsyncGenerator<readonly Row[]> {
  let open: Row[] = [];
  let after: GuestPosition | undefined;
  for (;;) {
    const page = await store.guests(after, PAGE); // in order: page after page
    for (const { about, seq, place } of page) {
      if (open[0] !== undefined && open[0].guest.place !== place) {
        yield open;
        open = [];
      }
      open.push({ guest: decodeGuest(about), seq });
    }
    after = page.at(-1);
    if (after === undefined || page.length < PAGE) break;
  }
  if (open.length > 0) yield open;
}

/** A guest is replaced where another one began at its place after it came last; in one pass, however many there are. */
function judgedOf(rows: readonly Row[]): readonly Pick<Judged, "guest" | "newest" | "isReplaced">[] {
  const newest = rows.reduce<Row | undefined>((best, row) => (isNewer(row, best) ? row : best), undefined);
  const youngest = rows.reduce((latest, { guest }) => Math.max(latest, guest.firstAt), 0);
  if (newest === undefined) return [];
  return rows.map(({ guest }) => ({
    guest,
    newest: newest.guest,
    isReplaced: youngest > guest.lastAt,
  }));
}

function isNewer({ guest, seq }: Row, best: Row | undefined): boolean {
  if (best === undefined || guest.lastAt > best.guest.lastAt) return true;
  return guest.lastAt === best.guest.lastAt && seq > best.seq;
}
