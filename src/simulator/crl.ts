/** How does AMD write a CRL? Version 2, signed by the ARK; every part can be given otherwise. */
import type { KeyObject } from "node:crypto";
import { addSeconds, type Instant } from "../base/time.ts";
import {
  authorityKeyId,
  nameOf,
  pssForm,
  SIMULATOR_MARK,
  signed,
  type WrittenExtension,
  writeExtension,
} from "./certificate.ts";
import { element, integer, sequence, time } from "./der.ts";

const YEAR_SECONDS = 31_536_000;

export interface CrlPlan {
  /** CRLNumber; `undefined` leaves the extension out. */
  readonly number: number | bigint | undefined;
  readonly thisUpdate: Instant;
  readonly nextUpdate?: Instant;
  readonly revokedSerials: readonly bigint[];
  /** Common name of the issuer, or a whole Name in DER. */
  readonly issuer: string | Uint8Array;
  readonly signingKey: KeyObject;
  /** The key that the authority key identifier names; the signing key where nothing is said. */
  readonly authorityKey?: KeyObject;
  /** `false` leaves the authority key identifier out. */
  readonly hasAuthorityKeyId?: boolean;
  readonly extraExtensions?: readonly WrittenExtension[];
  readonly hasMark?: boolean;
  /** `true` spoils the signature. */
  readonly isForged?: boolean;
  /** Bytes behind the CRL. */
  readonly trailing?: Uint8Array;
}

/** Writes and signs a CRL. */
export function writeCrl(plan: CrlPlan): Uint8Array {
  const form = pssForm("sha384", false);
  const { thisUpdate, revokedSerials } = plan;
  const revoked = revokedSerials.map((serial) => sequence(integer(serial), time(thisUpdate)));
  const extensions = [
    ...(plan.hasAuthorityKeyId === false ? [] : [authorityKeyId(plan.authorityKey ?? plan.signingKey)]),
    ...(plan.number === undefined ? [] : [{ oid: "2.5.29.20", value: integer(plan.number) }]),
    ...(plan.hasMark === false ? [] : [SIMULATOR_MARK]),
    ...(plan.extraExtensions ?? []),
  ];
  const tbs = sequence(
    integer(1),
    form.algorithm,
    nameOf(plan.issuer),
    time(thisUpdate),
    time(plan.nextUpdate ?? addSeconds(thisUpdate, YEAR_SECONDS)),
    ...(revoked.length === 0 ? [] : [sequence(...revoked)]),
    element(0xa0, sequence(...extensions.map(writeExtension))),
  );
  return signed({ tbs, form, key: plan.signingKey }, plan);
}
