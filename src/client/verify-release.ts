/** Is this answer from the broker that the guest trusts, for this very request? Checked before anything is opened. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { openBase } from "../channel/hpke.ts";
import {
  parseReleaseHeader,
  type ReleaseHeader,
  releaseInfo,
  releaseSignatureInput,
  type SealedRelease,
} from "../channel/release-key.ts";
import type { Transcript } from "../channel/transcript.ts";
import type { ReleaseAnswer, WantedItem } from "../wire/messages.ts";

/** What the guest knows by itself: nothing here comes from the answer. */
export interface ReleaseContext {
  readonly transcript: Transcript;
  readonly wrapPrivate: Uint8Array;
  readonly wanted: readonly WantedItem[];
  readonly isPartial: boolean;
  /** The broker's signing key that configuration pins, DER SubjectPublicKeyInfo. */
  readonly signingKey: Uint8Array;
  readonly now: Instant;
  readonly primitives: Primitives;
}

export interface OpenedRelease {
  readonly secretId: string;
  readonly version: number;
  /** Plaintext; the caller overwrites it when done. */
  readonly secret: Uint8Array;
}

const CLOCK_SKEW_SECONDS = 5;

/**
 * Verifies and opens every release of an answer (PROTOCOL section 6, steps 4 to 6): the whole set first, then each signature,
 * then what it seals.
 *
 * @throws {@link Fault} `channel/bad-release`; then nothing of the answer may be used.
 */
export async function openReleases(
  answer: ReleaseAnswer,
  context: ReleaseContext,
): Promise<readonly OpenedRelease[]> {
  const releases = answer.releases.map((sealed) => ({ sealed, header: parseReleaseHeader(sealed.header) }));
  refuseIncomplete(
    releases.map(({ header }) => header),
    context,
  );
  for (const { sealed, header } of releases) {
    refuseForeignHeader(header, answer.decision, context);
    await refuseForgery(sealed, context); // in order: the first bad one ends it
  }
  const opened: OpenedRelease[] = [];
  for (const { sealed, header } of releases) opened.push(await open(sealed, header, context)); // in order of seq
  return opened;
}

/** `seq` and `of` complete and in order, no item twice, everything asked for there unless the guest said `partial`. */
function refuseIncomplete(headers: readonly ReleaseHeader[], { wanted, isPartial }: ReleaseContext): void {
  const isCounted = headers.every(({ seq, of }, index) => seq === index && of === headers.length);
  const ids = new Set(headers.map(({ secret_id }) => secret_id));
  const isWhole = ids.size === headers.length && (isPartial || headers.length === wanted.length);
  if (!isCounted || !isWhole || headers.length === 0) {
    throw bad(`expected ${wanted.length} releases in order, each once, received ${headers.length}`);
  }
}

function refuseForeignHeader(header: ReleaseHeader, decision: string, context: ReleaseContext): void {
  const { fields } = context.transcript;
  const asked = context.wanted.find((item) => "secret" in item && item.secret === header.secret_id);
  if (asked === undefined) throw bad(`expected what was asked for, received \`${header.secret_id}\``);
  const version = "secret" in asked ? asked.version : undefined;
  if (version !== undefined && header.key_version !== version)
    throw bad("expected the version that was asked for");
  if (header.suite !== fields.suite || header.binding !== fields.binding) {
    throw bad("expected the suite and binding of the request");
  }
  if (header.decision !== decision) throw bad("expected releases of one decision");
  if (header.iat > context.now + CLOCK_SKEW_SECONDS || header.exp < context.now) {
    throw bad("expected a release of now; look at the clocks of guest and broker");
  }
}

/** The algorithm is the one of the pinned key, P-256: the header's word for it was compared, never followed. */
async function refuseForgery(sealed: SealedRelease, context: ReleaseContext): Promise<void> {
  const { transcript, signingKey, primitives } = context;
  const { header: aad, enc, ct, sig } = sealed;
  const signed = releaseSignatureInput({ binder: transcript.binder, aad, enc, ct });
  if (!(await primitives.verify("ecdsa-p256-sha256", signingKey, signed, sig))) {
    throw bad("expected a signature by the broker's pinned key over this release");
  }
}

async function open(
  sealed: SealedRelease,
  header: ReleaseHeader,
  context: ReleaseContext,
): Promise<OpenedRelease> {
  const { transcript, wrapPrivate, primitives } = context;
  const { header: aad, enc, ct } = sealed;
  const info = releaseInfo(transcript.binder);
  const secret = await openBase({ privateKey: wrapPrivate, enc, info, aad, ct }, primitives);
  if (secret === undefined) throw bad("expected a release sealed to this request's key");
  return { secretId: header.secret_id, version: header.key_version, secret };
}

function bad(message: string): Fault {
  return new Fault("channel/bad-release", message);
}
