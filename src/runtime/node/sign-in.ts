/** How does somebody sign in by a provider from a command line? By a browser on this machine, or by a code typed into any other. */
import { decodeJwt } from "jose";
import * as oidc from "openid-client";
import { Fault, isFault } from "../../base/fault.ts";
import { signInNonce } from "../../channel/sign-in.ts";
import type { LoginOptions } from "../../cli/commands/admin-login.ts";
import type { SessionFile } from "../../cli/session-file.ts";
import { fetchSignInOffer, sendSignIn } from "../../client/sign-in.ts";
import type { SignedIn, SignInOffer } from "../../wire/sign-in-messages.ts";
import { brokerOf } from "./admin-session.ts";
import { systemNow } from "./clock.ts";
import { openLoopback } from "./loopback.ts";
import { nodePrimitives } from "./primitives.ts";
import { generateEd25519Pem, spkiOfPem } from "./signers.ts";

type Tell = (sentence: string) => void;
type Provider = SignInOffer["providers"][number];

/** The broker believes nothing of what is checked here: it judges the ID token itself. */
export async function signInByProvider(
  options: LoginOptions,
  tell: Tell,
): Promise<{ readonly file: SessionFile; readonly signedIn: SignedIn }> {
  const { url, audience } = await brokerOf(options);
  if (url === undefined || audience === undefined)
    throw new Fault("config/invalid", "expected --config FILE, or --broker URL");
  const offer = await fetchSignInOffer(url, globalThis.fetch).catch((thrown: unknown) => {
    if (!isFault(thrown, "request/not-found")) throw thrown;
    throw new Fault("login/not-offered", `expected \`${url}\` to have a provider to sign in by`, {}, thrown);
  });
  const provider = chosenOf(offer, options.issuer);
  const key = generateEd25519Pem();
  const spki = spkiOfPem(key);
  const { challenge } = offer;
  const nonce = signInNonce({ audience, challenge, spki }, nodePrimitives.digest);
  const idToken = await idTokenOf({ provider, nonce, offer, options, tell });
  const request = { issuer: provider.issuer, idToken, challenge, key: spki };
  const signedIn = await sendSignIn(url, request, globalThis.fetch).catch((thrown: unknown) => {
    throw withAccount(thrown, provider.issuer, idToken);
  });
  const { kid, session, expiresAt } = signedIn;
  return { file: { broker: url, audience, kid, session, key, expiresAt }, signedIn };
}

function chosenOf({ providers }: SignInOffer, issuer: string | undefined): Provider {
  const fitting = providers.filter((one) => issuer === undefined || one.issuer === issuer);
  const [provider] = fitting;
  if (provider !== undefined && fitting.length === 1) return provider;
  const known = providers.map((one) => one.issuer).join(", ");
  throw new Fault("config/invalid", `expected --issuer one of ${known}`);
}

/** Somebody whom the root is to add has to say who they are; the broker tells it to nobody but its log. */
function withAccount(thrown: unknown, issuer: string, idToken: string): unknown {
  if (!isFault(thrown) || thrown.code !== "admin/unauthorized") return thrown;
  const { sub = "" } = decodeJwt(idToken);
  const account = `${issuer} as ${sub}`.replace(/\P{ASCII}|\p{Cc}/gu, "?");
  return new Fault("login/refused", `the broker takes no sign-in of this account by ${account}`, {}, thrown);
}

interface SigningIn {
  readonly provider: Provider;
  readonly nonce: string;
  readonly offer: SignInOffer;
  readonly options: LoginOptions;
  readonly tell: Tell;
}

/** @throws {@link Fault} `login/failed` for whatever the provider, or nobody, says. */
async function idTokenOf(about: SigningIn): Promise<string> {
  const { provider, offer, options } = about;
  const seconds = Math.max(1, offer.expiresAt - systemNow());
  const signal = AbortSignal.timeout(seconds * 1000);
  try {
    const config = await discovered(provider);
    const work = options.isByDevice ? byDevice(config, about, signal) : byBrowser(config, about, signal);
    const { id_token: idToken } = await work;
    if (idToken !== undefined) return idToken;
  } catch (thrown) {
    if (isFault(thrown)) throw thrown;
    throw new Fault(
      "login/failed",
      `expected a sign-in by ${provider.issuer}: ${reasonOf(thrown)}`,
      {},
      thrown,
    );
  }
  throw new Fault("login/failed", `expected an ID token of ${provider.issuer}`);
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "it failed";
  const { cause } = thrown;
  const said = cause instanceof Error ? `${thrown.message}: ${cause.message}` : thrown.message;
  return said.replace(/\p{Cc}/gu, " ").slice(0, 300);
}

/** A client that has no secret, since nothing that is installed keeps one (RFC 8252 section 8.4). */
function discovered({ issuer, clientId }: Provider): Promise<oidc.Configuration> {
  const isHere = issuer.startsWith("http://127.0.0.1");
  return oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
    timeout: 10,
    execute: isHere ? [oidc.allowInsecureRequests] : [],
  });
}

function wantedOf({ nonce, provider: { maxAgeSeconds, acr } }: SigningIn): Record<string, string> {
  return {
    scope: "openid",
    nonce,
    ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
    ...(acr.length === 0 ? {} : { acr_values: acr.join(" ") }),
  };
}

/** RFC 8252: the browser comes back to a port of this machine, with a code that only we can use (RFC 7636). */
async function byBrowser(config: oidc.Configuration, about: SigningIn, signal: AbortSignal) {
  const { nonce, options, tell, provider } = about;
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const loopback = await openLoopback({ port: options.port ?? 0, state, signal });
  try {
    const url = oidc.buildAuthorizationUrl(config, {
      ...wantedOf(about),
      redirect_uri: loopback.url,
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    tell(`sign in by ${provider.issuer}: open\n${url.href}`);
    const cameBack = await loopback.cameBack;
    return await oidc.authorizationCodeGrant(config, cameBack, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
      ...(provider.maxAgeSeconds === undefined ? {} : { maxAge: provider.maxAgeSeconds }),
    });
  } finally {
    loopback.close();
  }
}

/**
 * RFC 8628. What the provider says for people is shown as far as it can be shown. That document knows no nonce: some providers keep the
 * one that is sent, and by those that do not nobody can be tied to a session.
 */
async function byDevice(config: oidc.Configuration, about: SigningIn, signal: AbortSignal) {
  const asked = await oidc.initiateDeviceAuthorization(config, wantedOf(about));
  const { verification_uri: at, user_code: code } = asked;
  const shown = (text: string) => text.replace(/\p{Cc}/gu, "?").slice(0, 500);
  about.tell(`sign in by ${about.provider.issuer}: open ${shown(at)} and type ${shown(code)}`);
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, asked, undefined, { signal });
  if (tokens.claims()?.nonce === about.nonce) return tokens;
  throw new Fault(
    "login/failed",
    "the provider leaves the nonce out of ID tokens for devices, so that anybody could use them: sign in without --device",
  );
}
