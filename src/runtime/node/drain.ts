/** How does a listener end in order? It takes no connection any more; those without a request in work end at once, the others after it. */
import type { Server } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Socket } from "node:net";

export type Listener = Server | Http2SecureServer;

/** Of a request and its answer, in either version of HTTP. */
interface Answer {
  readonly once: (event: "close", then: () => void) => unknown;
}

const DRAIN_MS = 10_000;

/** Watches a listener, which is to be called before it listens. @returns What ends it. */
export function drainable(server: Listener): () => Promise<void> {
  const sockets = new Set<Socket>();
  let inWork = 0;
  let onIdle = (): void => undefined;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("request", (_request: unknown, answer: Answer) => {
    inWork += 1;
    answer.once("close", () => {
      inWork -= 1;
      if (inWork === 0) onIdle();
    });
  });
  return () =>
    new Promise((resolve) => {
      const endAll = (): void => {
        for (const socket of sockets) socket.destroySoon();
      };
      const force = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, DRAIN_MS);
      server.close(() => {
        clearTimeout(force);
        resolve();
      });
      onIdle = endAll;
      if (inWork === 0) endAll();
    });
}
