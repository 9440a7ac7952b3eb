/** What lies between a guest and its broker? A TCP relay of a test's own, that cuts, stands still, or leads somewhere else. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach } from "vitest";

/** What happens to one connection. */
export type Passage =
  | { readonly kind: "through" }
  /** Cut after so many bytes of that direction have passed. */
  | { readonly kind: "cut"; readonly direction: "up" | "down"; readonly after: number }
  /** Accepted, and never a byte. */
  | { readonly kind: "silent" }
  /** To another port: a name that resolves to somebody else. */
  | { readonly kind: "astray"; readonly port: number };

export interface BadRoad {
  readonly port: number;
  /** How many connections came. */
  readonly connections: () => number;
}

const running: { readonly server: Server; readonly sockets: Set<Socket> }[] = [];

afterEach(async () => {
  for (const { server, sockets } of running.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done)); // in order: few
  }
});

/** Leads to `port` of this machine; the plan's passages are for the first connections, all others go through. */
export async function badRoad(port: number, plan: readonly Passage[]): Promise<BadRoad> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const passage = plan[connections] ?? { kind: "through" };
    connections += 1;
    keep(client, sockets);
    if (passage.kind !== "silent")
      relay(client, keep(connect(passage.kind === "astray" ? passage.port : port), sockets), passage);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  running.push({ server, sockets });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("a port");
  return { port: address.port, connections: () => connections };
}

function keep(socket: Socket, sockets: Set<Socket>): Socket {
  sockets.add(socket);
  socket.on("error", () => undefined);
  return socket;
}

function relay(client: Socket, server: Socket, passage: Passage): void {
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  client.on("close", end);
  server.on("close", end);
  carry(client, server, leftOf(passage, "up"), end);
  carry(server, client, leftOf(passage, "down"), end);
}

function leftOf(passage: Passage, direction: "up" | "down"): number {
  return passage.kind === "cut" && passage.direction === direction ? passage.after : Infinity;
}

function carry(from: Socket, to: Socket, limit: number, end: () => void): void {
  let left = limit;
  from.on("data", (bytes) => {
    if (left < bytes.length) to.write(bytes.subarray(0, left), end);
    else to.write(bytes);
    left -= bytes.length;
  });
}
