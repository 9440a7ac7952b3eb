/** Does a chain of endorsements reach a pinned ARK, for this report? ARK → ASK → VCEK, or ARK → ASVK → VLEK. */
import { equalBytes, hexOf, isZero } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { FaultCode } from "../../base/fault-codes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { formatInstant, type Instant } from "../../base/time.ts";
import type { Evidence } from "../evidence.ts";
import { type ProductLine, productOf } from "../snp/product.ts";
import type { Report } from "../snp/report.ts";
import { refuseOutOfRange } from "../snp/signature.ts";
import { formatTcb, isSameTcb } from "../snp/tcb.ts";
import type { AmdExtensions } from "./amd-extensions.ts";
import { type CrlContext, judgeCrl, type ObtainedCrl, type RevocationFacts } from "./crl.ts";
import type { ChainMemo, Known } from "./memo.ts";
import { type Pool, poolOf } from "./pool.ts";
import { type EndorsementKind, isSimulated, refuseBadAuthority, refuseUnfitLeaf, roleOf } from "./profile.ts";
import type { ProviderTrust } from "./provider-chain.ts";
import type { TrustAnchor, TrustAnchors } from "./roots.ts";
import type { Certificate } from "./x509.ts";

/** Certificates and CRLs at hand, in DER, in any order, possibly too many: each is recognised by what it is. */
export interface Endorsements {
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly ObtainedCrl[];
}

export interface VerifyOptions {
  readonly now: Instant;
  readonly primitives: Primitives;
  readonly roots: TrustAnchors;
  readonly memo: ChainMemo;
  /** Who speaks for a cloud; nobody unless said. */
  readonly providers?: ProviderTrust;
  /** `required`: no good CRL, no yes. `if-present`: none at all is let pass, and every one that is given must serve. */
  readonly revocation: "required" | "if-present";
  /** The highest CRL number seen before; a lower one is refused. */
  readonly lowestCrlNumber?: (product: ProductLine) => bigint | undefined;
}

export interface VerifiedChain {
  readonly kind: EndorsementKind;
  readonly product: ProductLine;
  readonly leaf: Certificate;
  readonly extensions: AmdExtensions;
  readonly revocation?: RevocationFacts;
  readonly isSimulated: boolean;
}

interface Path {
  readonly anchor: TrustAnchor;
  readonly ark: Known<Certificate>;
  readonly intermediate: Known<Certificate>;
  readonly leaf: Known<Certificate>;
}

/** From least to most telling: of the paths that fail, the one that came furthest says why. */
const TELLING: readonly FaultCode[] = [
  "endorsement/missing",
  "endorsement/malformed",
  "endorsement/untrusted-root",
  "endorsement/kind-mismatch",
  "endorsement/product-mismatch",
  "endorsement/bad-signature",
  "endorsement/not-yet-valid",
  "endorsement/expired",
  "endorsement/crl-missing",
  "endorsement/crl-invalid",
  "endorsement/crl-stale",
  "endorsement/revoked",
  "endorsement/tcb-mismatch",
  "endorsement/chip-mismatch",
  "evidence/bad-signature",
];

/**
 * Verifies that the endorsements vouch for the key that signed this report, and that it did. SIGNING_KEY, the signed CPUID and
 * the signatures choose among candidates, never their order.
 *
 * @throws {@link Fault} the `endorsement/…` codes, `evidence/bad-signature`; with several candidates the most telling one.
 */
export async function verifyChain(
  evidence: Evidence,
  endorsements: Endorsements,
  options: VerifyOptions,
): Promise<VerifiedChain> {
  const pool = poolOf(endorsements.certificates, evidence.report.signingKey, options);
  const faults: Fault[] = [...pool.faults];
  for (const path of pathsOf(pool)) {
    try {
      return await verifyPath(path, evidence, { endorsements, options }); // in order: the first good one
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      faults.push(thrown);
    }
  }
  throw (
    mostTelling(faults) ?? new Fault("endorsement/missing", "expected a leaf, its intermediate and their ARK")
  );
}

function pathsOf({ leaves, intermediates, arks }: Pool): readonly Path[] {
  return leaves.flatMap((leaf) =>
    intermediates.flatMap((intermediate) =>
      arks.map(({ ark, anchor }) => ({ anchor, ark, intermediate, leaf })),
    ),
  );
}

function mostTelling(faults: readonly Fault[]): Fault | undefined {
  const rank = ({ code }: Fault): number => TELLING.indexOf(code);
  return faults.reduce<Fault | undefined>(
    (best, fault) => (best === undefined || rank(fault) > rank(best) ? fault : best),
    undefined,
  );
}

/** Rows 8 to 17 of the order of checks, for one choice of certificates. */
async function verifyPath(
  path: Path,
  evidence: Evidence,
  context: { readonly endorsements: Endorsements; readonly options: VerifyOptions },
): Promise<VerifiedChain> {
  const { options, endorsements } = context;
  const { anchor, ark, intermediate, leaf } = path;
  const { report } = evidence;
  const kind = report.signingKey;
  refuseOtherProduct(report, anchor.product);
  refuseMixedRoots(path);
  refuseOtherLine(path);
  refuseBadAuthority(ark.value, 1);
  refuseBadAuthority(intermediate.value, 0);
  await refuseUnsigned(path, options);
  const extensions = options.memo.extensions(leaf);
  refuseUnfitLeaf(leaf.value, extensions, { kind, product: anchor.product });
  for (const dated of [intermediate.value, leaf.value]) refuseOutOfDate(dated, options.now);
  const revocation = await revocationOf(endorsements.crls, path, options);
  refuseOtherTcb(extensions, report);
  refuseOtherChip(extensions, report);
  await refuseOtherSigner(evidence, leaf.value, options);
  return {
    kind,
    product: anchor.product,
    leaf: leaf.value,
    extensions,
    ...(revocation === undefined ? {} : { revocation }),
    isSimulated: anchor.isSimulated,
  };
}

/** The signed CPUID says the product; a v2 report has none, and the pinned anchor says it, never Turin: v2 has its layout not. */
function refuseOtherProduct(report: Report, product: ProductLine): void {
  const expected = report.cpuid === undefined ? undefined : productOf(report.cpuid);
  const isRight = expected === undefined ? product !== "turin" : product === expected;
  if (!isRight) {
    throw new Fault("endorsement/product-mismatch", "expected endorsements of the report's product line", {
      expected: expected ?? "milan or genoa",
      received: product,
    });
  }
}

/** An authority's name says its line, and so does the pin of its root: they agree. */
function refuseOtherLine({ anchor, ark, intermediate }: Path): void {
  for (const { value } of [ark, intermediate]) {
    const role = roleOf(value);
    if (role === undefined || role.is === "leaf" || role.product !== anchor.product) {
      throw new Fault(
        "endorsement/product-mismatch",
        `${value.commonName} is not of the root's product line`,
        {
          expected: anchor.product,
        },
      );
    }
  }
}

/** The simulator's mark must stand under the simulator's anchors, and must not under AMD's. */
function refuseMixedRoots({ anchor, ark, intermediate, leaf }: Path): void {
  if ([ark, intermediate, leaf].some(({ value }) => isSimulated(value) !== anchor.isSimulated)) {
    throw new Fault(
      "endorsement/untrusted-root",
      "expected AMD's certificates under AMD's roots, simulated ones under theirs",
    );
  }
}

async function refuseUnsigned({ ark, intermediate, leaf }: Path, options: VerifyOptions): Promise<void> {
  const links = [
    { signed: ark, issuer: ark },
    { signed: intermediate, issuer: ark },
    { signed: leaf, issuer: intermediate },
  ];
  for (const { signed, issuer } of links) {
    const isNamed = equalBytes(signed.value.issuer, issuer.value.subject);
    if (!isNamed || !(await options.memo.isSigned(signed, issuer, options.primitives))) {
      const message = `expected ${signed.value.commonName} to be signed by ${issuer.value.commonName}`;
      throw new Fault("endorsement/bad-signature", message);
    }
  }
}

/** A pinned ARK makes its own dates moot. @throws {@link Fault} `endorsement/not-yet-valid`, `endorsement/expired`. */
export function refuseOutOfDate({ commonName, notBefore, notAfter }: Certificate, now: Instant): void {
  if (now < notBefore) {
    throw new Fault(
      "endorsement/not-yet-valid",
      `${commonName} is valid from ${formatInstant(notBefore)} on`,
      {
        now: formatInstant(now),
      },
    );
  }
  if (now > notAfter) {
    throw new Fault("endorsement/expired", `${commonName} was valid until ${formatInstant(notAfter)}`, {
      now: formatInstant(now),
    });
  }
}

async function revocationOf(
  crls: readonly ObtainedCrl[],
  { ark, intermediate, anchor }: Path,
  options: VerifyOptions,
): Promise<RevocationFacts | undefined> {
  const { now, memo, primitives, revocation } = options;
  const chain = [intermediate.value, ark.value];
  const context: CrlContext = {
    ark,
    chain,
    now,
    memo,
    primitives,
    lowestNumber: options.lowestCrlNumber?.(anchor.product),
  };
  const good: RevocationFacts[] = [];
  const faults: Fault[] = [];
  for (const crl of crls) {
    try {
      good.push(await judgeCrl(crl, context)); // in order: at most a few
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      faults.push(thrown);
    }
  }
  const decisive =
    revocation === "if-present"
      ? mostTelling(faults)
      : faults.find(({ code }) => code === "endorsement/revoked");
  if (decisive !== undefined) throw decisive;
  const newest = good.reduce<RevocationFacts | undefined>((best, facts) => newer(best, facts), undefined);
  if (newest !== undefined || (revocation === "if-present" && crls.length === 0)) return newest;
  throw mostTelling(faults) ?? new Fault("endorsement/crl-missing", "expected a CRL of the chain's ARK");
}

function newer(best: RevocationFacts | undefined, facts: RevocationFacts): RevocationFacts {
  if (best === undefined || facts.number > best.number) return facts;
  return facts.number === best.number && facts.obtainedAt > best.obtainedAt ? facts : best;
}

function refuseOtherTcb(extensions: AmdExtensions, report: Report): void {
  if (isSameTcb(extensions.tcb, report.reportedTcb)) return;
  throw new Fault("endorsement/tcb-mismatch", "expected the certificate's TCB to equal REPORTED_TCB", {
    expected: formatTcb(report.reportedTcb),
    received: formatTcb(extensions.tcb),
  });
}

/** A VLEK names no chip. A masked CHIP_ID cannot be compared: that is a fact for policy, `report.chip_masked`. */
function refuseOtherChip({ hwid }: AmdExtensions, { chipId, signingKey }: Report): void {
  if (signingKey === "vlek" || isZero(chipId)) return;
  const size = hwid?.length ?? 0;
  const isSame = hwid !== undefined && equalBytes(chipId.slice(0, size), hwid) && isZero(chipId.slice(size));
  if (!isSame) {
    throw new Fault("endorsement/chip-mismatch", "expected the certificate's hwID to equal CHIP_ID", {
      expected: hexOf(chipId.slice(0, 8)),
      received: hwid === undefined ? "none" : hexOf(hwid.slice(0, 8)),
    });
  }
}

async function refuseOtherSigner(
  { signature, signedBytes }: Evidence,
  { spki, commonName }: Certificate,
  { primitives }: VerifyOptions,
): Promise<void> {
  refuseOutOfRange(signature);
  if (await primitives.verify("ecdsa-p384-sha384", spki, signedBytes, signature)) return;
  throw new Fault("evidence/bad-signature", `expected a signature by the ${commonName} over these bytes`);
}
