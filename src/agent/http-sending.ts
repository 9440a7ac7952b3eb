/** How is one request sent over node:http? Over connections of the agent it is given; nothing is followed, unpacked or asked again. */
import type { Agent, IncomingMessage, RequestOptions, request } from "node:http";
import type { Answer, Send } from "../client/bounded-fetch.ts";

/**
 * Makes the sender.
 *
 * @param ask - `request` of node:http or node:https.
 * @param agent - Whose connections are used: a socket that is there already, for one.
 */
export function sendOver(ask: typeof request, agent: Agent): Send {
  return (url, { method = "GET", headers = {}, body, signal }) =>
    new Promise((resolve, reject) => {
      const { hostname, port, pathname, search, host } = new URL(url);
      const options: RequestOptions = {
        agent,
        host: hostname.replace(/^\[|\]$/g, ""),
        port,
        path: `${pathname}${search}`,
        method,
        headers: { host, ...headers },
        ...(signal === undefined ? {} : { signal }),
      };
      const sent = ask(options);
      sent.once("error", reject);
      sent.once("response", (answer) => resolve(answerOf(answer)));
      sent.end(body);
    });
}

function answerOf(message: IncomingMessage): Answer {
  const { statusCode: status = 502 } = message;
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(message.headers)) {
    if (typeof value === "string") headers.set(name, value);
  }
  return { ok: status >= 200 && status < 300, status, headers, body: bodyOf(message) };
}

function bodyOf(message: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces: AsyncIterator<Uint8Array> = message[Symbol.asyncIterator]();
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => void message.destroy(),
  });
}
