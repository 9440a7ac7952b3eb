/** By which OpenID providers do admins sign in? `[[oidc]]`: whom to believe, for which client, and how somebody has to show who they are. */
import * as v from "valibot";
import type { ProviderPlan } from "../oidc/plan.ts";
import { isIssuer } from "../policy/accounts.ts";
import { duration, isEachOnce, table } from "./config-fields.ts";

/** Asymmetric alone: a secret that both sides have is no signature, and `none` is none. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
const USUAL_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"] as const;

const issuer = v.pipe(
  v.string(),
  v.check(isIssuer, "an https URL without query, or one of http://127.0.0.1 to try things out"),
);
const word = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,256}$/, "at most 256 characters without spaces"));

function words<T extends v.GenericSchema<string, string>>(one: T) {
  return v.pipe(
    v.array(one),
    v.check((list) => list.length <= 16 && isEachOnce(list), "at most 16, each once"),
  );
}

export const OIDC = v.pipe(
  v.array(
    table({
      issuer,
      client_id: word,
      audiences: v.optional(words(word), []),
      algorithms: v.optional(
        v.pipe(
          words(v.picklist(ALGORITHMS)),
          v.check((list) => list.length > 0, "at least one"),
        ),
        [...USUAL_ALGORITHMS],
      ),
      jwks_uri: v.optional(v.pipe(v.string(), v.regex(/^https?:\/\/[^\s#@]{1,1000}$/, "a URL"))),
      max_age: v.optional(duration(1, 30 * 86_400)),
      acr: v.optional(words(word), []),
      amr: v.optional(words(word), []),
      session: v.optional(duration(60, 8 * 3600), "30m"),
    }),
  ),
  v.check(
    (list) => list.length <= 8 && isEachOnce(list.map((read) => read.issuer)),
    "at most 8, each `issuer` once",
  ),
);

/** Whether none of them is this broker itself: what it gives to guests opens no session. */
export function areOthers(
  providers: v.InferOutput<typeof OIDC>,
  ownUrls: readonly (string | undefined)[],
): boolean {
  const own = ownUrls.flatMap((url) => (url === undefined ? [] : [url, `${url}/.well-known/jwks.json`]));
  return providers.every(
    ({ issuer: name, jwks_uri: at }) =>
      !own.includes(name.replace(/\/$/, "")) && (at === undefined || !own.includes(at)),
  );
}

export function providerPlansOf(read: v.InferOutput<typeof OIDC>): readonly ProviderPlan[] {
  return read.map(({ issuer: name, client_id: clientId, jwks_uri, max_age, session, ...rules }) => ({
    ...rules,
    issuer: name,
    clientId,
    sessionSeconds: session,
    ...(jwks_uri === undefined ? {} : { jwksUri: jwks_uri }),
    ...(max_age === undefined ? {} : { maxAgeSeconds: max_age }),
  }));
}
