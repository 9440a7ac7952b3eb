/** How does evidence ride in a client certificate? One connection for the nonce, one whose certificate holds the request: binding 1. */
import { equalBytes, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type Instant, instant } from "../base/time.ts";
import type { BrokerChannel, OpenChannel } from "../client/channel.ts";
import { createGuestClient, type EvidenceRequest, type GuestClient } from "../client/guest.ts";
import { encodeEvidenceRequest } from "../wire/release.ts";
import {
  type BrokerConnection,
  type ClientCertificate,
  connectToBroker,
  type TlsBroker,
} from "./tls-connection.ts";

/** A key that lives in this process alone, and certificates of its own for it. */
export interface GuestLeaf {
  /** DER SubjectPublicKeyInfo of a P-256 key. */
  readonly spki: Uint8Array;
  /** A certificate that holds `body` as evidence and ends when the nonce does. */
  readonly certify: (body: Uint8Array, until: Instant) => Promise<ClientCertificate>;
}

/**
 * Binding 1. Each way has a key of its own, each request a certificate and a connection. What follows a release goes over the
 * connection of its certificate, so that a token that is bound to it (`x5t#S256`) can be used.
 */
export function raTlsChannel(broker: TlsBroker, makeLeaf: () => Promise<GuestLeaf>): OpenChannel {
  return async (signal) => {
    const first = await connectToBroker(broker, signal);
    try {
      const leaf = await makeLeaf();
      const carrier = { binding: 1, brokerSpki: first.brokerSpki, guestSpki: leaf.spki } as const;
      return { ...wayOver(broker, leaf, first), carrier };
    } catch (thrown) {
      first.socket.destroy();
      throw thrown;
    }
  };
}

function wayOver(
  broker: TlsBroker,
  leaf: GuestLeaf,
  first: BrokerConnection,
): Omit<BrokerChannel, "carrier"> {
  let current = first;
  let nonceEnd = instant(0);
  const close = (): void => void current.socket.destroy();
  const client = () => createGuestClient({ url: broker.url, fetch: current.send });
  /** The evidence names the broker's key of the first connection: no other key is shown it. */
  const show = async (request: EvidenceRequest, signal: AbortSignal = never()): Promise<void> => {
    const certificate = await leaf.certify(utf8(encodeEvidenceRequest(request)), nonceEnd);
    close();
    current = await connectToBroker(broker, signal, certificate);
    if (equalBytes(current.brokerSpki, first.brokerSpki)) return;
    close();
    throw new Fault(
      "channel/bad-release",
      "expected the broker's TLS key to be that of the first connection",
    );
  };
  const guest: GuestClient = {
    challenge: async (...asked) => {
      const challenge = await client().challenge(...asked);
      nonceEnd = challenge.expiresAt;
      return challenge;
    },
    release: async (request, signal) => {
      await show(request, signal);
      return client().release(request, signal);
    },
    attest: async (request, signal) => {
      await show(request, signal);
      return client().attest(request, signal);
    },
    send: (path, init) => client().send(path, init),
  };
  return { client: guest, close };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
