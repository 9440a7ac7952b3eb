/** How does a guest write a secret? Sealed to a key that the broker signed; it believes only an answer that was sealed to this write. */
import { utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { wrapOf } from "../channel/suites.ts";
import { writeBinder } from "../channel/transit-binder.ts";
import { decodeSignedImportKey } from "../wire/import.ts";
import { thumbprintOf } from "../wire/thumbprint.ts";
import {
  decodeWriteAnswer,
  encodeGuestKeyRequest,
  encodeWriteRequest,
  IMPORT_KEY_PATH,
  parseWritten,
  writeUrlPath,
} from "../wire/write.ts";
import { type FetchParts, overSessions } from "./fetch.ts";
import { openSealed } from "./open-sealed.ts";
import type { OwnTokenPlan } from "./own-token.ts";
import { sealSecret } from "./seal-secret.ts";
import { useToken } from "./token-use.ts";
import { signingKeyOf, type TransitParts, type TransitPlace } from "./transit.ts";

/** What is written. */
export interface SecretWrite {
  readonly path: string;
  /** Stays with the caller, who overwrites it. */
  readonly secret: Uint8Array;
  /** The newest version that is expected, 0 for a new path; whichever it is where it is left out. */
  readonly cas?: number;
}

export interface Written {
  /** The id under which the broker's operator finds this write. */
  readonly decision: string;
  /** The number that the version got. */
  readonly version: number;
}

/**
 * Writes one version, under a token of this broker that is bound to the key of the place.
 *
 * @throws {@link Fault} the broker's no, `policy/denied` and `secret/other-version` among them; `broker/unreachable`;
 *   `broker/other-key` for a key to seal to that the broker did not sign; `channel/bad-release` for an answer that it did not make
 *   for this write.
 */
export async function writeSecret(
  write: SecretWrite & { readonly token: string },
  place: TransitPlace,
  parts: TransitParts,
): Promise<Written> {
  const { suite } = place.broker;
  const wrap = wrapOf(suite);
  const wrapPrivate = parts.random(wrap.privateKeySize);
  try {
    const wrapPub = await wrap.publicKeyOf(wrapPrivate, parts.primitives);
    const { answer, binder } = await asked(write, wrapPub, { place, parts });
    const plaintext = await openSealed(
      answer.sealed,
      { secretId: write.path, decision: answer.decision },
      {
        binder,
        wrapPrivate,
        suite,
        signingKey: signingKeyOf(place),
        now: parts.now(),
        primitives: parts.primitives,
      },
    );
    return { decision: answer.decision, version: parseWritten(plaintext) };
  } finally {
    wrapPrivate.fill(0);
  }
}

/**
 * Attests and writes, again where that helps. An answer that was lost on its way is asked for anew: then two versions of the same
 * bytes may stand there, or, with `cas`, the other version that stands in the way may be this guest's own.
 *
 * @throws {@link Fault} as `fetchSecrets`, and as {@link writeSecret}.
 */
export function putSecret(plan: OwnTokenPlan, write: SecretWrite, parts: FetchParts): Promise<Written> {
  const { key } = plan;
  return overSessions(plan, parts, async (session, broker) => {
    const { token } = await session.attest(key.jwk);
    return writeSecret({ ...write, token }, { session, broker, key }, parts);
  });
}

interface Way {
  readonly place: TransitPlace;
  readonly parts: TransitParts;
}

type Asked = SecretWrite & { readonly token: string };

/** Sends the request, and says by which hash its answer is known. */
async function asked(write: Asked, wrapPub: Uint8Array, way: Way) {
  const { broker, key } = way.place;
  const { primitives } = way.parts;
  const { audience, suite } = broker;
  const urlPath = writeUrlPath(write.path);
  const sealed = await sealedFor(write, way);
  const body = encodeWriteRequest({ suite, wrapPub, cas: write.cas, sealed });
  const bytes = await sent({ path: urlPath, body, method: "PUT" }, write.token, way);
  const jkt = thumbprintOf(key.jwk, primitives);
  const binder = writeBinder({ audience, urlPath, jkt, body: utf8(body) }, primitives);
  return { answer: decodeWriteAnswer(bytes), binder };
}

/** To a key that the pinned or proven signing key vouches for: whoever ends TLS on the way can put none of its own there. */
async function sealedFor({ path, secret: plaintext, token }: Asked, way: Way) {
  const { place, parts } = way;
  const { now, random, primitives } = parts;
  const suite = place.broker.suite === 2 ? 2 : 1;
  const bytes = await sent({ path: IMPORT_KEY_PATH, body: encodeGuestKeyRequest({ suite }) }, token, way);
  const key = decodeSignedImportKey(bytes);
  if (key.suite !== suite)
    throw new Fault("broker/other-key", "expected an import key of the suite asked for");
  const broker = { audience: place.broker.audience, signingKey: signingKeyOf(place) };
  const plan = { key, broker, path, use: "static", publicKey: new Uint8Array(0), plaintext } as const;
  return sealSecret(plan, { now: now(), random, primitives });
}

function sent(
  use: { readonly path: string; readonly body: string; readonly method?: "PUT" },
  token: string,
  { place, parts }: Way,
): Promise<Uint8Array> {
  const { broker, key, session } = place;
  const { now, random, primitives } = parts;
  const way = { session, parts: { now, random, digest: primitives.digest } };
  return useToken({ audience: broker.audience, ...use }, { token, ...key }, way);
}
