/** Which TLS connection carries this request? Listener options and guards of PROTOCOL section 9; exporter and leaf, read from the socket. */
import { constants, type X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
} from "node:http2";
import { TLSSocket } from "node:tls";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { Channel } from "../../http/route.ts";

export interface TlsFiles {
  /** PEM: the leaf, then what stands between it and the root. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsOptions {
  readonly files: TlsFiles;
  /** Binding 1: guests are asked for a certificate. Whoever sends none is served too, by the other bindings. */
  readonly asksForCertificate: boolean;
}

const HANDSHAKE_MS = 10_000;
const EXPORTER_LABEL = "EXPORTER-Channel-Binding";
const EXPORTER_BYTES = 32;
const NO_CONTEXT = Buffer.alloc(0);

/** TLS 1.3 alone, no session tickets; the hybrid group first, since it keeps a recording from a later quantum computer. */
const HARDENED: SecureServerOptions = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  secureOptions: constants.SSL_OP_NO_TICKET,
  handshakeTimeout: HANDSHAKE_MS,
  ecdhCurve: "X25519MLKEM768:X25519:P-256",
  allowHTTP1: true,
};

/** What answers a request of either version of HTTP. */
export type TlsRequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** Certificates of guests vouch for themselves alone: what TLS thinks of their issuer is no verdict. */
const ASKING: SecureServerOptions = { requestCert: true, rejectUnauthorized: false };

/**
 * Makes the listener, for HTTP/2 and HTTP/1.1. A resumed session is closed before a request can be read from it: with a
 * resumption, whoever holds a session and not the guest's key would speak as the guest.
 *
 * @throws {@link Fault} `file/unusable`, `config/invalid` for a certificate and key that do not belong together.
 */
export function createTlsListener(
  { files, asksForCertificate }: TlsOptions,
  listener: TlsRequestListener,
): Http2SecureServer {
  const options = { ...HARDENED, ...pairOf(files), ...(asksForCertificate ? ASKING : {}) };
  const server = refusingMismatch(() => createSecureServer(options));
  server.prependListener("secureConnection", (socket: TLSSocket) => {
    if (isResumedOrOld(socket)) socket.destroy();
  });
  server.on("request", listener);
  return server;
}

function refusingMismatch<T>(make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : "unknown";
    throw new Fault("config/invalid", "expected a TLS certificate and the key that belongs to it", {
      reason,
    });
  }
}

/** Takes the certificate anew from its files for connections to come; those that are open stay as they are. */
export function reloadCertificate(server: Http2SecureServer, files: TlsFiles): void {
  const options = { ...HARDENED, ...pairOf(files) };
  refusingMismatch(() => server.setSecureContext(options));
}

function pairOf({ certFile, keyFile }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: fileOf(certFile), key: fileOf(keyFile) };
}

function fileOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${path}\` cannot be read (${reason})`, { path, reason });
  }
}

function isResumedOrOld(socket: TLSSocket): boolean {
  return socket.isSessionReused() || socket.getProtocol() !== "TLSv1.3";
}

const channels = new WeakMap<TLSSocket, Channel>();

/**
 * What binds evidence to the connection that carries a request: its exporter (RFC 9266), the key of the leaf that this side
 * showed on it, and the leaf that the guest showed. Nothing for a connection without TLS.
 *
 * @throws {@link Fault} `channel/wrong-listener` for a resumed session, should the guard on the connection ever have missed it.
 */
export function channelOf(socket: unknown): Channel {
  if (!(socket instanceof TLSSocket)) return {};
  if (isResumedOrOld(socket)) {
    throw new Fault("channel/wrong-listener", "expected a TLS 1.3 session that is not resumed");
  }
  const known = channels.get(socket);
  if (known !== undefined) return known;
  const leaf = socket.getX509Certificate()?.publicKey.export({ format: "der", type: "spki" });
  if (leaf === undefined) throw new Fault("internal/invariant", "expected a certificate of this listener");
  const exporter = socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, NO_CONTEXT);
  const channel = { cb: new Uint8Array(exporter), ownSpki: new Uint8Array(leaf), ...guestLeafOf(socket) };
  channels.set(socket, channel);
  return channel;
}

/**
 * The leaf whose key signed this handshake. Of what a guest sends beside it OpenSSL shows only an issuer: such a leaf carries no
 * evidence. One with a key that OpenSSL cannot read counts as none.
 */
function guestLeafOf(socket: TLSSocket): Channel {
  const leaf = socket.getPeerX509Certificate();
  const peerSpki = leaf === undefined ? undefined : spkiOf(leaf);
  if (leaf === undefined || peerSpki === undefined) return {};
  if (leaf.issuerCertificate !== undefined) return { peerSpki };
  return { peerSpki, peerCertificate: new Uint8Array(leaf.raw) };
}

function spkiOf(leaf: X509Certificate): Uint8Array | undefined {
  try {
    return new Uint8Array(leaf.publicKey.export({ format: "der", type: "spki" }));
  } catch {
    return undefined;
  }
}
