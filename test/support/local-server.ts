/** How does a test stand up a server of its own? On a port of this machine, every answer as the test says, all of it closed after. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { afterEach } from "vitest";

export interface LocalServer {
  readonly url: string;
  readonly server: Server;
}

const running: Server[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map(closed));
});

/** Serves until the test ends. */
export async function localServer(listener: RequestListener): Promise<LocalServer> {
  const server = createServer(listener);
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", () => listening());
  });
  running.push(server);
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("a port");
  return { url: `http://127.0.0.1:${address.port}`, server };
}

export type Reply = (request: IncomingMessage, response: ServerResponse) => void;

function closed(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}
