/** Does a webhook hear what was signed, over TLS that it vouches for, and is anything but its yes a no? */
import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { makeTlsMaterial } from "../../src/runtime/node/tls-authority.ts";
import { postEvents, type WebhookParts } from "../../src/sinks/webhook.ts";
import { localServer } from "../support/local-server.ts";
import { eventsOf } from "./events.ts";

const KEY = utf8("k".repeat(32));
const NOW = instant(1_795_000_000);
const UNREACHABLE = { code: "sink/unreachable" };

function partsOf(url: string, more: Partial<WebhookParts> = {}): WebhookParts {
  const { hmac } = nodePrimitives;
  return {
    url,
    key: KEY,
    hmac,
    now: () => NOW,
    timeoutMs: 5000,
    signal: new AbortController().signal,
    ...more,
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of request) body += String(piece);
  return body;
}

describe("a webhook", () => {
  it("is sent events with a signature over the time and every byte of the body", async () => {
    const heard: { body: string; signature: string | undefined; type: string | undefined }[] = [];
    const { url } = await localServer(async (request, response) => {
      const { headers } = request;
      const signature = String(headers["ostiary-signature"]);
      heard.push({ body: await bodyOf(request), signature, type: headers["content-type"] });
      response.writeHead(204).end();
    });
    await postEvents(eventsOf(5, 3), partsOf(`${url}/hook?team=1`));
    const [{ body, signature, type } = expect.fail()] = heard;
    expect(JSON.parse(body)).toEqual({ schema: "ostiary.events/1", events: eventsOf(5, 3) });
    const mac = createHmac("sha256", KEY).update(`${NOW}.${body}`).digest("hex"); // as a receiver would
    expect([signature, type]).toEqual([`t=${NOW},v1=${mac}`, "application/json"]);
  });

  it.each([199, 300, 301, 304, 400, 401, 413, 429, 500, 503])(
    "has not heard where it answers %d",
    async (status) => {
      const { url } = await localServer((_request, response) => {
        response
          .writeHead(status === 199 ? 500 : status, { location: "http://127.0.0.1:1/" })
          .end("password=1");
      });
      const thrown = await postEvents(eventsOf(0, 1), partsOf(url)).catch((fault: unknown) => fault);
      expect(thrown).toMatchObject(UNREACHABLE);
      expect(String(thrown)).not.toContain("password");
    },
  );

  it("is given up where it hangs, drips, ends early, is not there, or the broker ends", async () => {
    const hangs = await localServer(() => undefined);
    const ends = await localServer((request) => request.socket.destroy());
    const short = { timeoutMs: 50 };
    await expect(postEvents(eventsOf(0, 1), partsOf(hangs.url, short))).rejects.toMatchObject(UNREACHABLE);
    await expect(postEvents(eventsOf(0, 1), partsOf(ends.url))).rejects.toMatchObject(UNREACHABLE);
    await expect(postEvents(eventsOf(0, 1), partsOf("http://127.0.0.1:1/"))).rejects.toMatchObject(
      UNREACHABLE,
    );
    const ending = new AbortController();
    const posted = postEvents(eventsOf(0, 1), partsOf(hangs.url, { signal: ending.signal }));
    ending.abort();
    await expect(posted).rejects.toMatchObject(UNREACHABLE);
  });

  it("has heard once its status is there, whatever it goes on to say", async () => {
    const { url } = await localServer((_request, response) => {
      response.writeHead(200).write("x".repeat(1 << 20)); // and never ends
    });
    await postEvents(eventsOf(0, 1), partsOf(url));
  });

  it("is believed under the authority of its configuration and its name, and under no other", async () => {
    const { certificate, key, authority } = await makeTlsMaterial("127.0.0.1", Date.now());
    const other = await makeTlsMaterial("127.0.0.1", Date.now());
    const server = createServer({ cert: certificate, key }, (_request, response) => void response.end());
    const port = await new Promise<number>((listening) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        listening(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    try {
      const url = `https://127.0.0.1:${port}/`;
      await postEvents(eventsOf(0, 1), partsOf(url, { authorities: authority }));
      for (const parts of [partsOf(url), partsOf(url, { authorities: other.authority })]) {
        await expect(postEvents(eventsOf(0, 1), parts)).rejects.toMatchObject(UNREACHABLE); // in order: two
      }
      const named = partsOf(`https://localhost:${port}/`, { authorities: authority });
      await expect(postEvents(eventsOf(0, 1), named)).rejects.toMatchObject(UNREACHABLE);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
