/** `/admin/key`: one plain page on which security keys are registered and asked. It is public; what it asks of the broker a key signs. */
import { Fault } from "../../base/fault.ts";
import { encodeKeyPagePlace, KEY_PAGE_PLACE } from "../../wire/key-page.ts";
import type { KeyPage, Outgoing, Route } from "../route.ts";

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

interface PageFile {
  readonly file: keyof KeyPage;
  readonly path: string;
  readonly summary: string;
  readonly served: Omit<Outgoing, "body">;
}

const FILES: readonly PageFile[] = [
  {
    file: "html",
    path: PATH,
    summary: "The page for security keys",
    served: { contentType: "text/html; charset=utf-8", headers: { "content-security-policy": PAGE_POLICY } },
  },
  {
    file: "script",
    path: `${PATH}.js`,
    summary: "The script of the page for security keys",
    served: { contentType: "text/javascript; charset=utf-8" },
  },
  {
    file: "style",
    path: `${PATH}.css`,
    summary: "The style of the page for security keys",
    served: { contentType: "text/css; charset=utf-8" },
  },
];

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

export const keyPageRoutes: readonly Route[] = [...FILES.map(routeOf), placeRoute];

function routeOf({ file, path, summary, served }: PageFile): Route {
  const serve: Route["serve"] = async (_incoming, { world, edges }) => {
    if (world.settings.webauthn === undefined || edges.keyPage === undefined) throw noPage();
    return { ...served, body: (await edges.keyPage())[file] };
  };
  return { method: "GET", path, summary, audience: "anyone", serve };
}

function noPage(): Fault {
  return new Fault("request/not-found", "expected a broker whose configuration has [webauthn]");
}
