/** `POST /v1/introspect`: does a token count now? (RFC 7662) */
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { introspect } from "../../broker/introspect.ts";
import {
  encodeIntrospection,
  INTROSPECTION,
  INTROSPECTION_REQUEST,
  readIntrospectionRequest,
} from "../../wire/token.ts";
import type { Route } from "../route.ts";

export const introspectRoute: Route = {
  method: "POST",
  path: "/v1/introspect",
  summary: "Whether a token counts now: to an admin of any, to a holder of those bound to its own key",
  audience: "token-holder",
  mediaType: "application/x-www-form-urlencoded",
  request: INTROSPECTION_REQUEST,
  answer: INTROSPECTION,
  serve: async ({ body, holder }, { world }) => {
    const { token } = readIntrospectionRequest(formOf(body));
    return { body: encodeIntrospection(await introspect(token, holder, world)) };
  },
};

/** RFC 6749 section 3.1: a parameter stands once. Those that nobody knows are ignored by who reads them. */
function formOf(body: Uint8Array): Readonly<Record<string, string>> {
  const text = parseUtf8(body);
  const form = new URLSearchParams(text);
  const names = [...form.keys()];
  if (text === undefined || new Set(names).size !== names.length) {
    throw new Fault("request/malformed", "expected a form in UTF-8, each parameter once");
  }
  return Object.fromEntries(form);
}
