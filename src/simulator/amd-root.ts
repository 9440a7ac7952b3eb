/** What would AMD's certificate authority be in software? ARK, ASK and ASVK of a product line, that issue leaves and CRLs. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { ProductLine } from "../attestation/snp/product.ts";
import type { TcbVersion } from "../attestation/snp/tcb.ts";
import { addSeconds, type Instant, instant } from "../base/time.ts";
import {
  authorityExtensions,
  type CertificatePlan,
  SIMULATOR_MARK,
  spkiOf,
  type WrittenExtension,
  writeCertificate,
} from "./certificate.ts";
import { type CrlPlan, writeCrl } from "./crl.ts";
import { integer, octetString, TAG, text } from "./der.ts";

const YEAR_SECONDS = 31_536_000;
/** 2024-01-01: long before any clock that a test or demo passes in. */
const MADE_AT = instant(1_704_067_200);

/** RSA-4096 keys of one product line; slow to make, so they are passed in and kept. */
export interface RootKeys {
  readonly ark: KeyObject;
  readonly ask: KeyObject;
  readonly asvk: KeyObject;
}

/** What a leaf says; every part can be given otherwise. */
export interface LeafPlan {
  readonly tcb: TcbVersion;
  /** The chip (64 bytes, Turin 8): given for a VCEK. */
  readonly chipId?: Uint8Array;
  /** The provider: given for a VLEK. */
  readonly cspId?: string;
  /** Public half of the chip's key. */
  readonly key: KeyObject;
  /** Any part of the certificate, over what the rest of the plan says. */
  readonly certificate?: Partial<CertificatePlan>;
  readonly issuerKey?: KeyObject;
  readonly productName?: string;
  readonly structVersion?: number;
}

export interface SimulatedRoot {
  readonly product: ProductLine;
  readonly keys: RootKeys;
  /** DER. */
  readonly ark: Uint8Array;
  readonly ask: Uint8Array;
  readonly asvk: Uint8Array;
  readonly issueVcek: (plan: LeafPlan) => Uint8Array;
  readonly issueVlek: (plan: LeafPlan) => Uint8Array;
  /** A CRL of this ARK; without overrides, number 1, nothing revoked, valid for a year from `thisUpdate`. */
  readonly crl: (plan: Partial<CrlPlan> & { readonly thisUpdate: Instant }) => Uint8Array;
  /** An intermediate that is not quite the usual one. */
  readonly intermediate: (
    kind: "vcek" | "vlek",
    changes: Partial<CertificatePlan>,
    issuerKey?: KeyObject,
  ) => Uint8Array;
  /** A root that is not quite the usual one, signed by its own key. */
  readonly authority: (changes: Partial<CertificatePlan>) => Uint8Array;
}

const SERIALS: Readonly<Record<ProductLine, bigint>> = { milan: 0x01n, genoa: 0x02n, turin: 0x03n };
const AMD = "1.3.6.1.4.1.3704.1";
const LEAF_PRODUCT: Readonly<Record<ProductLine, string>> = {
  milan: "Milan-B0",
  genoa: "Genoa",
  turin: "Turin",
};

export function generateRootKeys(): RootKeys {
  const make = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 4096 }).privateKey;
  return { ark: make(), ask: make(), asvk: make() };
}

/** Makes the authority of one product line. */
export function createSimulatedRoot(product: ProductLine, keys: RootKeys): SimulatedRoot {
  const names = namesOf(product);
  const written = (
    plan: Partial<CertificatePlan> & { readonly key: KeyObject; readonly isRoot: boolean },
    issuerKey = keys.ark,
  ) => writeCertificate(authorityPlan(product, plan, keys), issuerKey);
  const authority: SimulatedRoot["authority"] = (changes) =>
    written({ key: keys.ark, isRoot: true, subject: names.ark, serial: SERIALS[product] << 16n, ...changes });
  const intermediate: SimulatedRoot["intermediate"] = (kind, changes, issuerKey) => {
    const key = kind === "vcek" ? keys.ask : keys.asvk;
    const subject = kind === "vcek" ? names.ask : names.asvk;
    const serial = (SERIALS[product] << 16n) | (kind === "vcek" ? 0x0001n : 0x0101n);
    return written({ key, isRoot: false, subject, serial, ...changes }, issuerKey);
  };
  return {
    product,
    keys,
    ark: authority({}),
    ask: intermediate("vcek", {}),
    asvk: intermediate("vlek", {}),
    issueVcek: (plan) => issueLeaf(product, "vcek", plan, plan.issuerKey ?? keys.ask),
    issueVlek: (plan) => issueLeaf(product, "vlek", plan, plan.issuerKey ?? keys.asvk),
    crl: (plan) =>
      writeCrl({ number: 1, revokedSerials: [], issuer: names.ark, signingKey: keys.ark, ...plan }),
    intermediate,
    authority,
  };
}

function namesOf(product: ProductLine): {
  readonly ark: string;
  readonly ask: string;
  readonly asvk: string;
} {
  const title = titleOf(product);
  return { ark: `ARK-${title}`, ask: `SEV-${title}`, asvk: `SEV-VLEK-${title}` };
}

function titleOf(product: ProductLine): string {
  return `${product.slice(0, 1).toUpperCase()}${product.slice(1)}`;
}

function authorityPlan(
  product: ProductLine,
  plan: Partial<CertificatePlan> & { readonly key: KeyObject; readonly isRoot: boolean },
  keys: RootKeys,
): CertificatePlan {
  const { key, isRoot, ...changes } = plan;
  const names = namesOf(product);
  const kind = plan.subject === names.asvk ? "vlek" : "vcek";
  return {
    serial: 1n,
    issuer: names.ark,
    subject: names.ark,
    notBefore: MADE_AT,
    notAfter: addSeconds(MADE_AT, 25 * YEAR_SECONDS),
    spki: spkiOf(key),
    hasTrailer: true,
    extensions: authorityExtensions({
      key,
      crlUrl: `https://kds.simulator.invalid/${kind}/v1/${titleOf(product)}/crl`,
      ...(isRoot ? {} : { issuerKey: keys.ark }),
    }),
    ...changes,
  };
}

function issueLeaf(
  product: ProductLine,
  kind: "vcek" | "vlek",
  plan: LeafPlan,
  issuerKey: KeyObject,
): Uint8Array {
  const names = namesOf(product);
  return writeCertificate(
    {
      serial: 0n,
      issuer: kind === "vcek" ? names.ask : names.asvk,
      subject: kind === "vcek" ? "SEV-VCEK" : "SEV-VLEK",
      notBefore: MADE_AT,
      // A VLEK of AMD's lives one year. The simulator's outlives the demonstrations that are made of it.
      notAfter: addSeconds(MADE_AT, 7 * YEAR_SECONDS),
      spki: spkiOf(plan.key),
      hasTrailer: false,
      extensions: leafExtensions(product, plan),
      ...plan.certificate,
    },
    issuerKey,
  );
}

/** AMD's extensions of a leaf, in AMD's order; Turin has fmcSPL and no spl4. */
function leafExtensions(product: ProductLine, plan: LeafPlan): readonly WrittenExtension[] {
  const isTurin = product === "turin";
  const { tcb, chipId, cspId } = plan;
  const name =
    plan.productName ??
    (cspId === undefined ? LEAF_PRODUCT[product] : LEAF_PRODUCT[product].split("-")[0]) ??
    "";
  return [
    { oid: `${AMD}.1`, value: integer(plan.structVersion ?? (isTurin ? 1 : 0)) },
    { oid: `${AMD}.2`, value: text(TAG.ia5String, name) },
    ...(tcb.fmc === undefined ? [] : [level(9, tcb.fmc)]),
    level(1, tcb.bootloader),
    level(2, tcb.tee),
    ...(isTurin ? [level(3, tcb.snp), ...reserved(5, 6, 7)] : [...reserved(4, 5, 6, 7), level(3, tcb.snp)]),
    level(8, tcb.microcode),
    ...(chipId === undefined ? [] : [{ oid: `${AMD}.4`, value: chipId }]),
    ...(cspId === undefined ? [] : [{ oid: `${AMD}.5`, value: text(TAG.ia5String, cspId) }]),
    SIMULATOR_MARK,
  ];
}

function level(arc: number, value: number): WrittenExtension {
  return { oid: `${AMD}.3.${arc}`, value: integer(value) };
}

function reserved(...arcs: readonly number[]): readonly WrittenExtension[] {
  return arcs.map((arc) => level(arc, 0));
}

/** The wrapped form of a hwID, which only synthetic test data has. */
export function wrappedChipId(chipId: Uint8Array): Uint8Array {
  return octetString(chipId);
}
