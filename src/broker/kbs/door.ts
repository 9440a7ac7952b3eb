/** What is a guest of the KBS exchange to whoever decides over it? Its session's nonce, and the hash that stands in T's place. */
import { base64Of, equalBytes, parseBase64, parseHex } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { type KbsVersion, kbsBinder } from "../../channel/kbs-binding.ts";
import { kbsKeyOf } from "../../channel/kbs-key.ts";
import { nonceOfSession } from "../../channel/kbs-session.ts";
import type { Nonce, NonceKeys } from "../../channel/nonce.ts";
import type { BindingTranscript } from "../../channel/transcript.ts";
import type { KbsAttestation } from "../../wire/kbs/attestation.ts";
import type { Door } from "../door.ts";
import type { World } from "../world.ts";

/** What came in, and over which session. */
export interface KbsArrival {
  readonly version: KbsVersion;
  /** The cookie: 32 lower-case hex digits. Attacker-controlled. */
  readonly session: string;
  readonly attestation: KbsAttestation;
}

/** The way in of the KBS exchange. It has no suite, and a guest of it is at VMPL 0. */
export function kbsDoor(arrival: KbsArrival, { primitives }: World): Door<BindingTranscript> {
  const { version, attestation } = arrival;
  return {
    channel: 0,
    suite: 0,
    evidence: attestation.evidence,
    isPartial: false,
    refuseStranger: async () => undefined,
    nonce: (keys) => nonceIn(arrival, keys, primitives),
    ...(version === "0.2.0" ? { isNonceImplied: true } : {}),
    transcriptOver: ({ kind }, nonce) => {
      refuseOtherSession(nonce, arrival);
      const { teePubkey, additionalEvidence = "" } = attestation;
      const said = { nonce: base64Of(nonce.bytes), teePubkey, additionalEvidence };
      return { format: kind, binder: kbsBinder(version, said, kind, primitives), fields: { vmpl: 0 } };
    },
    refuseHopeless: async () => void (await kbsKeyOf(attestation.teePubkey, primitives)),
  };
}

/** In 0.4.0 the guest repeats it; in 0.2.0 the session's id is all there is of it. */
function nonceIn(
  { version, session, attestation }: KbsArrival,
  keys: NonceKeys,
  primitives: World["primitives"],
): Uint8Array {
  if (version === "0.2.0") return nonceOfSession(session, keys, primitives);
  return parseBase64(attestation.nonce ?? "") ?? new Uint8Array(0);
}

/** INVARIANT: one cookie, one nonce: nobody hangs evidence of its own on the session of another. */
function refuseOtherSession({ rand }: Nonce, { session }: KbsArrival): void {
  if (equalBytes(rand, parseHex(session) ?? new Uint8Array(0))) return;
  throw new Fault("nonce/invalid", "expected the nonce of the session that the cookie names");
}
