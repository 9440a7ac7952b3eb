/** How do certificates and CRLs of AMD reach a broker that asks nobody? As a file from one that does, each piece proven before it is kept. */
import { parseEndorsementFile } from "../attestation/endorsement/pem.ts";
import { verifyStanding } from "../attestation/endorsement/standing.ts";
import type { ProductLine } from "../attestation/snp/product.ts";
import { equalBytes, hexOf } from "../base/bytes.ts";
import type { EndorsementPage } from "../wire/endorsement-bundle.ts";
import { chipIdOf, standingOptions } from "./kept-endorsements.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import { crlNeed, intermediatesNeed, vcekNeed } from "./shelf.ts";
import type { World } from "./world.ts";

/** The most that one answer holds. */
const PAGE = 200;

/** What this broker keeps, those with a key after `after`. */
export async function exportEndorsements(after: string, { store }: World): Promise<EndorsementPage> {
  const page = await store.cachedEndorsements(after, PAGE);
  const last = page.length < PAGE ? undefined : page.at(-1);
  const endorsements = page.map(({ key, der }) => ({ key, der }));
  return { endorsements, ...(last === undefined ? {} : { next: last.key }) };
}

export interface ImportedEndorsements {
  readonly authorities: number;
  readonly chips: number;
  readonly crls: number;
}

/**
 * Keeps what is in a file, all of it or nothing: everything is proven to AMD's roots first. A CRL that is the one at hand already
 * counts as no younger by being brought again.
 *
 * @throws {@link Fault} the `endorsement/…` codes; `endorsement/crl-invalid` for a CRL older than one that was seen.
 */
export async function importEndorsements(
  file: Uint8Array,
  actor: Actor,
  world: World,
): Promise<ImportedEndorsements> {
  const now = world.now();
  const standing = await verifyStanding(parseEndorsementFile(file), standingOptions(now, world));
  const { authorities, chips, crls } = standing;
  for (const { product, number } of crls) await world.keepCrlNumber(product, number); // in order: a lower one ends it
  for (const { product, kind, intermediate, ark } of authorities) {
    const { key } = intermediatesNeed(product, kind);
    for (const [index, der] of [intermediate, ark].entries()) await keep(`${key}#${index}`, der, world); // in order: few
  }
  for (const { product, extensions, der } of chips) {
    const { key } = vcekNeed(product, chipIdOf(extensions.hwid), extensions.tcb);
    await keep(`${key}#0`, der, world); // in order: each is a row
  }
  for (const { product, der } of crls) await keepCrl(product, der, { standing, world }); // in order: few
  const digest = hexOf(world.primitives.digest("sha256", file));
  const subject = `${authorities.length} authorities, ${chips.length} chips, ${crls.length} CRLs`;
  await world.store.appendEntry(adminEntry({ act: "endorsements-import", subject, digest }, actor, world));
  return { authorities: authorities.length, chips: chips.length, crls: crls.length };
}

/** One CRL of an ARK speaks for both kinds of keys under it. */
async function keepCrl(
  product: ProductLine,
  der: Uint8Array,
  {
    standing,
    world,
  }: { readonly standing: Awaited<ReturnType<typeof verifyStanding>>; readonly world: World },
): Promise<void> {
  const kinds = standing.authorities.filter((one) => one.product === product).map(({ kind }) => kind);
  for (const kind of new Set(kinds)) await keep(`${crlNeed(product, kind).key}#0`, der, world); // in order: two
}

async function keep(key: string, der: Uint8Array, { store, now }: World): Promise<void> {
  const known = await store.cachedEndorsement(key);
  if (known !== undefined && equalBytes(known.der, der)) return;
  await store.cacheEndorsement(key, { der, obtainedAt: now() });
}
