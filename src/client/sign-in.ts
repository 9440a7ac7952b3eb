/** How does somebody come to a session of a broker by a provider? The broker's challenge, and an ID token that was made for it. */
import * as wire from "../wire/sign-in.ts";
import type { SignedIn, SignIn, SignInOffer } from "../wire/sign-in-messages.ts";
import { fetchBounded, type Send } from "./bounded-fetch.ts";

/** @throws {@link Fault} `login/not-offered`, `broker/unreachable`. */
export async function fetchSignInOffer(url: string, fetch: Send): Promise<SignInOffer> {
  return wire.decodeSignInOffer(await fetchBounded(pathAt(url), fetch, {}));
}

/** @throws {@link Fault} `login/…`, `broker/unreachable`. */
export async function sendSignIn(url: string, request: SignIn, fetch: Send): Promise<SignedIn> {
  const sending = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: wire.encodeSignIn(request),
  };
  return wire.decodeSignedIn(await fetchBounded(pathAt(url), fetch, sending));
}

function pathAt(url: string): string {
  return `${url}/v1/sign-in`;
}
