/** One good exchange for each role and binding. */
import type { Binding, Role } from "../../src/channel/bindings.ts";
import type { TranscriptFields } from "../../src/channel/transcript.ts";

const NONE = new Uint8Array(0);

/** Fresh arrays at each call. Every field that the row may fill is filled. */
export function exchangeFields(): readonly TranscriptFields[] {
  return ([1, 2] as const).flatMap((role) => ([1, 2, 3] as const).map((binding) => fieldsFor(role, binding)));
}

export function fieldsFor(role: Role, binding: Binding): TranscriptFields {
  const isGuest = role === 1;
  const leaf = { guest: filled(91, 0x66), broker: filled(294, 0x44), signing: filled(91, 0x88) };
  return {
    role,
    binding,
    suite: isGuest ? 1 : 0,
    vmpl: 0,
    audience: "https://broker.example/c/0001",
    nonce: filled(isGuest ? 48 : 32, 0x11),
    ownNonce: filled(32, 0x22),
    cb: binding === 2 ? filled(32, 0x33) : NONE,
    attesterSpki: binding === 3 ? NONE : isGuest ? leaf.guest : leaf.broker,
    peerSpki: isGuest ? (binding === 3 ? leaf.signing : leaf.broker) : binding === 2 ? leaf.guest : NONE,
    wrapPub: isGuest ? filled(32, 0x55) : NONE,
    claimsHash: filled(64, 0x77),
  };
}

function filled(size: number, byte: number): Uint8Array {
  return new Uint8Array(size).fill(byte);
}
