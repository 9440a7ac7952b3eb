/** Where does a browser come back to that somebody signed in with? A port of this machine, once, for who has the state (RFC 8252 section 7.3). */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Fault } from "../../base/fault.ts";

export interface Loopback {
  /** `redirect_uri`. */
  readonly url: string;
  /** The whole address that the browser came back to. */
  readonly cameBack: Promise<URL>;
  readonly close: () => void;
}

const PATH = "/callback";
const HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  connection: "close",
};

/** @throws {@link Fault} `login/failed` where the port is taken; `cameBack` where nobody comes in time. */
export async function openLoopback(wanted: {
  readonly port: number;
  readonly state: string;
  readonly signal: AbortSignal;
}): Promise<Loopback> {
  const { port, state, signal } = wanted;
  const { promise: cameBack, resolve, reject } = Promise.withResolvers<URL>();
  cameBack.catch(() => undefined); // whoever waits hears of it
  const origin = { url: "" };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", origin.url);
    const isIt = request.method === "GET" && url.pathname === PATH && url.searchParams.get("state") === state;
    answer(request, response, isIt);
    if (isIt) resolve(url);
  });
  signal.addEventListener("abort", () => reject(failed("somebody who comes back from the provider in time")));
  origin.url = await new Promise<string>((listening, failing) => {
    server.once("error", () => failing(failed(`port ${port} of this machine to be free`)));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      listening(`http://127.0.0.1:${typeof address === "object" ? address?.port : port}`);
    });
  });
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `${origin.url}${PATH}`, cameBack, close };
}

function answer(request: IncomingMessage, response: ServerResponse, isIt: boolean): void {
  request.resume();
  response.writeHead(isIt ? 200 : 404, HEADERS);
  response.end(isIt ? "You may close this page.\n" : "Nothing is here.\n");
}

function failed(expected: string): Fault {
  return new Fault("login/failed", `expected ${expected}`);
}
