/** How do programs of this machine reach the Vault surface? A port of the loopback, with TLS or said to be without, or a socket with an owner. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../base/fault.ts";
import { type Listening, type LocalOptions, type LocalPlace, listenLocally } from "../local-socket.ts";
import { answerOfFault, refusal, type VaultAnswer } from "./answer.ts";
import type { VaultHandler } from "./handle.ts";
import { boundedBody, headOfList, type Reading, readHead } from "./presented.ts";

/** Where, and for whom. */
export interface VaultPlace {
  readonly at: LocalPlace;
  /** PEM; the key is in this process alone. `undefined` on a socket, and on a port where the operator said so. */
  readonly tls: { readonly key: string; readonly certificate: string } | undefined;
  /** Of a socket. */
  readonly options: LocalOptions;
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

/** @throws {@link Fault} `config/invalid` where the place is taken or cannot be made. */
export async function listenForVault(place: VaultPlace, handle: VaultHandler): Promise<Listening> {
  const hosts = "socket" in place.at ? undefined : hostsOf(place.at);
  const server = serverOf(place, (incoming, outgoing) => void served(incoming, outgoing, { handle, hosts }));
  server.on("clientError", (error: { readonly rawPacket?: Uint8Array }, socket) => {
    void answeredList(error.rawPacket, socket, { handle, hosts });
  });
  const listening = await listenLocally(server, place.at, place.options);
  return {
    close: () => {
      server.closeIdleConnections();
      return listening.close();
    },
  };
}

/** What a program may call this place by. Any other name was made to point here by somebody. */
function hostsOf({ host, port }: { readonly host: string; readonly port: number }): ReadonlySet<string> {
  const literal = host.includes(":") ? `[${host}]` : host;
  return new Set([literal, "localhost"].flatMap((name) => [name, `${name}:${port}`]));
}

type Serve = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

function serverOf({ tls }: VaultPlace, serve: Serve): Server {
  if (tls === undefined) return createServer(LIMITS, serve);
  const { key, certificate: cert } = tls;
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
