/** How do events get to a syslog server? By its socket on this machine, by UDP, or over a connection that it has to end itself. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Fault, systemCodeOf } from "../base/fault.ts";
import type { AuditEvent } from "../wire/audit-event.ts";
import { framed, syslogMessage } from "./syslog-message.ts";
import { sendDatagrams } from "./unix-datagram.ts";

export type SyslogPlace =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "udp" | "tcp" | "tls"; readonly host: string; readonly port: number };

export interface SyslogParts {
  readonly place: SyslogPlace;
  /** Authorities in PEM in the place of the system's. */
  readonly authorities?: string;
  readonly hostname: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** @throws {@link Fault} `sink/unreachable`. */
export async function sendToSyslog(events: readonly AuditEvent[], parts: SyslogParts): Promise<void> {
  const messages = events.map((event) => syslogMessage(event, parts.hostname));
  const { place } = parts;
  try {
    if (place.kind === "unix") await sendDatagrams(place.path, messages);
    else if (place.kind === "udp") await sendByUdp(messages, place);
    else await sendByStream(messages.map(framed).join(""), parts);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const reason = systemCodeOf(thrown);
    throw new Fault(
      "sink/unreachable",
      `the syslog server cannot be reached (${reason})`,
      { reason },
      thrown,
    );
  }
}

/** Nobody says whether they arrive: UDP is for those who can do without some. */
async function sendByUdp(
  messages: readonly string[],
  { host, port }: { readonly host: string; readonly port: number },
) {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    for (const message of messages) {
      await new Promise<void>((sent, failed) => {
        socket.send(message, port, host, (error) => (error === null ? sent() : failed(error)));
      }); // in order
    }
  } finally {
    socket.close();
  }
}

/**
 * Syslog acknowledges nothing. So each batch has a connection of its own, which this side half closes: a server that closes the
 * other half without an error has read to the end. One that was cut off in between is sent the batch again.
 */
async function sendByStream(text: string, parts: SyslogParts): Promise<void> {
  const socket = connectionTo(parts);
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(parts.timeoutMs)]);
  const cut = (): void => void socket.destroy(tooSlow());
  signal.addEventListener("abort", cut, { once: true });
  try {
    const ended = once(socket, "end");
    socket.on("error", () => undefined); // `ended` has it
    socket.resume();
    socket.end(text);
    await ended;
    if (!socket.writableFinished) throw tooSlow();
  } finally {
    signal.removeEventListener("abort", cut);
    socket.destroy();
  }
}

function connectionTo({ place, authorities }: SyslogParts): Socket {
  if (place.kind !== "tcp" && place.kind !== "tls") throw new Fault("internal/invariant", "a stream");
  const { host, port } = place;
  if (place.kind === "tcp") return connectTcp({ host, port });
  return connectTls({
    host,
    port,
    minVersion: "TLSv1.2",
    ...(authorities === undefined ? {} : { ca: authorities }),
  });
}

function tooSlow(): Fault {
  return new Fault(
    "sink/unreachable",
    "expected the syslog server to take the events and to end the connection",
  );
}
