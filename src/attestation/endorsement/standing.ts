/** Do these certificates and CRLs reach AMD's roots by themselves, for no report? What lies in a file, or was fetched ahead of time. */
import { equalBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { Instant } from "../../base/time.ts";
import type { ProductLine } from "../snp/product.ts";
import type { AmdExtensions } from "./amd-extensions.ts";
import { refuseOutOfDate } from "./chain.ts";
import { judgeCrl } from "./crl.ts";
import type { ChainMemo, Known } from "./memo.ts";
import { anchorOf } from "./pool.ts";
import { type EndorsementKind, isSimulated, refuseBadAuthority, refuseUnfitLeaf, roleOf } from "./profile.ts";
import type { TrustAnchor, TrustAnchors } from "./roots.ts";
import type { Certificate } from "./x509.ts";

export interface StandingOptions {
  readonly now: Instant;
  readonly primitives: Primitives;
  readonly roots: TrustAnchors;
  readonly memo: ChainMemo;
  readonly lowestCrlNumber: (product: ProductLine) => bigint | undefined;
}

export interface Standing {
  readonly authorities: readonly {
    readonly product: ProductLine;
    readonly kind: EndorsementKind;
    readonly intermediate: Uint8Array;
    readonly ark: Uint8Array;
  }[];
  readonly chips: readonly {
    readonly product: ProductLine;
    readonly extensions: AmdExtensions;
    readonly der: Uint8Array;
  }[];
  readonly crls: readonly {
    readonly product: ProductLine;
    readonly number: bigint;
    readonly der: Uint8Array;
  }[];
}

interface Root {
  readonly ark: Known<Certificate>;
  readonly anchor: TrustAnchor;
}

interface Authority extends Root {
  readonly kind: EndorsementKind;
  readonly intermediate: Known<Certificate>;
}

/**
 * Verifies all of it, or says what is wrong with one: each ARK is pinned, each intermediate signed by one of them, each VCEK by one of
 * those, each CRL by its ARK, of a number no lower than one seen; nothing is out of its dates or revoked.
 *
 * @throws {@link Fault} the `endorsement/…` codes. A VLEK is `endorsement/kind-mismatch`: providers' hosts bring theirs.
 */
export async function verifyStanding(
  pieces: { readonly certificates: readonly Uint8Array[]; readonly crls: readonly Uint8Array[] },
  options: StandingOptions,
): Promise<Standing> {
  const known = pieces.certificates.map((der) => options.memo.certificate(der, options.primitives));
  const roots = await rootsIn(known, options);
  const authorities = await authoritiesIn(known, roots, options);
  const chips: Standing["chips"][number][] = [];
  for (const leaf of known.filter(({ value }) => roleOf(value)?.is === "leaf"))
    chips.push(await chipOf(leaf, authorities, options)); // in order: each is a signature
  const crls: Standing["crls"][number][] = [];
  for (const der of pieces.crls) crls.push(await crlOf(der, { roots, authorities }, options)); // in order
  return {
    authorities: authorities.map(({ kind, anchor, intermediate, ark }) => ({
      product: anchor.product,
      kind,
      intermediate: intermediate.value.der,
      ark: ark.value.der,
    })),
    chips,
    crls,
  };
}

async function rootsIn(
  known: readonly Known<Certificate>[],
  options: StandingOptions,
): Promise<readonly Root[]> {
  const roots: Root[] = [];
  for (const ark of known) {
    const role = roleOf(ark.value);
    if (role === undefined)
      throw new Fault("endorsement/malformed", "expected one of AMD's certificate names");
    if (role.is !== "ark") continue;
    const anchor = anchorOf(ark.value, options);
    refuseBadAuthority(ark.value, 1);
    await refuseForged(ark, ark, options); // in order: three at most
    roots.push({ ark, anchor });
  }
  return roots;
}

async function authoritiesIn(
  known: readonly Known<Certificate>[],
  roots: readonly Root[],
  options: StandingOptions,
): Promise<readonly Authority[]> {
  const authorities: Authority[] = [];
  for (const intermediate of known) {
    const role = roleOf(intermediate.value);
    if (role?.is !== "intermediate") continue;
    const root = roots.find(({ anchor }) => anchor.product === role.product);
    if (root === undefined) throw missing(intermediate, "the ARK of its product line");
    refuseMixed(intermediate.value, root);
    refuseBadAuthority(intermediate.value, 0);
    refuseOutOfDate(intermediate.value, options.now);
    await refuseForged(intermediate, root.ark, options); // in order: few
    authorities.push({ ...root, kind: role.kind, intermediate });
  }
  return authorities;
}

async function chipOf(leaf: Known<Certificate>, authorities: readonly Authority[], options: StandingOptions) {
  const role = roleOf(leaf.value);
  if (role?.is !== "leaf" || role.kind !== "vcek")
    throw new Fault(
      "endorsement/kind-mismatch",
      "expected VCEKs alone: a VLEK comes with its provider's evidence",
    );
  for (const authority of authorities.filter(({ kind }) => kind === "vcek")) {
    if (!(await isSigned(leaf, authority.intermediate, options))) continue; // in order: three at most
    const { product } = authority.anchor;
    const extensions = options.memo.extensions(leaf);
    refuseMixed(leaf.value, authority);
    refuseUnfitLeaf(leaf.value, extensions, { kind: "vcek", product });
    refuseOutOfDate(leaf.value, options.now);
    return { product, extensions, der: leaf.value.der };
  }
  throw new Fault(
    "endorsement/bad-signature",
    `expected ${leaf.value.commonName} to be signed by an ASK that is here`,
  );
}

async function crlOf(
  der: Uint8Array,
  { roots, authorities }: { readonly roots: readonly Root[]; readonly authorities: readonly Authority[] },
  options: StandingOptions,
) {
  let last: unknown;
  for (const { ark, anchor } of roots) {
    const { product } = anchor;
    const below = authorities.filter((authority) => authority.ark === ark);
    const chain = [...below.map(({ intermediate }) => intermediate.value), ark.value];
    const { memo, primitives, now } = options;
    const context = { ark, chain, now, memo, primitives, lowestNumber: options.lowestCrlNumber(product) };
    try {
      const { number } = await judgeCrl({ der }, context); // in order: three at most
      return { product, number, der };
    } catch (thrown) {
      last = moreTelling(last, thrown);
    }
  }
  throw last ?? new Fault("endorsement/missing", "expected the ARK of each CRL beside it");
}

/** Of roots that a CRL is not by, none says more than the one that it is by. */
function moreTelling(before: unknown, now: unknown): unknown {
  const isForeign = now instanceof Fault && now.message.includes("own ARK");
  return before !== undefined && isForeign ? before : now;
}

function refuseMixed(value: Certificate, { anchor }: Root): void {
  if (isSimulated(value) === anchor.isSimulated) return;
  throw new Fault(
    "endorsement/untrusted-root",
    "expected AMD's certificates under AMD's roots, simulated ones under theirs",
  );
}

async function refuseForged(
  signed: Known<Certificate>,
  issuer: Known<Certificate>,
  options: StandingOptions,
): Promise<void> {
  if (await isSigned(signed, issuer, options)) return;
  const message = `expected ${signed.value.commonName} to be signed by ${issuer.value.commonName}`;
  throw new Fault("endorsement/bad-signature", message);
}

async function isSigned(
  signed: Known<Certificate>,
  issuer: Known<Certificate>,
  { memo, primitives }: StandingOptions,
): Promise<boolean> {
  const isNamed = equalBytes(signed.value.issuer, issuer.value.subject);
  return isNamed && memo.isSigned(signed, issuer, primitives);
}

function missing({ value }: Known<Certificate>, expected: string): Fault {
  return new Fault("endorsement/missing", `expected ${expected} beside ${value.commonName}`);
}
