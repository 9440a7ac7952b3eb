/** By which way does a guest reach its broker, and what of that way goes into the transcript? PROTOCOL section 4. */
import type { GuestClient } from "./guest.ts";

/** What evidence is bound to, beside nonce and one-use key. */
export type Carrier =
  | { readonly binding: 3 }
  | {
      readonly binding: 1;
      /** DER SubjectPublicKeyInfo of the leaf that the broker showed. */
      readonly brokerSpki: Uint8Array;
      /** The same of the leaf that this guest shows: its certificate carries the evidence. */
      readonly guestSpki: Uint8Array;
    }
  | {
      readonly binding: 2;
      /** The exporter of this very connection (RFC 9266): 32 bytes that are never sent. */
      readonly cb: Uint8Array;
      /** DER SubjectPublicKeyInfo of the leaf that the broker showed on it. */
      readonly brokerSpki: Uint8Array;
    };

/** One way to the broker, for one attempt: challenge and evidence go the same way or not at all. */
export interface BrokerChannel {
  readonly client: GuestClient;
  readonly carrier: Carrier;
  readonly close: () => void;
}

/** Opens a way for one attempt. @throws {@link Fault} `broker/unreachable`. */
export type OpenChannel = (signal: AbortSignal) => Promise<BrokerChannel>;

/** Binding 3: any connection will do, since nothing rests on it. */
export function applicationChannel(client: GuestClient): OpenChannel {
  return async () => ({ client, carrier: { binding: 3 }, close: () => undefined });
}
