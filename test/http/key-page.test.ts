/** Who may open the page for security keys, and what may it do? Anyone; and nothing but what its own files say. */
import { describe, expect, it } from "vitest";
import { readKeyPage } from "../../src/runtime/node/key-page.ts";
import { PAGE, RP_ID } from "../support/security-key.ts";
import { AUDIENCE, brokerAtHand } from "./broker-at-hand.ts";

const FILES = ["/admin/key", "/admin/key.js", "/admin/key.css"] as const;

function served(webauthn: { readonly origin: string; readonly rpId: string } | undefined) {
  const change = (base: Parameters<NonNullable<Parameters<typeof brokerAtHand>[0]>>[0]) => ({
    settings: { ...base.settings, ...(webauthn === undefined ? {} : { webauthn }) },
  });
  return brokerAtHand(change, { keyPage: readKeyPage }).app;
}

describe("the page for security keys", () => {
  it("says where keys sign, and names the types of its files", async () => {
    const app = served({ origin: PAGE, rpId: RP_ID });
    const place = await app.request("/admin/key.json");
    expect(await place.json()).toEqual({ audience: AUDIENCE, origin: PAGE, rpId: RP_ID });
    const types = FILES.map(async (path) => (await app.request(path)).headers.get("content-type"));
    expect(await Promise.all(types)).toEqual([
      "text/html; charset=utf-8",
      "text/javascript; charset=utf-8",
      "text/css; charset=utf-8",
    ]);
  });

  it("may load its own files, ask its own broker, and nothing else; nobody frames it", async () => {
    const policy = (await served({ origin: PAGE, rpId: RP_ID }).request("/admin/key")).headers.get(
      "content-security-policy",
    );
    expect(policy?.split("; ")).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it("has no script but that file, and puts in text as text alone", async () => {
    const { html, script } = await readKeyPage();
    expect(html.match(/<script/g)).toEqual(["<script"]);
    expect(html).not.toMatch(/ on[a-z]+=| style=|javascript:/);
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function/);
  });

  it("is not there where the configuration names no page, or the platform has no files", async () => {
    const statuses = async (app: ReturnType<typeof served>, paths: readonly string[]) =>
      Promise.all(paths.map(async (path) => (await app.request(path)).status));
    const all = [...FILES, "/admin/key.json"];
    expect(await statuses(served(undefined), all)).toEqual([404, 404, 404, 404]);
    const change = (base: Parameters<NonNullable<Parameters<typeof brokerAtHand>[0]>>[0]) => ({
      settings: { ...base.settings, webauthn: { origin: PAGE, rpId: RP_ID } },
    });
    expect(await statuses(brokerAtHand(change).app, all)).toEqual([404, 404, 404, 200]);
  });
});
