/** What does this broker keep of AMD's certificates and CRLs, and by which rules is a piece proven without a report? */
import type { StandingOptions } from "../attestation/endorsement/standing.ts";
import type { Instant } from "../base/time.ts";
import type { CachedEndorsement, Store } from "./store.ts";
import type { World } from "./world.ts";

export type KeptEndorsement = CachedEndorsement & { readonly key: string };

const PAGE = 200;

/** Everything that was fetched or imported. */
export async function allEndorsements(
  store: Pick<Store, "cachedEndorsements">,
): Promise<readonly KeptEndorsement[]> {
  const all: KeptEndorsement[] = [];
  for (let after = ""; ; ) {
    const page = await store.cachedEndorsements(after, PAGE); // in order: page after page
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.key;
  }
}

const CHIP_ID_BYTES = 64;

/** On Turin a certificate has the first eight bytes of a chip's id, and the others are zero. */
export function chipIdOf(hwid: Uint8Array = new Uint8Array(0)): Uint8Array {
  const id = new Uint8Array(CHIP_ID_BYTES);
  id.set(hwid.slice(0, CHIP_ID_BYTES));
  return id;
}

export function standingOptions(
  now: Instant,
  { trust, primitives }: Pick<World, "trust" | "primitives">,
): StandingOptions {
  return { now, primitives, roots: trust.roots, memo: trust.memo, lowestCrlNumber: trust.lowestCrlNumber };
}
