/** Who signs people in, in a test? A certified OpenID provider on a port of this machine, and a person with a browser that keeps cookies. */
import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import Provider, { type DeviceCode } from "oidc-provider";

export const CLIENT = "ostiary-cli";

export interface ProviderAtHand {
  readonly issuer: string;
  /** Somebody opens this address, says who they are, and agrees. Ends where the browser ends up. */
  readonly visit: (url: string, login: string) => Promise<string>;
  /** The keys change: those of before are gone. */
  readonly rotate: () => void;
  /** Leaves the nonce out of what comes of device codes, as RFC 8628 does, which knows none. */
  readonly forgetNonces: () => void;
  readonly stop: () => Promise<void>;
}

/** @param port - Any free one unless said. */
export async function startProvider(port = 0, onUserCode?: (code: string) => void): Promise<ProviderAtHand> {
  let serve: RequestListener = () => undefined;
  const server = createServer((request, response) => serve(request, response));
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === "object" ? address?.port : port}`;
  const begin = (keepsNonces = true) => {
    const provider = new Provider(issuer, configuration([keyNamed(`key-${Date.now()}`)]));
    if (keepsNonces) keepNonces(provider);
    if (onUserCode !== undefined) provider.on("device_code.saved", ({ userCode }) => onUserCode(userCode));
    serve = provider.callback();
  };
  begin();
  return {
    issuer,
    visit: (url, login) => visited(url, login),
    rotate: () => begin(),
    forgetNonces: () => begin(false),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** This provider has a place for the nonce of a device code and puts nothing there; others do (Keycloak, Pocket ID). */
function keepNonces({ DeviceCode: { prototype } }: Provider): void {
  const { save } = prototype;
  prototype.save = function (this: DeviceCode, ttl?: number) {
    this.nonce ??= this.params?.nonce;
    return save.call(this, ttl);
  };
}

function keyNamed(kid: string): JsonWebKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

function configuration(keys: readonly JsonWebKey[]): Readonly<Record<string, unknown>> {
  return {
    jwks: { keys },
    clients: [
      {
        client_id: CLIENT,
        application_type: "native",
        token_endpoint_auth_method: "none",
        redirect_uris: ["http://127.0.0.1/callback"],
        response_types: ["code"],
        grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
      },
    ],
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ["of a test"] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  };
}

const MOST_PAGES = 20;

/** Follows redirects, posts the first form of each page with what it asks for, and stops where there is none. */
async function visited(from: string, login: string): Promise<string> {
  const cookies = new Map<string, string>();
  let next: { readonly url: string; readonly form?: URLSearchParams } = { url: from };
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { url, form } = next;
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form === undefined ? {} : { method: "POST", body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const text = await response.text();
    const location = response.headers.get("location");
    if (location !== null) {
      next = { url: new URL(location, url).href };
      continue;
    }
    const filled = formIn(text, login);
    if (filled === undefined) return `${response.status} ${text}`;
    next = { url: new URL(filled.action, url).href, form: filled.form };
  }
  throw new Error("the provider asks without end");
}

function formIn(html: string, login: string) {
  const [, action] = /<form[^>]* action="([^"]*)"/.exec(html) ?? [];
  if (action === undefined) return undefined;
  const form = new URLSearchParams();
  for (const [input] of html.matchAll(/<(?:input|button)[^>]*>/g)) {
    const [, name] = / name="([^"]*)"/.exec(input) ?? [];
    const [, value = ""] = / value="([^"]*)"/.exec(input) ?? [];
    if (name !== undefined && name !== "abort") form.set(name, value);
  }
  if (form.has("login")) form.set("login", login);
  if (form.has("password")) form.set("password", "any");
  if (html.includes("op.deviceConfirmForm")) form.set("confirm", "yes");
  return { action: action.replaceAll("&amp;", "&"), form };
}
