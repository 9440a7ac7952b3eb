/** Where do applications of this guest come to a door? A socket with an owner and a mode; one that systemd opened before is taken over. */
import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { connect, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { Fault, systemCodeOf } from "../base/fault.ts";
import type { FileRights } from "./tmpfs-file.ts";

/** A socket in the file system, or a port of this machine. */
export type LocalPlace = { readonly socket: string } | { readonly host: string; readonly port: number };

/** Sockets that the service manager opened before this process, by their path: who came meanwhile waits in their queue. */
export interface InheritedSockets {
  /** The descriptor, given out once. */
  readonly take: (path: string) => number | undefined;
}

export interface Listening {
  /** Takes nobody more, waits for those inside for a bounded time, and removes what was made. */
  readonly close: () => Promise<void>;
}

export interface LocalOptions {
  /** Of a socket; 0600 and this user's unless it is said. One that was inherited has its own. */
  readonly rights?: FileRights;
  readonly inherited?: InheritedSockets;
}

const OWNER_ONLY = 0o600;
/** Whoever holds more at once is served later, or not at all. */
const MAX_CONNECTIONS = 64;
const CLOSE_MS = 2000;

/**
 * Listens for applications of this machine.
 *
 * Where a socket is left by an agent that was killed, it is replaced; where somebody answers at it, or something else has the name, it is not.
 *
 * @throws {@link Fault} `config/invalid`.
 */
export async function listenLocally(
  server: Server,
  place: LocalPlace,
  { rights = {}, inherited }: LocalOptions = {},
): Promise<Listening> {
  server.maxConnections = MAX_CONNECTIONS;
  const inside = insideOf(server);
  if ("port" in place) {
    await listening(server, () => server.listen({ ...place, exclusive: true }), `port ${place.port}`);
    return { close: () => closed(server, inside) };
  }
  const { socket: path } = place;
  const fd = inherited?.take(path);
  if (fd !== undefined) await listening(server, () => server.listen({ fd }), path);
  else await listenAt(server, path, rights);
  return { close: () => closed(server, inside) };
}

async function listenAt(
  server: Server,
  path: string,
  { mode = OWNER_ONLY, uid, gid }: FileRights,
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await removeStale(path);
    await listening(server, () => bindPrivately(server, path), path);
    if (uid !== undefined || gid !== undefined) {
      await chown(path, uid ?? process.getuid?.() ?? 0, gid ?? process.getgid?.() ?? 0);
    }
    await chmod(path, mode);
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : unusable(path, thrown);
  }
}

/** Nobody may come between the making of the name and its mode: the mask is of this process, and what binds does not wait. */
function bindPrivately(server: Server, path: string): void {
  const mask = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(mask);
  }
}

function listening(server: Server, listen: () => void, name: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", (thrown) => failed(unusable(name, thrown)));
    server.once("listening", done);
    listen();
  });
}

async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch((thrown: unknown) => {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  });
  if (stats === undefined) return;
  if (!stats.isSocket() || (await answers(path))) {
    throw new Fault("config/invalid", `expected \`${path}\` to be free, or a socket that nobody serves`);
  }
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      done(true);
    });
    probe.once("error", (thrown) => done(systemCodeOf(thrown) !== "ECONNREFUSED"));
  });
}

function insideOf(server: Server): ReadonlySet<Socket> {
  const inside = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    inside.add(socket);
    socket.once("close", () => inside.delete(socket));
  });
  return inside;
}

function closed(server: Server, inside: ReadonlySet<Socket>): Promise<void> {
  return new Promise((done) => {
    const force = setTimeout(() => {
      for (const socket of inside) socket.destroy();
    }, CLOSE_MS);
    server.close(() => {
      clearTimeout(force);
      done();
    });
  });
}

function unusable(name: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("config/invalid", `expected to listen at \`${name}\` (${reason})`, { reason });
}
