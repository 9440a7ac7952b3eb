/** How does a program on Node become an attested guest? The library's door: provider and broker in, a session out. */
import { anyChannel } from "../../agent/any-channel.ts";
import { type GuestLeaf, raTlsChannel } from "../../agent/ra-tls-channel.ts";
import { tlsChannel } from "../../agent/tls-channel.ts";
import type { TlsBroker } from "../../agent/tls-connection.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { OfferedSuite } from "../../channel/suites.ts";
import type { OpenChannel } from "../../client/channel.ts";
import { openSession, type Session, type SessionParts, type TrustedBroker } from "../../client/session.ts";
import { createTransitClient, type TransitClient } from "../../client/transit-client.ts";
import type { BrokerPolicy } from "./broker-expectation.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { makeGuestSigner } from "./guest-key.ts";
import { nodePrimitives } from "./primitives.ts";
import { openProvider, type ProviderPlaces } from "./providers.ts";

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

export interface ConnectOptions extends BrokerAddress {
  /** Who asks the hardware. */
  readonly provider: EvidenceProvider;
  /** Ends the session, whatever it waits for. Thirty seconds where it is left out. */
  readonly signal?: AbortSignal;
}

const SESSION_MS = 30_000;

/**
 * Opens an attested session: the broker is appraised first, where `brokerPolicy` says by what; then each call proves this
 * guest anew.
 *
 * @throws {@link Fault} `config/invalid`, `file/unusable`, `policy/malformed` for what was configured; `broker/unreachable`;
 *   one `broker/…` for each check that the broker fails. Nothing of this guest was shown then.
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  const { provider, signal = AbortSignal.timeout(SESSION_MS) } = options;
  const broker = await trustedBrokerOf(options);
  return openSession(broker, sessionPartsOf(options, provider), signal);
}

/** A session that uses transit keys by name; `close` ends it. */
export interface TransitSession extends TransitClient {
  readonly close: () => void;
}

/**
 * Opens a session as {@link connect} does, with a key of this process alone that its tokens are bound to. A program that keeps it
 * for longer than a session lasts gives a `signal` of its own.
 *
 * @throws {@link Fault} as {@link connect}.
 */
export async function connectTransit(options: ConnectOptions): Promise<TransitSession> {
  const { provider, signal = AbortSignal.timeout(SESSION_MS) } = options;
  const broker = await trustedBrokerOf(options);
  const parts = sessionPartsOf(options, provider);
  const session = await openSession(broker, parts, signal);
  return {
    ...createTransitClient({ session, broker, key: makeGuestSigner() }, parts),
    close: session.close,
  };
}

/**
 * The provider of a Linux guest.
 *
 * @throws {@link Fault} `provider/unavailable`: this is no SEV-SNP guest, or its kernel does not show it.
 */
export function kernelProvider(places: ProviderPlaces = {}): Promise<EvidenceProvider> {
  return openProvider(places);
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
      return raTlsChannel(address, makeLeaf);
    case 2:
      return tlsChannel(address);
    case 3:
      return anyChannel(address);
  }
}

/** Loaded only where it is used, as is the next: most guests pin a key, and need no compiler of policies. */
async function expectedBroker(wanted: BrokerPolicy) {
  const { expectationOf } = await import("./broker-expectation.ts");
  return expectationOf(wanted);
}

/** Most guests make no certificate. */
async function makeLeaf(): Promise<GuestLeaf> {
  const { makeGuestLeaf } = await import("./guest-certificate.ts");
  return makeGuestLeaf();
}
