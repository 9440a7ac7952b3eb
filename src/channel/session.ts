/** What does an attested broker sign for one guest's session? The tier 1 input of PROTOCOL section 8. */
import { concatBytes, lengthPrefixed, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";

const GUEST_NONCE_SIZE = 32;
const EXPORTER_SIZE = 32;

export interface SessionFields {
  readonly audience: string;
  readonly guestNonce: Uint8Array;
  /** The exporter of the connection, or empty. */
  readonly cb: Uint8Array;
  /** DER SPKI of the broker's TLS leaf, or empty. */
  readonly leafSpki: Uint8Array;
}

/**
 * The bytes that the broker's attested key signs, and that the guest rebuilds from its own view.
 *
 * @throws {@link Fault} `request/malformed` for a guest nonce that has not 32 bytes; `internal/invariant` for an exporter
 *   that is neither empty nor 32 bytes.
 */
export function sessionSignatureInput(fields: SessionFields): Uint8Array {
  const { audience, guestNonce, cb, leafSpki } = fields;
  if (guestNonce.length !== GUEST_NONCE_SIZE) {
    throw new Fault("request/malformed", `expected a guest nonce of ${GUEST_NONCE_SIZE} bytes`, {
      received: guestNonce.length,
    });
  }
  if (cb.length !== 0 && cb.length !== EXPORTER_SIZE) {
    throw new Fault("internal/invariant", `expected an exporter of ${EXPORTER_SIZE} bytes, or none`);
  }
  return concatBytes(
    lengthPrefixed(utf8("ostiary/session/v1")),
    lengthPrefixed(utf8(audience)),
    lengthPrefixed(guestNonce),
    lengthPrefixed(cb),
    lengthPrefixed(leafSpki),
  );
}
