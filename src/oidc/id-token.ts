/** Does this ID token say who somebody is, to us, now? OpenID Connect Core section 3.1.3.7, and its nonce is that of one session. */
import type { JWTPayload, ProtectedHeaderParameters } from "jose";
import { Fault, isFault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { Identity } from "../broker/identity.ts";
import { isSubject } from "../policy/accounts.ts";
import type { IdTokenRules } from "./plan.ts";
import { keyName, type ProviderKeys } from "./provider-keys.ts";

export interface IdTokenCase {
  readonly rules: IdTokenRules;
  readonly keys: ProviderKeys;
  readonly nonce: string;
  readonly now: Instant;
}

const SKEW_SECONDS = 5;
/** A token is shown as soon as it is made. */
const MAX_TOKEN_AGE_SECONDS = 300;

/**
 * What a token says of itself is looked at first: whoever brings one that was not made for this session makes the broker ask nobody.
 *
 * @throws {@link Fault} `login/refused` for every deviation; `login/unavailable` where the keys cannot be had.
 */
export async function verifyIdToken(idToken: string, about: IdTokenCase): Promise<Identity> {
  const { rules, keys, nonce } = about;
  const { calculateJwkThumbprint, createLocalJWKSet, decodeJwt, decodeProtectedHeader } = await import(
    "jose"
  );
  const header = read(() => decodeProtectedHeader(idToken));
  refuseOtherHeader(header, rules);
  refuseOtherClaims(
    read(() => decodeJwt(idToken)),
    about,
  );
  const key = await keys.keyOf(header.kid);
  if (key === undefined) throw refused("a key that the provider publishes");
  const payload = await verifiedPayload(idToken, () => createLocalJWKSet({ keys: [{ ...key }] }), about);
  refuseOtherClaims(payload, { rules, nonce });
  const subject = personIn(payload, about);
  const thumbprint = await calculateJwkThumbprint({ ...key });
  return { subject, key: keyName(rules.issuer, key, thumbprint) };
}

type KeyLookup = ReturnType<typeof import("jose").createLocalJWKSet>;

/** Signature, issuer, audience and times. A library's word for what is wrong goes to the operator. */
async function verifiedPayload(
  idToken: string,
  lookup: () => KeyLookup,
  { rules, now }: IdTokenCase,
): Promise<JWTPayload> {
  const { jwtVerify } = await import("jose");
  try {
    const { payload } = await jwtVerify(idToken, lookup(), {
      issuer: rules.issuer,
      audience: rules.clientId,
      algorithms: [...rules.algorithms],
      clockTolerance: SKEW_SECONDS,
      maxTokenAge: MAX_TOKEN_AGE_SECONDS,
      requiredClaims: ["sub", "exp", "iat", "nonce"],
      currentDate: new Date(now * 1000),
    });
    return payload;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : "another one";
    throw refused(`an ID token that holds: ${why}`, thrown);
  }
}

/** `typ` says what a JWT is: tokens for access, and those that this broker gives to guests, are none of these. */
function refuseOtherHeader({ alg, typ }: ProtectedHeaderParameters, { algorithms }: IdTokenRules): void {
  if (alg === undefined || !algorithms.includes(alg))
    throw refused(`a signature by ${algorithms.join(", ")}`);
  if (typ !== undefined && String(typ).toUpperCase() !== "JWT") throw refused("an ID token");
}

/** Whom a token is from and for, and for which session: cheap, so that it is asked before and believed after the signature. */
function refuseOtherClaims(
  { iss, aud, azp, nonce }: JWTPayload,
  about: Pick<IdTokenCase, "rules" | "nonce">,
): void {
  const { issuer, clientId, audiences } = about.rules;
  if (iss !== issuer) throw refused(`an ID token of \`${issuer}\``);
  if (nonce !== about.nonce) throw refused("an ID token that was asked for with this challenge and key");
  const named = typeof aud === "string" ? [aud] : (aud ?? []);
  const others = named.filter((one) => one !== clientId);
  if (others.length === named.length) throw refused(`an ID token for \`${clientId}\``);
  if (others.some((one) => !audiences.includes(one))) throw refused(`an ID token for \`${clientId}\` alone`);
  if (azp === undefined ? others.length > 0 : azp !== clientId)
    throw refused(`an ID token that \`${clientId}\` asked for`);
}

/** Who it is that showed the provider so, in the way and at the time that is wanted. What a claim is, its type alone does not say. */
function personIn(payload: JWTPayload, { rules, now }: IdTokenCase): string {
  const { sub, auth_time: shownAt, acr, amr } = payload;
  if (typeof sub !== "string" || !isSubject(sub)) throw refused("a subject of at most 255 ASCII characters");
  const { maxAgeSeconds } = rules;
  if (maxAgeSeconds !== undefined) {
    const age = typeof shownAt === "number" ? now - shownAt : Number.POSITIVE_INFINITY;
    if (age > maxAgeSeconds + SKEW_SECONDS || age < -SKEW_SECONDS)
      throw refused(`somebody who was asked within the last ${maxAgeSeconds} s`);
  }
  if (rules.acr.length > 0 && !rules.acr.some((wanted) => wanted === acr))
    throw refused(`an authentication of the class ${rules.acr.join(" or ")}`);
  const methods: readonly unknown[] = Array.isArray(amr) ? amr : [];
  if (!rules.amr.every((wanted) => methods.includes(wanted)))
    throw refused(`an authentication by ${rules.amr.join(" and ")}`);
  return sub;
}

function read<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw isFault(thrown) ? thrown : refused("a JWT", thrown);
  }
}

function refused(expected: string, cause?: unknown): Fault {
  return new Fault("login/refused", `expected ${expected}`, {}, cause);
}
