/** How does a guest reach its broker over TLS? One socket, opened and looked at first, and requests that go over it or not at all. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { equalBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { reasonOf, type Send } from "../client/bounded-fetch.ts";
import { sendOver } from "./http-sending.ts";
import { Agent, request } from "./node-http.ts";

export interface TlsBroker {
  /** `https://…`, without a trailing slash. */
  readonly url: string;
  /** PEM certificates to trust, and no others; the system's where it is left out. */
  readonly authorities?: string;
  /** DER SubjectPublicKeyInfo of the broker's leaf: then no authority and no name counts. */
  readonly pinnedSpki?: Uint8Array;
}

/** What the guest shows of itself in the handshake, in PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** One connection. One that drops is not opened again: what was bound to it went with it. */
export interface BrokerConnection {
  readonly socket: TLSSocket;
  /** DER SubjectPublicKeyInfo of the leaf that the broker showed. */
  readonly brokerSpki: Uint8Array;
  readonly send: Send;
}

/**
 * Opens a connection of TLS 1.3.
 *
 * @param shown - What the guest shows, where it shows anything.
 * @throws {@link Fault} `broker/unreachable`; `broker/other-tls-key` for another key than the pinned one. Nothing stays open then.
 */
export async function connectToBroker(
  broker: TlsBroker,
  signal: AbortSignal,
  shown?: ClientCertificate,
): Promise<BrokerConnection> {
  const socket = await connected(broker, signal, shown);
  try {
    const brokerSpki = leafOf(socket);
    refuseOtherPin(brokerSpki, broker);
    return {
      socket,
      brokerSpki,
      send: sendOver(request, new OneSocket({ keepAlive: true, maxSockets: 1 }, socket)),
    };
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

function connected(
  { url, authorities, pinnedSpki }: TlsBroker,
  signal: AbortSignal,
  shown: ClientCertificate | undefined,
): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = connect({
    host,
    port: Number(port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.key }),
    rejectUnauthorized: pinnedSpki === undefined,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["http/1.1"],
    ecdhCurve: "X25519MLKEM768:X25519:P-256",
  });
  const giveUp = (): void => void socket.destroy(new TimeLimit());
  signal.addEventListener("abort", giveUp, { once: true });
  return new Promise<TLSSocket>((resolve, reject) => {
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", (error) => reject(unreachable(url, error)));
  }).finally(() => signal.removeEventListener("abort", giveUp));
}

/** Its name is the reason that an operator reads. */
class TimeLimit extends Error {
  override readonly name = "TimeoutError";
}

function leafOf(socket: TLSSocket): Uint8Array {
  const { raw } = socket.getPeerCertificate();
  const key = new X509Certificate(raw).publicKey.export({ format: "der", type: "spki" });
  return new Uint8Array(key);
}

function refuseOtherPin(brokerSpki: Uint8Array, { pinnedSpki }: TlsBroker): void {
  if (pinnedSpki === undefined || equalBytes(brokerSpki, pinnedSpki)) return;
  throw new Fault("broker/other-tls-key", "expected the TLS key that configuration pins; nothing was sent");
}

/** An agent whose only connection is there already. */
class OneSocket extends Agent {
  #socket: TLSSocket | undefined;

  constructor(options: { readonly keepAlive: true; readonly maxSockets: 1 }, socket: TLSSocket) {
    super(options);
    this.#socket = socket;
  }

  override createConnection(): TLSSocket {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) throw new Error("the connection that the evidence is bound to is gone");
    return socket;
  }
}

function unreachable(url: string, cause: Error): Fault {
  const reason = reasonOf(cause);
  const expected = OFF_DATE.has(reason)
    ? `a TLS certificate of \`${url}\` that is valid at ${new Date().toISOString()}, this guest's clock: set the clock, or pin the broker's key, which has no dates`
    : `a TLS 1.3 connection to the broker at \`${url}\``;
  return new Fault("broker/unreachable", `expected ${expected}`, { reason }, cause);
}

/** What OpenSSL says of a certificate whose dates do not hold now. */
const OFF_DATE = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);
