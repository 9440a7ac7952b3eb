/** Which guests are there? What the scan `fleet` read off decisions, with what the live policy says of their images now. */
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { Bundle } from "../policy/bundle.ts";
import { factsAgain, type UseContext } from "../policy/facts.ts";
import { imagesOf } from "../policy/images.ts";
import { decodeGuest } from "../wire/fleet.ts";
import type { FleetPage, Guest, Image, SeenGuest, Would } from "../wire/fleet-messages.ts";
import { evaluate } from "../writ/evaluation/evaluator.ts";
import type { Facts } from "../writ/facts.ts";
import type { Program } from "../writ/program.ts";
import { factsOfDecision } from "./decision-facts.ts";
import type { GuestPosition, StoredGuest } from "./fleet-store.ts";
import type { World } from "./world.ts";

/** How far the log was read for guests. */
export const FLEET_CURSOR = "fleet-read";

/** The position behind the last entry that was read. */
export function readUpTo(kept: string | undefined): number {
  return /^\d{1,15}$/.test(kept ?? "") ? Number(kept) : 0;
}

/** The most that one answer holds: what guests say of themselves is of any length up to a cap, and an answer has one too. */
const PAGE = 200;
const PAGE_CHARACTERS = 1 << 20;

type Asked = Pick<World, "store" | "liveBundle" | "now" | "settings" | "chipIds">;

/** One page of guests, those behind `after`; of a resource, with whether the live policy would give it to each. */
export async function listFleet(
  { after, resource }: { readonly after?: GuestPosition | undefined; readonly resource?: string | undefined },
  world: Asked,
): Promise<FleetPage> {
  const found = await world.store.guests(after, PAGE);
  const rows = fitting(found);
  const bundle = await world.liveBundle();
  const imageAt = imageJudge(bundle?.program, world.now());
  const seen = rows.map(({ about }) => seenGuest(decodeGuest(about), imageAt));
  const last = found.length < PAGE && rows.length === found.length ? undefined : rows.at(-1);
  return {
    guests: resource === undefined ? seen : await withAnswers(seen, resource, { ...world, bundle }),
    ...(last === undefined ? {} : { next: `${last.place}.${last.id}` }),
    behind: await behindOf(world),
  };
}

/** As many from the first on as an answer has room for; one at least. */
function fitting(rows: readonly StoredGuest[]): readonly StoredGuest[] {
  let left = PAGE_CHARACTERS;
  const end = rows.findIndex(({ about }) => {
    left -= about.length;
    return left < 0;
  });
  return end < 0 ? rows : rows.slice(0, Math.max(1, end));
}

/** One after the other: a page of decisions is not to be held at once. */
async function withAnswers(
  guests: readonly SeenGuest[],
  resource: string,
  asked: Asked & { readonly bundle: Bundle | undefined },
): Promise<readonly SeenGuest[]> {
  const answered: SeenGuest[] = [];
  for (const guest of guests) {
    const stored = await asked.store.decision(guest.decision); // in order: see above
    answered.push({ ...guest, would: wouldOf(stored && factsOfDecision(stored, asked), resource, asked) });
  }
  return answered;
}

/** As if the guest were as it was, and asked now with a fresh report: what an address or an approval decides stays unknown. */
function wouldOf(
  facts: Facts | undefined,
  resource: string,
  { bundle, now, settings }: Asked & { readonly bundle: Bundle | undefined },
): Would {
  if (bundle === undefined) return { allow: false, code: "no-policy" };
  if (facts === undefined) return { allow: false, code: "no-facts" };
  const context: UseContext = {
    now: now(),
    resource,
    op: "release",
    channel: "application",
    nonceAgeMs: 0,
    attempt: 1,
    source: "",
    region: settings.region,
    environment: settings.environment,
    isKekSealed: false,
    heldMs: 0,
  };
  const again = new Map(factsAgain(facts, context, bundle.vcpus));
  again.delete("request.source");
  const channel = facts.get("request.channel");
  if (channel !== undefined) again.set("request.channel", channel);
  const { isAllowed, code } = evaluate(bundle.program, again);
  return { allow: isAllowed, ...(code === undefined ? {} : { code }) };
}

/** @throws {@link Fault} `fleet/unknown`. */
export async function showGuest(id: string, world: Asked): Promise<FleetPage> {
  const row = await world.store.guest(id);
  if (row === undefined) throw new Fault("fleet/unknown", `expected the id of a guest, received \`${id}\``);
  const imageAt = imageJudge((await world.liveBundle())?.program, world.now());
  return { guests: [seenGuest(decodeGuest(row.about), imageAt)], behind: await behindOf(world) };
}

async function behindOf({ store }: Asked): Promise<number> {
  return Math.max(0, (await store.ledgerSize()) - readUpTo(await store.meta(FLEET_CURSOR)));
}

function seenGuest(guest: Guest, imageAt: (measurement: string) => Image): SeenGuest {
  return { ...guest, image: imageAt(guest.measurement) };
}

/** What a policy says of images at a moment. Without a policy, or one that lists none, nobody can say. */
export function imageJudge(program: Program | undefined, now: Instant): (measurement: string) => Image {
  if (program === undefined) return () => ({ state: "unknown" });
  const images = imagesOf(program);
  return (measurement) => images.at(measurement, now) ?? { state: images.hasSets ? "unlisted" : "unknown" };
}
