/** Is what was sealed from the broker that the guest trusts, and does it open? The part that a release and a use of a key share. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { formatInstant, type Instant } from "../base/time.ts";
import type { Suite } from "../channel/bindings.ts";
import {
  parseReleaseHeader,
  type ReleaseHeader,
  releaseSignatureInput,
  type SealedRelease,
} from "../channel/release-key.ts";
import { isOfferedSuite, wrapOf } from "../channel/suites.ts";

/** What the guest knows by itself: nothing here comes from the answer. */
export interface SealContext {
  /** The hash of what was asked. */
  readonly binder: Uint8Array;
  readonly suite: Suite;
  readonly wrapPrivate: Uint8Array;
  /** The broker's signing key, pinned or appraised, DER SubjectPublicKeyInfo. */
  readonly signingKey: Uint8Array;
  readonly now: Instant;
  readonly primitives: Primitives;
}

const CLOCK_SKEW_SECONDS = 5;

/**
 * Verifies and opens the one sealed thing of an answer: header first, then signature, then what it seals.
 *
 * @returns Plaintext; the caller overwrites it when done.
 * @throws {@link Fault} `channel/bad-release`.
 */
export async function openSealed(
  sealed: SealedRelease,
  expected: { readonly secretId: string; readonly decision: string },
  context: SealContext,
): Promise<Uint8Array> {
  const header = parseReleaseHeader(sealed.header);
  const { secret_id, key_version, decision, suite, of } = header;
  if (secret_id !== expected.secretId || key_version !== 0 || of !== 1) {
    throw badRelease("expected an answer about the key that was used");
  }
  if (decision !== expected.decision || suite !== context.suite) {
    throw badRelease("expected the decision that the answer names, and the suite of the request");
  }
  refuseUntimely(header, context.now);
  await refuseForgery(sealed, context);
  return unseal(sealed, context);
}

export function refuseUntimely({ iat, exp }: ReleaseHeader, now: Instant): void {
  if (iat <= now + CLOCK_SKEW_SECONDS && exp >= now) return;
  const clocks = `here ${formatInstant(now)}, the broker's ${formatInstant(iat)}`;
  throw badRelease(`expected a release of now: ${clocks}; set the clock that is wrong`);
}

/** The algorithm is the one of the pinned key, P-256: the header's word for it was compared, never followed. */
export async function refuseForgery(
  { header: aad, enc, ct, sig }: SealedRelease,
  { binder, signingKey, primitives }: SealContext,
): Promise<void> {
  const signed = releaseSignatureInput({ binder, aad, enc, ct });
  if (!(await primitives.verify("ecdsa-p256-sha256", signingKey, signed, sig))) {
    throw badRelease("expected a signature by the broker's pinned key over this release");
  }
}

export async function unseal(
  { header: aad, enc, ct }: SealedRelease,
  { binder, suite, wrapPrivate: privateKey, primitives }: SealContext,
): Promise<Uint8Array> {
  if (!isOfferedSuite(suite)) throw badRelease("expected a suite that this guest can open");
  const plaintext = await wrapOf(suite).open({ privateKey, binder, aad, enc, ct }, primitives);
  if (plaintext === undefined) throw badRelease("expected a release sealed to this request's key");
  return plaintext;
}

export function badRelease(message: string): Fault {
  return new Fault("channel/bad-release", message);
}
