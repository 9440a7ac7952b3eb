/** Who vouches for this chip? The evidence's own certificates, else what was fetched before, else AMD's key server. */
import { type Endorsements, type VerifyOptions, verifyChain } from "../attestation/endorsement/chain.ts";
import { type MissingEndorsements, missingEndorsements } from "../attestation/endorsement/missing.ts";
import { poolOf } from "../attestation/endorsement/pool.ts";
import type { Evidence } from "../attestation/evidence.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import {
  createShelf,
  crlNeed,
  type Found,
  intermediatesNeed,
  type Need,
  NOT_TO_BE_HAD,
  type Shelf,
  type ShelfParts,
  vcekNeed,
} from "./shelf.ts";
import type { Trust } from "./world.ts";

export type EndorserParts = ShelfParts & { readonly trust: Trust };

/**
 * Makes `endorsementsFor`. What was fetched is verified as a chain for this very evidence before it is kept, so that nothing
 * unverified reaches the cache.
 *
 * @throws {@link Fault} `endorsement/unavailable`, and every code of `verifyChain` for what was fetched.
 */
export function createEndorser(
  parts: EndorserParts,
): (evidence: Evidence, now: Instant) => Promise<Endorsements> {
  const shelf = createShelf(parts);
  return async (evidence, now) => {
    const options: VerifyOptions = { ...parts.trust, now, revocation: "required" };
    const carried: Endorsements = {
      certificates: evidence.certificates,
      crls: evidence.crls.map((der) => ({ der })),
    };
    const missing = missingEndorsements(evidence, carried, options);
    return withFound(evidence, carried, { missing, shelf, options });
  };
}

interface Search {
  readonly missing: MissingEndorsements;
  readonly shelf: Shelf;
  readonly options: VerifyOptions;
}

/** A v2 report without certificates may be of two product lines: the first whose chain holds is the one. */
async function withFound(evidence: Evidence, carried: Endorsements, search: Search): Promise<Endorsements> {
  let last: unknown;
  for (const needs of needsByProduct(search.missing)) {
    if (needs.length === 0) return carried;
    try {
      return await withNeeds(evidence, carried, { ...search, needs }); // in order: the next line only where this one fails
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      last = thrown;
    }
  }
  throw last ?? new Fault("endorsement/missing", "expected endorsements with the evidence");
}

async function withNeeds(
  evidence: Evidence,
  carried: Endorsements,
  search: Search & { readonly needs: readonly Need[] },
): Promise<Endorsements> {
  const { needs, shelf, options, missing } = search;
  const found = await Promise.all(needs.map((need) => findOrDoWithout(need, search)));
  const endorsements = joined(carried, found);
  const fresh = found.filter(({ isFresh }) => isFresh);
  if (fresh.length > 0 && (await holds(evidence, proofOf(evidence, carried, { found, options }), options))) {
    for (const proven of fresh) await shelf.keep(proven); // in order: few, and rarely any
  } else if (fresh.length > 0 || missing.products.length > 1) {
    await verifyChain(evidence, endorsements, options);
  }
  return endorsements;
}

/** What was fetched must hold by itself: the host's own good copy beside it says nothing of it. */
function proofOf(
  evidence: Evidence,
  carried: Endorsements,
  by: { readonly found: readonly Found[]; readonly options: VerifyOptions },
): Endorsements {
  const pool = poolOf(carried.certificates, evidence.report.signingKey, by.options);
  const isFetched = (is: Need["is"]): boolean =>
    by.found.some(({ need, isFresh }) => isFresh && need.is === is);
  const authorities = [...pool.intermediates, ...pool.arks.map(({ ark }) => ark)];
  const beside = [
    ...(isFetched("leaf") ? [] : pool.leaves),
    ...(isFetched("authorities") ? [] : authorities),
  ];
  const certificates = beside.map(({ value }) => value.der);
  return joined({ certificates, crls: isFetched("crl") ? [] : carried.crls }, by.found);
}

async function holds(evidence: Evidence, proof: Endorsements, options: VerifyOptions): Promise<boolean> {
  try {
    await verifyChain(evidence, proof, options);
    return true;
  } catch (thrown) {
    if (isFault(thrown)) return false;
    throw thrown;
  }
}

/** A carried CRL may be older than a revocation: one of our own is wanted beside it, and it serves alone where none is to be had. */
async function findOrDoWithout(need: Need, { shelf, missing, options }: Search): Promise<Found> {
  const canDoWithout = need.is === "crl" && missing.hasCarriedCrl;
  const nothing: Found = { need, endorsements: [], isFresh: false };
  try {
    const found = await shelf.find(need, options.now);
    if (found !== undefined || canDoWithout) return found ?? nothing;
  } catch (thrown) {
    if (!canDoWithout || !isFault(thrown) || !NOT_TO_BE_HAD.has(thrown.code)) throw thrown;
    return nothing;
  }
  throw new Fault("endorsement/unavailable", "AMD's key server gave no CRL a moment ago");
}

function needsByProduct(missing: MissingEndorsements): readonly (readonly Need[])[] {
  const { kind, leaf } = missing;
  return missing.products.map((product) => [
    ...(leaf === undefined ? [] : [vcekNeed(product, leaf.chipId, leaf.tcb)]),
    ...(missing.needsIntermediates ? [intermediatesNeed(product, kind)] : []),
    ...(missing.needsCrl ? [crlNeed(product, kind)] : []),
  ]);
}

function joined(carried: Endorsements, found: readonly Found[]): Endorsements {
  const of = (isCrl: boolean) =>
    found.filter(({ need }) => (need.is === "crl") === isCrl).flatMap(({ endorsements }) => endorsements);
  return {
    certificates: [...carried.certificates, ...of(false).map(({ der }) => der)],
    crls: [...carried.crls, ...of(true)],
  };
}
