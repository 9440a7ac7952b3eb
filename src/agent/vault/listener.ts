/** How do programs of this machine reach the Vault surface? A port of the loopback, with TLS or said to be without, or a socket with an owner. */
import { chmodSync, chownSync, lstatSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { answerOfFault, refusal, type VaultAnswer } from "./answer.ts";
import type { VaultHandler } from "./handle.ts";
import { boundedBody, headOfList, type Reading, readHead } from "./presented.ts";

/** A port of the loopback, or a socket in the file system. */
export type VaultPlace =
  | {
      readonly host: string;
      readonly port: number;
      /** PEM; the key is in this process alone. `undefined` where the operator said so. */
      readonly tls: { readonly key: string; readonly certificate: string } | undefined;
    }
  | { readonly socket: string; readonly mode: number; readonly owner: Owner | undefined };

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Listener {
  readonly close: () => Promise<void>;
}

const MAX_HEAD_BYTES = 16 * 1024;
/** A program that opens a connection says what it wants, and a database holds few. */
const LIMITS = {
  maxHeaderSize: MAX_HEAD_BYTES,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;
const MAX_CONNECTIONS = 128;
const CLOSING_MS = 2000;

/** @throws {@link Fault} `file/unusable` where the place is taken or cannot be made. */
export async function listenForVault(place: VaultPlace, handle: VaultHandler): Promise<Listener> {
  const hosts = "socket" in place ? undefined : hostsOf(place);
  const server = serverOf(place, (incoming, outgoing) => void served(incoming, outgoing, { handle, hosts }));
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", (error: { readonly rawPacket?: Uint8Array }, socket) => {
    void answeredList(error.rawPacket, socket, { handle, hosts });
  });
  await listening(server, place);
  return { close: () => closed(server, place) };
}

/** What a program may call this place by. Any other name was made to point here by somebody. */
function hostsOf({ host, port }: { readonly host: string; readonly port: number }): ReadonlySet<string> {
  const literal = host.includes(":") ? `[${host}]` : host;
  return new Set([literal, "localhost"].flatMap((name) => [name, `${name}:${port}`]));
}

type Serve = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

function serverOf(place: VaultPlace, serve: Serve): Server {
  if ("socket" in place || place.tls === undefined) return createServer(LIMITS, serve);
  const { key, certificate: cert } = place.tls;
  return createTlsServer({ ...LIMITS, key, cert, minVersion: "TLSv1.2", handshakeTimeout: 5000 }, serve);
}

interface Serving {
  readonly handle: VaultHandler;
  readonly hosts: ReadonlySet<string> | undefined;
}

async function served(incoming: IncomingMessage, outgoing: ServerResponse, serving: Serving): Promise<void> {
  const { method = "", url: target = "", headers } = incoming;
  const reading = readHead({ method, target, headers }, serving.hosts);
  const answer = await answerTo(reading, incoming, serving);
  if (outgoing.destroyed) return;
  const [status, fields, text] = written(answer);
  if (!incoming.complete) outgoing.setHeader("connection", "close"); // what is left of the body is nobody's next request
  outgoing.writeHead(status, fields).end(method === "HEAD" ? undefined : text);
}

async function answerTo(
  reading: Reading,
  incoming: IncomingMessage,
  { handle }: Serving,
): Promise<VaultAnswer> {
  if (reading.kind === "answer") return reading.answer;
  try {
    return await inTime(handle(reading.withBody(await boundedBody(incoming))));
  } catch (thrown) {
    return thrown instanceof Fault ? answerOfFault(thrown) : refusal(400, "vault/broken-off");
  }
}

/** Programs wait ten seconds and less, and some ask again only where they are answered. What comes later is let go where it was made. */
const ANSWER_MS = 9000;

async function inTime(answer: Promise<VaultAnswer>): Promise<VaultAnswer> {
  const timer = new AbortController();
  const late = sleep(ANSWER_MS, refusal(503, "broker/unreachable"), { signal: timer.signal, ref: false });
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
    await late.catch(() => undefined);
  }
}

function written({
  status,
  body,
}: VaultAnswer): readonly [number, Record<string, string>, string | undefined] {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const type = text === undefined ? {} : { "content-type": "application/json" };
  return [
    status,
    { ...type, "cache-control": "no-store", "content-length": String(Buffer.byteLength(text ?? "")) },
    text,
  ];
}

/** Node's parser ends a connection that says `LIST`; what it had read of it is answered first. */
async function answeredList(
  packet: Uint8Array | undefined,
  socket: Duplex,
  { handle, hosts }: Serving,
): Promise<void> {
  const head = headOfList(packet);
  if (!socket.writable) return void socket.destroy();
  const reading = head === undefined ? undefined : readHead(head, hosts);
  const answer =
    reading?.kind === "request"
      ? await inTime(handle(reading.withBody(new Uint8Array(0))))
      : (reading?.answer ?? refusal(400, "vault/malformed"));
  const [status, fields, text = ""] = written(answer);
  const lines = Object.entries({ ...fields, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} ${status === 200 ? "OK" : "No"}\r\n${lines.join("")}\r\n${text}`);
}

const NOBODY_ELSE = 0o177;

/** From its first moment a socket is its owner's alone: the mask holds while it is made, which is at once. */
function listening(server: Server, place: VaultPlace): Promise<void> {
  if ("socket" in place) removeOldSocket(place.socket);
  const name = "socket" in place ? place.socket : `${place.host}:${place.port}`;
  return new Promise((done, failed) => {
    server.once("error", (thrown) => failed(unusable(name, thrown)));
    server.once("listening", () => {
      try {
        if ("socket" in place) handOver(place);
        done();
      } catch (thrown) {
        server.close();
        failed(unusable(name, thrown));
      }
    });
    if (!("socket" in place))
      return void server.listen({ host: place.host, port: place.port, exclusive: true });
    const mask = process.umask(NOBODY_ELSE);
    try {
      server.listen({ path: place.socket, exclusive: true });
    } finally {
      process.umask(mask);
    }
  });
}

function handOver({ socket, mode, owner }: Extract<VaultPlace, { readonly socket: string }>): void {
  if (owner !== undefined) chownSync(socket, owner.uid, owner.gid);
  chmodSync(socket, mode);
}

/** Of a daemon that was killed. Anything but a socket stays, and is told. */
function removeOldSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path, { force: true });
}

function unusable(name: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `the Vault surface cannot be at \`${name}\` (${reason})`, { reason });
}

async function closed(server: Server, place: VaultPlace): Promise<void> {
  const ended = new Promise<void>((done) => void server.close(() => done()));
  server.closeIdleConnections();
  await Promise.race([ended, sleep(CLOSING_MS, undefined, { ref: false })]);
  server.closeAllConnections();
  await ended;
  if ("socket" in place) removeOldSocket(place.socket);
}
