/** `/v1/sign-in`: a session for whoever an OpenID provider vouches for. */
import { offerSignIn, signIn } from "../../broker/sign-in.ts";
import * as wire from "../../wire/sign-in.ts";
import type { Route } from "../route.ts";

const PATH = "/v1/sign-in";

const offerRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "The OpenID providers by which admins sign in, and a challenge for one sign-in",
  audience: "anyone",
  isRateLimited: true,
  answer: wire.SIGN_IN_OFFER,
  serve: async (_incoming, { world }) => ({ body: wire.encodeSignInOffer(await offerSignIn(world)) }),
};

const signInRoute: Route = {
  method: "POST",
  path: PATH,
  summary: "A session of an admin for an ID token that was made for this challenge and this key",
  audience: "anyone",
  isRateLimited: true,
  request: wire.SIGN_IN,
  answer: wire.SIGNED_IN,
  serve: async ({ body }, { world }) => ({
    status: 201,
    body: wire.encodeSignedIn(await signIn(wire.decodeSignIn(body), world)),
  }),
};

export const signInRoutes: readonly Route[] = [offerRoute, signInRoute];
