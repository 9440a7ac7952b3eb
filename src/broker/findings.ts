/** How does a finding come to be, and how does it end? By what scans saw, and by nothing else; who knows of it changes neither. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { Finding, FindingPage, FindingPlace } from "../wire/finding-messages.ts";
import type { Look, Scan } from "./finding-scan.ts";
import type { NamedSighting } from "./finding-store.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

/** What recording needs of the World. */
type Recorder = Pick<World, "store" | "primitives" | "log" | "now">;

/** Of one class in one turn: what comes beyond it is counted and not kept. */
const MAX_SEEN = 1000;
/** Written in one batch: a database may count each statement of one. */
const BATCH = 16;
const OPEN_PAGE = 500;
const ID_BYTES = 16;

/** The identity of a finding, whoever sees it and however often. */
export function findingIdOf(
  { class: name, subject }: { readonly class: string; readonly subject: string },
  primitives: World["primitives"],
): string {
  return hexOf(primitives.digest("sha256", canonicalJsonBytes([name, subject])).slice(0, ID_BYTES));
}

// ── scans ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Gives every scan that is due its turn; of several brokers one takes it. */
export async function runDueScans(scans: readonly Scan[], world: Recorder): Promise<void> {
  for (const scan of scans) {
    const at = world.now();
    const isMine = await world.store.beginScan(scan.name, at, addSeconds(at, -scan.everySeconds));
    if (isMine) await runScan(scan, at, world); // in order: they look at one database
  }
}

/** Gives every scan a turn now, whenever its last one was. */
export async function runAllScans(scans: readonly Scan[], world: Recorder): Promise<void> {
  for (const scan of scans) {
    const at = world.now();
    await world.store.beginScan(scan.name, at, at);
    await runScan(scan, at, world); // in order: they look at one database
  }
}

/** A scan that could not look says so, and holds up no other. */
async function runScan(scan: Scan, at: Instant, world: Recorder): Promise<void> {
  const { name } = scan;
  try {
    const looks = await scan.look(at);
    for (const look of looks) await recordLook(look, at, world); // in order: few
    await world.store.endScan({ name, at, ...countsOf(looks), trouble: "" });
  } catch (thrown) {
    const trouble = isFault(thrown) ? thrown.code : "internal/invariant";
    world.log("error", "scan-failed", { scan: name, code: trouble });
    await world.store.endScan({ name, at, subjects: 0, blind: 0, findings: 0, trouble });
  }
}

function countsOf(looks: readonly Look[]) {
  const sum = (count: (look: Look) => number): number =>
    looks.reduce((total, look) => total + count(look), 0);
  return {
    subjects: sum(({ seen, passed }) => seen.length + passed.length),
    blind: sum(({ blind }) => blind.length),
    findings: sum(({ seen }) => seen.length),
  };
}

/** Writes down what one look at a class showed: what is there, then what has ended. */
export async function recordLook(look: Look, at: Instant, world: Recorder): Promise<void> {
  const named = look.seen.map((sighting): NamedSighting => {
    if (sighting.class !== look.class) throw new Fault("internal/invariant", "a look is at one class");
    return { ...sighting, id: findingIdOf(sighting, world.primitives) };
  });
  if (named.length > MAX_SEEN)
    world.log("error", "too-many-findings", { class: look.class, seen: named.length });
  for (const batch of batchesOf(named.slice(0, MAX_SEEN))) {
    const fresh = new Set(await world.store.putSightings(batch, at)); // in order: each is a transaction
    for (const { id, class: name, severity } of batch) {
      if (fresh.has(id)) world.log("warn", "finding", { id, class: name, severity });
    }
  }
  await endOthers(look, at, world);
}

/** A subject that was named in any way is what the look says of it; one that was not is gone if the look was at all there are. */
async function endOthers(look: Look, at: Instant, world: Recorder): Promise<void> {
  const seen = new Set(look.seen.map(({ subject }) => subject));
  const blind = new Set(look.blind);
  const passed = new Set(look.passed);
  let after = "";
  for (;;) {
    const page = await world.store.openFindings(look.class, after, OPEN_PAGE); // in order: page after page
    const open = page.filter(({ subject }) => !seen.has(subject) && !blind.has(subject));
    const good = open.filter(({ subject }) => passed.has(subject));
    const gone = look.isWhole ? open.filter(({ subject }) => !passed.has(subject)) : [];
    for (const batch of batchesOf(good)) await world.store.endFindings(idsOf(batch), "passed", at);
    for (const batch of batchesOf(gone)) await world.store.endFindings(idsOf(batch), "gone", at);
    const last = page.at(-1);
    if (last === undefined || page.length < OPEN_PAGE) return;
    after = last.id;
  }
}

function idsOf(findings: readonly { readonly id: string }[]): readonly string[] {
  return findings.map(({ id }) => id);
}

function batchesOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) =>
    all.slice(i * BATCH, (i + 1) * BATCH),
  );
}

// ── what an admin asks ──────────────────────────────────────────────────────────────────────────────────────────────

/** The most that one answer holds. */
const PAGE = 100;

/** One page of what is open, and of what was detected or ended since. */
export async function listFindings(
  { since, after }: { readonly since: Instant; readonly after: FindingPlace | undefined },
  world: Pick<World, "store">,
): Promise<FindingPage> {
  const findings = await world.store.findings({ since, after, limit: PAGE });
  const last = findings.length < PAGE ? undefined : findings.at(-1);
  return { findings, ...(last === undefined ? {} : { next: { id: last.id, episode: last.episode } }) };
}

/** All of them, page after page. */
export async function findingsSince(
  since: Instant,
  world: Pick<World, "store">,
): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  let after: FindingPlace | undefined;
  do {
    const { findings, next } = await listFindings({ since, after }, world); // in order: page after page
    all.push(...findings);
    after = next;
  } while (after !== undefined);
  return all;
}

/** Every spell of one finding, the newest first. @throws {@link Fault} `finding/unknown`. */
export async function showFinding(id: string, world: Pick<World, "store">): Promise<readonly Finding[]> {
  const spells = await world.store.finding(id);
  if (spells.length === 0) throw new Fault("finding/unknown", `expected a finding, received \`${id}\``);
  return spells;
}

/**
 * Notes that somebody knows of a finding. It stays open and counts as before: only a scan that sees its subject good ends it.
 *
 * @throws {@link Fault} `finding/unknown`; `request/conflict` where it has ended, or somebody knows of it already.
 */
export async function acknowledgeFinding(
  { id, note }: { readonly id: string; readonly note: string },
  actor: Actor,
  world: Pick<World, "store" | "primitives" | "now">,
): Promise<readonly Finding[]> {
  await showFinding(id, world);
  const digest = hexOf(world.primitives.digest("sha256", utf8(note)));
  const entry = adminEntry({ act: "finding-ack", subject: id, digest }, actor, world);
  const acknowledgement = { id, at: world.now(), by: actor.kid, note };
  if (!(await world.store.acknowledgeFinding(acknowledgement, entry))) {
    throw new Fault("request/conflict", "expected an open finding that nobody has acknowledged yet");
  }
  return showFinding(id, world);
}
