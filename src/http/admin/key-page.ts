/** `/admin/key`: one plain page on which security keys are registered and asked. It is public; what it asks of the broker a key signs. */
import { Fault } from "../../base/fault.ts";
import { encodeKeyPagePlace, KEY_PAGE_PLACE } from "../../wire/key-page.ts";
import type { KeyPage, Outgoing, Route, ServingContext } from "../route.ts";

const PATH = "/admin/key";

/** Our own files and nothing else: no word of an attacker becomes script, no other page frames it, none of it goes elsewhere. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const pageRoute: Route = {
  method: "GET",
  path: PATH,
  summary: "The page for security keys",
  audience: "anyone",
  serve: async (_incoming, context) => ({
    ...(await fileOf("html", context)),
    contentType: "text/html; charset=utf-8",
    headers: { "content-security-policy": PAGE_POLICY },
  }),
};

const scriptRoute: Route = {
  method: "GET",
  path: `${PATH}.js`,
  summary: "The script of the page for security keys",
  audience: "anyone",
  serve: async (_incoming, context) => ({
    ...(await fileOf("script", context)),
    contentType: "text/javascript; charset=utf-8",
  }),
};

const styleRoute: Route = {
  method: "GET",
  path: `${PATH}.css`,
  summary: "The style of the page for security keys",
  audience: "anyone",
  serve: async (_incoming, context) => ({
    ...(await fileOf("style", context)),
    contentType: "text/css; charset=utf-8",
  }),
};

const placeRoute: Route = {
  method: "GET",
  path: `${PATH}.json`,
  summary: "For which broker, page and domain security keys sign here",
  audience: "anyone",
  answer: KEY_PAGE_PLACE,
  serve: async (_incoming, { world: { settings } }) => {
    const { audience, webauthn } = settings;
    if (webauthn === undefined) throw noPage();
    return { body: encodeKeyPagePlace({ audience, ...webauthn }) };
  },
};

export const keyPageRoutes: readonly Route[] = [pageRoute, scriptRoute, styleRoute, placeRoute];

async function fileOf(
  file: keyof KeyPage,
  { world, edges }: ServingContext,
): Promise<Pick<Outgoing, "body">> {
  if (world.settings.webauthn === undefined || edges.keyPage === undefined) throw noPage();
  return { body: (await edges.keyPage())[file] };
}

function noPage(): Fault {
  return new Fault("request/not-found", "expected a broker whose configuration has [webauthn]");
}
