/** How does a guest of the KBS protocol show its session? One cookie; and it may show a token, where it has one. */

import type { Instant } from "../../base/time.ts";
import type { KbsShown } from "../../broker/kbs/holder.ts";

const NAME = "kbs-session-id";
const COOKIE = /^\s*kbs-session-id=([0-9a-f]{32})\s*$/;

/** The session's cookie, for whoever keeps cookies as browsers do: it is sent over TLS and to the KBS alone. */
export function cookieOf(
  { id, expiresAt }: { readonly id: string; readonly expiresAt: Instant },
  now: Instant,
): Readonly<Record<string, string>> {
  const ends = `Expires=${new Date(expiresAt * 1000).toUTCString()}; Max-Age=${Math.max(0, expiresAt - now)}`;
  return { "set-cookie": `${NAME}=${id}; ${ends}; Path=/kbs/v0; HttpOnly; Secure; SameSite=Strict` };
}

/** What a request shows. Of two cookies of the name, and of what is no id of ours, nothing is believed. */
export function shownIn(headers: Headers): KbsShown {
  const sessions = (headers.get("cookie") ?? "").split(";").flatMap(sessionIn);
  const [session] = sessions.length === 1 ? sessions : [];
  const token = /^Bearer ([\w.-]+)$/.exec(headers.get("authorization") ?? "")?.[1];
  return { ...(session === undefined ? {} : { session }), ...(token === undefined ? {} : { token }) };
}

function sessionIn(pair: string): readonly string[] {
  const id = COOKIE.exec(pair)?.[1];
  return id === undefined ? [] : [id];
}
