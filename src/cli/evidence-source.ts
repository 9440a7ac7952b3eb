/** What does the key server add to what is at hand? Each missing piece, or a warning in its place. */
import type { Endorsements, VerifyOptions } from "../attestation/endorsement/chain.ts";
import { type MissingEndorsements, missingEndorsements } from "../attestation/endorsement/missing.ts";
import type { Evidence } from "../attestation/evidence.ts";
import type { ProductLine } from "../attestation/snp/product.ts";
import { isFault } from "../base/fault.ts";
import type { EndorsementSource } from "../broker/world.ts";

export interface FetchParts {
  readonly source: EndorsementSource;
  readonly options: VerifyOptions;
  /** Told what could not be fetched; what was given may do without it. */
  readonly warnings: string[];
}

/** Asks for the leaf under each product line the report may be of, until one knows it; then for the rest of that line. */
export async function withFetched(
  evidence: Evidence,
  at: Endorsements,
  parts: FetchParts,
): Promise<Endorsements> {
  const missing = missingEndorsements(evidence, at, parts.options);
  for (const product of missing.products) {
    const leaf = await leafOf(missing, product, parts); // in order: the first line that knows the chip
    if (missing.leaf === undefined || leaf.length > 0) return withRest(at, leaf, { missing, product, parts });
  }
  return at;
}

async function leafOf(
  { leaf }: MissingEndorsements,
  product: ProductLine,
  { source, warnings }: FetchParts,
): Promise<readonly Uint8Array[]> {
  if (leaf === undefined) return [];
  const found = await unlessRefused(() => source.vcek(product, leaf.chipId, leaf.tcb), warnings);
  return found === undefined ? [] : [found];
}

async function withRest(
  at: Endorsements,
  leaf: readonly Uint8Array[],
  by: { readonly missing: MissingEndorsements; readonly product: ProductLine; readonly parts: FetchParts },
): Promise<Endorsements> {
  const { missing, product } = by;
  const { source, options, warnings } = by.parts;
  const { kind, needsIntermediates, needsCrl } = missing;
  const chain = needsIntermediates
    ? await unlessRefused(() => source.intermediates(product, kind), warnings)
    : [];
  const wantsCrl = needsCrl && at.crls.length === 0;
  const crl = wantsCrl ? await unlessRefused(() => source.crl(product, kind), warnings) : undefined;
  return {
    certificates: [...at.certificates, ...leaf, ...(chain ?? [])],
    crls: [...at.crls, ...(crl === undefined ? [] : [{ der: crl, obtainedAt: options.now }])],
  };
}

async function unlessRefused<T>(call: () => Promise<T>, warnings: string[]): Promise<T | undefined> {
  try {
    return await call();
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    warnings.push(thrown.message);
    return undefined;
  }
}
