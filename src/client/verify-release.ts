/** Is this answer from the broker that the guest trusts, for this very request? Checked before anything is opened. */
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { parseReleaseHeader, type ReleaseHeader, type SealedRelease } from "../channel/release-key.ts";
import type { Transcript } from "../channel/transcript.ts";
import type { ReleaseAnswer, WantedItem } from "../wire/messages.ts";
import { badRelease, refuseForgery, refuseUntimely, type SealContext, unseal } from "./open-sealed.ts";
import { audienceOf } from "./token-claims.ts";

/** What the guest knows by itself: nothing here comes from the answer. */
export interface ReleaseContext {
  /** Of the exchange, or of the request by a token that takes its place. */
  readonly transcript: {
    readonly binder: Uint8Array;
    readonly fields: Pick<Transcript["fields"], "suite" | "binding">;
  };
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
  /** Where one guest at a time may hold it: until when this one does, and the fencing token to show to whom it may concern. */
  readonly lease?: { readonly fence: number; readonly until: Instant };
  /** After how many seconds the policy wants new evidence. */
  readonly reattestSeconds?: number;
  /** Plaintext; the caller overwrites it when done. */
  readonly secret: Uint8Array;
}

/** No secret has such a name: a token for a registered audience, or the guest's own for the broker. */
function isToken(secretId: string): boolean {
  return secretId.startsWith("token/") || secretId === "attest";
}

/** One release with what it says of itself, and which of the wanted items it is. */
interface Item {
  readonly sealed: SealedRelease;
  readonly header: ReleaseHeader;
  readonly place: number;
}

/**
 * Verifies and opens every release of an answer (PROTOCOL section 6, steps 4 to 6): the whole set first, then each signature,
 * then what it seals.
 *
 * @returns In the order of what was wanted.
 * @throws {@link Fault} `channel/bad-release`; then nothing of the answer may be used, and what was opened is overwritten.
 */
export async function openReleases(
  answer: ReleaseAnswer,
  context: ReleaseContext,
): Promise<readonly OpenedRelease[]> {
  const items = itemsOf(answer, context);
  for (const { sealed, header } of items) {
    refuseForeignHeader(header, answer.decision, context);
    await refuseForgery(sealed, sealContextOf(context)); // in order: the first bad one ends it
  }
  const opened: Opened[] = [];
  try {
    for (const item of items) opened.push(await openItem(item, context)); // none before the last is good
    refuseSharedPlaces(opened);
    return opened.toSorted((a, b) => a.place - b.place).map(({ release }) => release);
  } catch (thrown) {
    for (const { release } of opened) release.secret.fill(0);
    throw thrown;
  }
}

interface Opened {
  readonly release: OpenedRelease;
  readonly place: number;
}

/** A token takes its place by the audience that it names, which is known now. */
async function openItem({ sealed, header, place }: Item, context: ReleaseContext): Promise<Opened> {
  const secret = await unseal(sealed, sealContextOf(context));
  const release = {
    secretId: header.secret_id,
    version: header.key_version,
    ...(header.lease === undefined ? {} : { lease: header.lease }),
    ...(header.reattest === undefined ? {} : { reattestSeconds: header.reattest }),
    secret,
  };
  if (!isToken(header.secret_id)) return { release, place };
  const aud = audienceOf(release.secret);
  return { release, place: context.wanted.findIndex((item) => "token" in item && item.token.aud === aud) };
}

function refuseSharedPlaces(opened: readonly Opened[]): void {
  const places = new Set(opened.map(({ place }) => place));
  if (places.size === opened.length && !places.has(-1)) return;
  throw badRelease("expected a token for each audience that was asked for, once");
}

/** `seq` and `of` complete and in order, each item once and asked for, everything there unless the guest said `partial`. */
function itemsOf({ releases }: ReleaseAnswer, { wanted, isPartial }: ReleaseContext): readonly Item[] {
  const headers = releases.map(({ header }) => parseReleaseHeader(header));
  const isCounted = headers.every(({ seq, of }, index) => seq === index && of === headers.length);
  if (!isCounted || headers.length === 0 || (!isPartial && headers.length !== wanted.length)) {
    throw badRelease(`expected ${wanted.length} releases in order, each once, received ${headers.length}`);
  }
  const open = openPlaces(wanted);
  return releases.flatMap((sealed, index) => {
    const header = headers[index];
    return header === undefined ? [] : [{ sealed, header, place: takePlace(header, open) }];
  });
}

/** `aud` for a token: under which name its audience is registered is the broker's to know. */
type Place =
  | { readonly index: number; readonly secret: string; readonly version: number | undefined }
  | { readonly index: number; readonly aud: string; readonly version: 0 };

/** Wanted items that nothing has come for yet; those of a certain version first, so that none takes another's place. */
function openPlaces(wanted: readonly WantedItem[]): Place[] {
  return wanted
    .map((item, index): Place => {
      if ("token" in item) return { index, aud: item.token.aud, version: 0 };
      return { index, secret: item.secret, version: item.version };
    })
    .toSorted((a, b) => Number(a.version === undefined) - Number(b.version === undefined));
}

function takePlace({ secret_id, key_version }: ReleaseHeader, open: Place[]): number {
  const isOf = (place: Place): boolean =>
    "secret" in place ? place.secret === secret_id : isToken(secret_id);
  const at = open.findIndex((place) => isOf(place) && (place.version ?? key_version) === key_version);
  const [place] = at < 0 ? [] : open.splice(at, 1);
  if (place === undefined) throw badRelease(`expected what was asked for, once, received \`${secret_id}\``);
  return place.index;
}

function refuseForeignHeader(header: ReleaseHeader, decision: string, context: ReleaseContext): void {
  const { fields } = context.transcript;
  if (header.suite !== fields.suite || header.binding !== fields.binding) {
    throw badRelease("expected the suite and binding of the request");
  }
  if (header.decision !== decision) throw badRelease("expected releases of one decision");
  refuseUntimely(header, context.now);
}

function sealContextOf({
  transcript,
  wrapPrivate,
  signingKey,
  now,
  primitives,
}: ReleaseContext): SealContext {
  const { binder, fields } = transcript;
  return { binder, suite: fields.suite, wrapPrivate, signingKey, now, primitives };
}
