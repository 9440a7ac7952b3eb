/** What must be fetched before a chain can hold? A pure look at what is at hand; it proves nothing. */
import { equalBytes, isZero } from "../../base/bytes.ts";
import { isFault } from "../../base/fault.ts";
import type { Evidence } from "../evidence.ts";
import { type ProductLine, productOf } from "../snp/product.ts";
import type { Report } from "../snp/report.ts";
import { isSameTcb, type TcbVersion } from "../snp/tcb.ts";
import type { Endorsements, VerifyOptions } from "./chain.ts";
import { isUsable } from "./crl.ts";
import type { Known } from "./memo.ts";
import { type Pool, poolOf } from "./pool.ts";
import { type EndorsementKind, productOfName, roleOf } from "./profile.ts";
import type { Certificate } from "./x509.ts";

/** `products` holds one line, or both that a v2 report may be of where nothing at hand tells. */
export interface MissingEndorsements {
  readonly products: readonly ProductLine[];
  readonly kind: EndorsementKind;
  /** The VCEK of this chip at this TCB; a VLEK and a masked chip cannot be asked for. */
  readonly leaf?: { readonly chipId: Uint8Array; readonly tcb: TcbVersion };
  readonly needsIntermediates: boolean;
  /** No CRL that we fetched or imported serves. One that the evidence brought is as old as its sender likes. */
  readonly needsCrl: boolean;
  /** The evidence brought a CRL that may serve where none can be had. */
  readonly hasCarriedCrl: boolean;
}

/** Turin's chips are known by the first eight bytes of CHIP_ID. */
const TURIN_CHIP_ID_BYTES = 8;

/** @returns What is missing for this report; all false and no leaf where everything that can be had is there. */
export function missingEndorsements(
  evidence: Evidence,
  have: Endorsements,
  options: VerifyOptions,
): MissingEndorsements {
  const { report } = evidence;
  const pool = poolOf(have.certificates, report.signingKey, options);
  const leaf = pool.leaves.find((known) => serves(known, report, options));
  const products = productsOf(report, leaf, options);
  const ark = pool.arks.find(({ anchor }) => products.includes(anchor.product));
  const usable =
    ark === undefined ? [] : have.crls.filter(({ der }) => isUsableCrl(der, ark.ark.value, options));
  const canAsk = leaf === undefined && report.signingKey === "vcek" && !isZero(report.chipId);
  return {
    products,
    kind: report.signingKey,
    ...(canAsk ? { leaf: { chipId: askedChipId(report, products), tcb: report.reportedTcb } } : {}),
    needsIntermediates: ark === undefined || !hasIntermediate(pool, products),
    needsCrl: usable.every(({ obtainedAt }) => obtainedAt === undefined),
    hasCarriedCrl: usable.length > 0,
  };
}

/** A leaf that the host kept from before a firmware update is none: the right one is asked for. */
function serves(leaf: Known<Certificate>, report: Report, { memo }: VerifyOptions): boolean {
  const extensions = unlessFault(() => memo.extensions(leaf));
  if (extensions === undefined || !isSameTcb(extensions.tcb, report.reportedTcb)) return false;
  const { hwid } = extensions;
  return hwid === undefined || isZero(report.chipId) || equalBytes(report.chipId.slice(0, hwid.length), hwid);
}

function productsOf(
  report: Report,
  leaf: Known<Certificate> | undefined,
  { memo }: VerifyOptions,
): readonly ProductLine[] {
  const signed = report.cpuid === undefined ? undefined : productOf(report.cpuid);
  if (signed !== undefined) return [signed];
  const named = leaf === undefined ? undefined : productOfName(memo.extensions(leaf).productName);
  return named === undefined ? ["milan", "genoa"] : [named];
}

function hasIntermediate(pool: Pool, products: readonly ProductLine[]): boolean {
  return pool.intermediates.some(({ value }) => {
    const role = roleOf(value);
    return role?.is === "intermediate" && products.includes(role.product);
  });
}

function isUsableCrl(der: Uint8Array, ark: Certificate, { memo, primitives, now }: VerifyOptions): boolean {
  return unlessFault(() => isUsable(memo.crl(der, primitives).value, ark, now)) ?? false;
}

function askedChipId(report: Report, products: readonly ProductLine[]): Uint8Array {
  return products.includes("turin") ? report.chipId.slice(0, TURIN_CHIP_ID_BYTES) : report.chipId;
}

/** What does not parse is not at hand; verification says why, if it comes to that. */
function unlessFault<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
