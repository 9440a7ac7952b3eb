/** Has AMD revoked an intermediate? A CRL of this ARK, signed by it, within its own dates, or a fault that says what is wrong. */
import { equalBytes } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { formatInstant, type Instant } from "../../base/time.ts";
import { DER, elementsOf, parseDer } from "./der.ts";
import type { ChainMemo, Known } from "./memo.ts";
import { crlNumberOf, isSimulated, maySignCrls } from "./profile.ts";
import type { Certificate, Crl } from "./x509.ts";

/** A CRL and when it was fetched or imported; one that came with the evidence has no such time. */
export interface ObtainedCrl {
  readonly der: Uint8Array;
  readonly obtainedAt?: Instant;
}

export interface RevocationFacts {
  readonly number: bigint;
  readonly thisUpdate: Instant;
  readonly nextUpdate: Instant;
  /** When it was fetched or imported; its thisUpdate where it came with the evidence. */
  readonly obtainedAt: Instant;
}

export interface CrlContext {
  readonly ark: Known<Certificate>;
  readonly chain: readonly Certificate[];
  readonly now: Instant;
  readonly lowestNumber: bigint | undefined;
  readonly memo: ChainMemo;
  readonly primitives: Primitives;
}

const AUTHORITY_KEY_ID = "2.5.29.35";
const SUBJECT_KEY_ID = "2.5.29.14";
const CRL_NUMBER = "2.5.29.20";
const KEY_ID_TAG = 0x80;

/**
 * Judges one CRL for one chain. A revocation is for good, so a listed certificate is told before the CRL's number and dates.
 *
 * @throws {@link Fault} `endorsement/crl-invalid` (another issuer, bad signature, unknown critical extension, a number lower
 *   than one seen), `endorsement/crl-stale` (outside its dates, also when just fetched), `endorsement/revoked`.
 */
export async function judgeCrl(obtained: ObtainedCrl, context: CrlContext): Promise<RevocationFacts> {
  const { ark, memo, primitives, chain, now } = context;
  const known = memo.crl(obtained.der, primitives);
  const crl = known.value;
  if (!reading(() => isOf(crl, ark.value))) throw invalid("expected the CRL of the chain's own ARK");
  if (!maySignCrls(ark.value)) throw invalid("expected an ARK that may sign CRLs (cRLSign)");
  if (isSimulated(crl) !== isSimulated(ark.value)) throw invalid("expected a CRL of the same kind of root");
  refuseUnknownCritical(crl);
  const number = reading(() => numberOf(crl));
  if (!(await memo.isSigned(known, ark, primitives))) throw invalid("expected a signature by the ARK");
  refuseRevoked(chain, crl);
  if (context.lowestNumber !== undefined && number < context.lowestNumber) {
    throw invalid(`expected CRL number ${context.lowestNumber} or later, received ${number}`);
  }
  const nextUpdate = currentUntil(crl, now);
  return {
    number,
    thisUpdate: crl.thisUpdate,
    nextUpdate,
    obtainedAt: obtained.obtainedAt ?? crl.thisUpdate,
  };
}

/** Whether a CRL names this ARK as its issuer and is within its dates: enough to know that none needs fetching. */
export function isUsable(crl: Crl, ark: Certificate, now: Instant): boolean {
  return isOf(crl, ark) && crl.thisUpdate <= now && crl.nextUpdate !== undefined && now <= crl.nextUpdate;
}

/** Issuer name byte for byte, and the key identifiers where both are given. */
function isOf(crl: Crl, ark: Certificate): boolean {
  return equalBytes(crl.issuer, ark.subject) && hasKeyIdOf(crl, ark);
}

function hasKeyIdOf(crl: Crl, ark: Certificate): boolean {
  const authority = crl.extensions.get(AUTHORITY_KEY_ID);
  const subject = ark.extensions.get(SUBJECT_KEY_ID);
  if (authority === undefined || subject === undefined) return false;
  const keyId = elementsOf(parseDer(authority.value, DER.sequence).content).find(
    ({ tag }) => tag === KEY_ID_TAG,
  );
  return keyId !== undefined && equalBytes(keyId.content, parseDer(subject.value, DER.octetString).content);
}

function refuseUnknownCritical(crl: Crl): void {
  for (const { oid, isCritical } of crl.extensions.values()) {
    if (isCritical && oid !== CRL_NUMBER)
      throw invalid(`expected no unknown critical extension, received ${oid}`);
  }
}

function numberOf(crl: Crl): bigint {
  const extension = crl.extensions.get(CRL_NUMBER);
  if (extension === undefined) throw invalid("expected a CRL number");
  return crlNumberOf(extension.value);
}

function refuseRevoked(chain: readonly Certificate[], crl: Crl): void {
  const revoked = chain.find(({ serial }) => crl.revokedSerials.has(serial));
  if (revoked === undefined) return;
  throw new Fault("endorsement/revoked", `AMD revoked ${revoked.commonName}, serial ${revoked.serial}`, {
    serial: revoked.serial,
  });
}

function currentUntil(crl: Crl, now: Instant): Instant {
  const { thisUpdate, nextUpdate } = crl;
  if (nextUpdate !== undefined && thisUpdate <= now && now <= nextUpdate) return nextUpdate;
  throw new Fault("endorsement/crl-stale", "expected a CRL within its own dates", {
    from: formatInstant(thisUpdate),
    to: nextUpdate === undefined ? "unknown" : formatInstant(nextUpdate),
    now: formatInstant(now),
  });
}

/** What is malformed inside a CRL's extensions makes the CRL invalid, not the certificates. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (isFault(thrown, "endorsement/malformed")) throw invalid(thrown.message);
    throw thrown;
  }
}

function invalid(message: string): Fault {
  return new Fault("endorsement/crl-invalid", `CRL: ${message}`);
}
