/** How does a guest reach a broker where nothing rests on the connection? By node:http or node:https, one connection for an attempt: binding 3. */
import type { Agent as HttpAgent } from "node:http";
import type { OpenChannel } from "../client/channel.ts";
import { createGuestClient } from "../client/guest.ts";
import { sendOver } from "./http-sending.ts";
import { Agent, request } from "./node-http.ts";

const ONE = { keepAlive: true, maxSockets: 1 } as const;

/** Binding 3. Each attempt has a connection of its own, so that none is met that a broker or a proxy has closed meanwhile. */
export function anyChannel({ url }: { readonly url: string }): OpenChannel {
  return async () => {
    const { ask, agent } = await waysOf(url);
    const client = createGuestClient({ url, fetch: sendOver(ask, agent) });
    return { client, carrier: { binding: 3 }, close: () => agent.destroy() };
  };
}

async function waysOf(url: string): Promise<{ readonly ask: typeof request; readonly agent: HttpAgent }> {
  if (!url.startsWith("https:")) return { ask: request, agent: new Agent(ONE) };
  const https = await import("node:https");
  return { ask: https.request, agent: new https.Agent(ONE) };
}
