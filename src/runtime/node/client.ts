/** How does a program on Node become an attested guest? The library's door: provider and broker in, a session out. */
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { openSession, type Session, type SessionParts } from "../../client/session.ts";
import { createTransitClient, type TransitClient } from "../../client/transit-client.ts";
import type { GuestPosture } from "../../policy/guest-posture.ts";
import { type BrokerAddress, sessionPartsOf, trustedBrokerOf } from "./broker-way.ts";
import { makeGuestSigner } from "./guest-key.ts";
import { openProvider, type ProviderPlaces } from "./providers.ts";

export interface ConnectOptions extends BrokerAddress {
  /** Who asks the hardware. */
  readonly provider: EvidenceProvider;
  /**
   * What this program says of its guest beside each piece of evidence: {@link kernelPosture}, or a posture of its own, whose checks
   * have names of its own.
   */
  readonly posture?: () => Promise<GuestPosture>;
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
  return openSession(broker, partsOf(options, provider), signal);
}

function partsOf({ posture, ...options }: ConnectOptions, provider: EvidenceProvider): SessionParts {
  return { ...sessionPartsOf(options, provider), ...(posture === undefined ? {} : { posture }) };
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
  const parts = partsOf(options, provider);
  const session = await openSession(broker, parts, signal);
  return {
    ...createTransitClient({ session, broker, key: makeGuestSigner() }, parts),
    close: session.close,
  };
}

/** What `agent doctor` sees of this guest by itself: a `posture` for {@link connect}, for as it stands or with a program's checks added. */
export async function kernelPosture(): Promise<GuestPosture> {
  const { lookAtMachine } = await import("./machine-posture.ts");
  return lookAtMachine();
}

/**
 * The provider of a Linux guest.
 *
 * @throws {@link Fault} `provider/unavailable`: this is no SEV-SNP guest, or its kernel does not show it.
 */
export function kernelProvider(places: ProviderPlaces = {}): Promise<EvidenceProvider> {
  return openProvider(places);
}
