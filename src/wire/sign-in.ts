/** How is a sign-in by a provider written? An offer, an ID token with what it was asked for, a session. */
import * as v from "valibot";
import { ACCOUNT_ROLES } from "../policy/accounts.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { bytesField, bytesText, countField, instantField, instantText, textField } from "./fields.ts";
import type { SignedIn, SignIn, SignInOffer } from "./sign-in-messages.ts";

/** Length of an ID token that is looked at, in characters. */
const MAX_ID_TOKEN_LENGTH = 16 * 1024;
/** Length of a session, in characters: it travels in a header. */
export const MAX_SESSION_LENGTH = 4 * 1024;

const ISSUER = textField(256);
const ACR = v.array(textField(256));

export const SIGN_IN_OFFER = v.object({
  challenge: bytesField(1, 128),
  expiresAt: instantField(),
  providers: v.array(
    v.object({
      issuer: ISSUER,
      clientId: textField(256),
      maxAgeSeconds: v.exactOptional(countField(1)),
      acr: ACR,
    }),
  ),
});

export const SIGN_IN = v.strictObject({
  issuer: ISSUER,
  idToken: v.pipe(v.string(), v.maxLength(MAX_ID_TOKEN_LENGTH), v.regex(/^[\w-]+\.[\w-]+\.[\w-]*$/)),
  challenge: bytesField(1, 128),
  key: bytesField(1, 128),
});

export const SIGNED_IN = v.object({
  session: v.pipe(v.string(), v.maxLength(MAX_SESSION_LENGTH), v.regex(/^[\w.-]+$/)),
  kid: textField(128),
  person: textField(128),
  roles: v.array(v.picklist(ACCOUNT_ROLES)),
  under: v.array(textField(512)),
  expiresAt: instantField(),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeSignInOffer(bytes: Uint8Array): SignInOffer {
  return decode(SIGN_IN_OFFER, bytes, ANSWER);
}

export function encodeSignInOffer({ challenge, expiresAt, providers }: SignInOffer): string {
  return encode({
    challenge: bytesText(challenge),
    expiresAt: instantText(expiresAt),
    providers: providers.map(({ issuer, clientId, maxAgeSeconds, acr }) => {
      return { issuer, clientId, maxAgeSeconds, acr };
    }),
  });
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSignIn(bytes: Uint8Array): SignIn {
  return decode(SIGN_IN, bytes, REQUEST);
}

export function encodeSignIn({ issuer, idToken, challenge, key }: SignIn): string {
  return encode({ issuer, idToken, challenge: bytesText(challenge), key: bytesText(key) });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeSignedIn(bytes: Uint8Array): SignedIn {
  return decode(SIGNED_IN, bytes, ANSWER);
}

export function encodeSignedIn({ session, kid, person, roles, under, expiresAt }: SignedIn): string {
  return encode({ session, kid, person, roles, under, expiresAt: instantText(expiresAt) });
}
