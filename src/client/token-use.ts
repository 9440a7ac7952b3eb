/** How does a guest use its token at the broker? With a proof of its key for each request (RFC 9449). */
import { base64UrlOf, utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { PublicJwk } from "../wire/messages.ts";
import { type Answer, readAnswer, type Sending } from "./bounded-fetch.ts";
import type { Session } from "./session.ts";

/** A token of the broker for itself, and the key that it is bound to. */
export interface HeldToken {
  readonly token: string;
  readonly jwk: PublicJwk;
  /** ES256, of that key. */
  readonly signer: Signer;
}

export interface UseParts {
  readonly now: () => Instant;
  readonly random: (size: number) => Uint8Array;
  readonly digest: Primitives["digest"];
}

/** One use: a path of the broker and a JSON body. */
export interface TokenUse {
  /** The broker's identity: what it compares `htu` with, wherever it is reached. */
  readonly audience: string;
  readonly path: string;
  readonly body: string;
  /** `POST` unless it is said. */
  readonly method?: "POST" | "PUT";
}

const JTI_SIZE = 16;

/**
 * Sends one request with the token. The broker's call for a nonce is answered, once.
 *
 * @throws {@link Fault} the broker's no; `broker/unreachable`.
 */
export async function useToken(
  use: TokenUse,
  held: HeldToken,
  { session, parts }: { readonly session: Pick<Session, "fetch">; readonly parts: UseParts },
): Promise<Uint8Array> {
  const send = async (nonce: string | undefined): Promise<Answer> => {
    const proof = await proofOf({ ...use, nonce }, held, parts);
    return reached(use.path, session, {
      method: methodOf(use),
      headers: {
        "content-type": "application/json",
        authorization: `DPoP ${held.token}`,
        dpop: proof,
      },
      body: use.body,
    });
  };
  const first = await send(undefined);
  const nonce = first.headers.get("dpop-nonce") ?? undefined;
  return readAnswer(first.status === 401 && nonce !== undefined ? await send(nonce) : first);
}

function methodOf({ method = "POST" }: TokenUse): string {
  return method;
}

async function reached(path: string, session: Pick<Session, "fetch">, init: Sending): Promise<Answer> {
  try {
    return await session.fetch(path, init);
  } catch (thrown) {
    if (isFault(thrown)) throw thrown;
    throw new Fault("broker/unreachable", `expected an answer of the broker at \`${path}\``, {}, thrown);
  }
}

interface ProofPlan extends TokenUse {
  readonly nonce: string | undefined;
}

/** RFC 9449 section 4.2. */
async function proofOf(plan: ProofPlan, held: HeldToken, { now, random, digest }: UseParts): Promise<string> {
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { ...held.jwk } };
  const claims = {
    jti: base64UrlOf(random(JTI_SIZE)),
    htm: methodOf(plan),
    htu: `${plan.audience}${plan.path}`,
    iat: now(),
    ath: base64UrlOf(digest("sha256", utf8(held.token))),
    nonce: plan.nonce,
    bh: base64UrlOf(digest("sha256", utf8(plan.body))),
  };
  const input = `${partOf(header)}.${partOf(claims)}`;
  return `${input}.${base64UrlOf(await held.signer.sign(utf8(input)))}`;
}

function partOf(value: JsonObject): string {
  return base64UrlOf(utf8(canonicalJson(value)));
}
