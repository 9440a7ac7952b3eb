/** What is fetched before somebody waits for it? CRLs that age and certificates near their end: one at a time, at moments of one's own. */

import { describeCertificate } from "../attestation/endorsement/described.ts";
import { verifyStanding } from "../attestation/endorsement/standing.ts";
import type { ProductLine } from "../attestation/snp/product.ts";
import { utf8 } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import { allEndorsements, chipIdOf, type KeptEndorsement, standingOptions } from "./kept-endorsements.ts";
import { crlNeed, vcekNeed } from "./shelf.ts";
import type { EndorsementSource, World } from "./world.ts";

type Refresher = Pick<World, "store" | "trust" | "primitives" | "log" | "now" | "settings" | "keepCrlNumber">;

const HOUR = 3600;
const DAY = 24 * HOUR;
/** A release asks for another CRL when one is six hours old: this is before. */
const CRL_SECONDS = 5 * HOUR;
const JITTER_SECONDS = HOUR / 2;
const LEAF_LEAD_SECONDS = 90 * DAY;
/** One that is to end, and is given again as it was, is not asked for all day. */
const LEAF_AGAIN_SECONDS = DAY;
const TURN = "endorsement-refresh";
const TURN_SECONDS = 60;
const MAX_AT_ONCE = 10;
/** After a failure, doubled with each further one. */
const BACK_OFF_SECONDS = 300;
const MAX_BACK_OFF_SECONDS = 6 * HOUR;
const BACK_OFF = "refresh-back-off";

/** One turn: of several brokers one takes it. What fails is tried again later, and later still; releases go on with what is at hand. */
export async function refreshAhead(world: Refresher & Pick<World, "source">): Promise<void> {
  const { source } = world;
  if (source === undefined) return;
  const now = world.now();
  if (!(await world.store.beginScan(TURN, now, addSeconds(now, -TURN_SECONDS)))) return;
  const [failures, notBefore] = backOffOf(await world.store.meta(BACK_OFF));
  if (now < notBefore) return;
  const kept = await allEndorsements(world.store);
  const due = kept.filter((one) => isDue(one, { now, world })).slice(0, MAX_AT_ONCE);
  if (due.length === 0) return;
  try {
    for (const one of due) await refresh(one, { kept, source, world }); // one at a time: it is somebody else's server
    await keepBackOff(0, now, world);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    world.log("warn", "refresh-failed", { code: thrown.code, failures: failures + 1 });
    await keepBackOff(failures + 1, now, world);
  }
}

/** Brokers that began together do not ask together. */
function jitterOf({ key, obtainedAt }: KeptEndorsement, { primitives, settings }: Refresher): number {
  const [high = 0, low = 0] = primitives.digest("sha256", utf8(`${settings.audience} ${key} ${obtainedAt}`));
  return Math.floor(((high * 256 + low) / 65_536) * JITTER_SECONDS);
}

function isDue(
  one: KeptEndorsement,
  { now, world }: { readonly now: Instant; readonly world: Refresher },
): boolean {
  const age = now - one.obtainedAt;
  if (one.key.startsWith("crl/")) return age >= CRL_SECONDS - jitterOf(one, world);
  if (!one.key.startsWith("vcek/")) return false;
  return describeCertificate(one.der).notAfter - now <= LEAF_LEAD_SECONDS && age >= LEAF_AGAIN_SECONDS;
}

interface Turn {
  readonly kept: readonly KeptEndorsement[];
  readonly source: EndorsementSource;
  readonly world: Refresher;
}

/** What was fetched is proven under the authorities that are kept, and only then kept itself. */
async function refresh(one: KeptEndorsement, { kept, source, world }: Turn): Promise<void> {
  const authorities = kept.filter(({ key }) => key.startsWith("ca/")).map(({ der }) => der);
  const now = world.now();
  const fetched = await fetchedFor(one, { authorities, source, world });
  if (fetched === undefined) return;
  const isCrl = one.key.startsWith("crl/");
  const pieces = {
    certificates: isCrl ? authorities : [...authorities, fetched],
    crls: isCrl ? [fetched] : [],
  };
  const { crls } = await verifyStanding(pieces, standingOptions(now, world));
  for (const { product, number } of crls) await world.keepCrlNumber(product, number); // in order: one
  await world.store.cacheEndorsement(one.key, { der: fetched, obtainedAt: now });
}

async function fetchedFor(
  one: KeptEndorsement,
  { authorities, source, world }: { readonly authorities: readonly Uint8Array[] } & Omit<Turn, "kept">,
): Promise<Uint8Array | undefined> {
  const [what, second = "", third = ""] = one.key.replace(/#\d+$/, "").split("/");
  if (what === "crl") {
    const [der] = await crlNeed(third as ProductLine, second === "vlek" ? "vlek" : "vcek").fetch(source);
    return der;
  }
  const certificates = [...authorities, one.der];
  const { chips } = await verifyStanding({ certificates, crls: [] }, standingOptions(world.now(), world));
  const [chip] = chips;
  if (chip === undefined) return undefined;
  const [der] = await vcekNeed(chip.product, chipIdOf(chip.extensions.hwid), chip.extensions.tcb).fetch(
    source,
  );
  return der;
}

// ── back-off ────────────────────────────────────────────────────────────────────────────────────────────────────────

function backOffOf(text: string | undefined): readonly [failures: number, notBefore: number] {
  const [, failures = "0", notBefore = "0"] = /^(\d{1,3}) (\d{1,12})$/.exec(text ?? "") ?? [];
  return [Number(failures), Number(notBefore)];
}

/** In the database, so that a broker that is begun again in a loop asks no more often. */
async function keepBackOff(failures: number, now: Instant, { store }: Refresher): Promise<void> {
  const kept = await store.meta(BACK_OFF);
  const [before] = backOffOf(kept);
  if (failures === 0 && before === 0) return;
  const seconds = Math.min(BACK_OFF_SECONDS * 2 ** Math.max(0, failures - 1), MAX_BACK_OFF_SECONDS);
  const notBefore = failures === 0 ? 0 : addSeconds(now, seconds);
  await store.putMeta(BACK_OFF, kept, `${Math.min(failures, 999)} ${notBefore}`); // false: another broker's word
}
