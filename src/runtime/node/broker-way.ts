/** Which way has a guest on Node to a broker, and by what does it know that broker? */
import { anyChannel } from "../../agent/any-channel.ts";
import type { GuestLeaf } from "../../agent/ra-tls-channel.ts";
import type { TlsBroker } from "../../agent/tls-connection.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { OfferedSuite } from "../../channel/suites.ts";
import type { OpenChannel } from "../../client/channel.ts";
import type { SessionParts, TrustedBroker } from "../../client/session.ts";
import type { BrokerPolicy } from "./broker-expectation.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { nodePrimitives } from "./primitives.ts";

/** Which broker, and how it is known. One of `signingKey` and `brokerPolicy` at least. */
export interface BrokerAddress extends TlsBroker {
  /** The identity of the broker, where it is not its address. */
  readonly audience?: string;
  /** The broker's signing key, DER SubjectPublicKeyInfo. */
  readonly signingKey?: Uint8Array;
  readonly brokerPolicy?: BrokerPolicy;
  /** 2: this very TLS connection, the default for https; 1: a client certificate that carries the evidence; 3: any path. */
  readonly binding?: 1 | 2 | 3;
  /** 1: X25519 (the default); 2: X-Wing. */
  readonly suite?: OfferedSuite;
}

/** @throws {@link Fault} `file/unusable`, `policy/malformed`, `endorsement/malformed`. */
export async function trustedBrokerOf(address: BrokerAddress): Promise<TrustedBroker> {
  const { url, audience = url, suite = 1, signingKey, brokerPolicy } = address;
  return {
    audience,
    suite,
    ...(signingKey === undefined ? {} : { signingKey }),
    ...(brokerPolicy === undefined ? {} : { expectation: await expectedBroker(brokerPolicy) }),
  };
}

/** What a session needs of this platform, but for the way to its broker. */
export function guestPartsOf(provider: EvidenceProvider): Omit<SessionParts, "open"> {
  return { provider, primitives: nodePrimitives, random: systemRandom, now: systemNow };
}

/** What a session with one broker needs of this platform. */
export function sessionPartsOf(address: BrokerAddress, provider: EvidenceProvider): SessionParts {
  return { ...guestPartsOf(provider), open: wayTo(address) };
}

export function wayTo(address: BrokerAddress): OpenChannel {
  const { url } = address;
  const { binding = url.startsWith("https:") ? 2 : 3 } = address;
  switch (binding) {
    case 1:
      return async (signal) =>
        (await import("../../agent/ra-tls-channel.ts")).raTlsChannel(address, makeLeaf)(signal);
    case 2:
      return async (signal) => (await import("../../agent/tls-channel.ts")).tlsChannel(address)(signal);
    case 3:
      return anyChannel(address);
  }
}

/** Loaded only where it is used, as are channels over TLS and the next: most guests pin a key, and need no compiler of policies. */
async function expectedBroker(wanted: BrokerPolicy) {
  const { expectationOf } = await import("./broker-expectation.ts");
  return expectationOf(wanted);
}

/** Most guests make no certificate. */
async function makeLeaf(): Promise<GuestLeaf> {
  const { makeGuestLeaf } = await import("./guest-certificate.ts");
  return makeGuestLeaf();
}
