/** Which key of a TPM do we lean on? The storage key that it makes anew from its owner seed each time: the same as long as nobody clears the TPM. */
import { ECDH } from "node:crypto";
import { answerReader, malformed, readSized, sized } from "../../attestation/tpm/command.ts";
import { withPrimaryOf } from "../../attestation/tpm/create-primary.ts";
import { nameOf } from "../../attestation/tpm/object-name.ts";
import type { Transact } from "../../attestation/tpm/transact.ts";
import { OBJECT, TPM_ALG, TPM_ECC_NIST_P256, TPM_RH } from "../../attestation/tpm/words.ts";
import { concatBytes, equalBytes, u16be, u32be } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";

/** A loaded storage key. */
export interface Primary {
  readonly handle: number;
  /** TPMT_PUBLIC as the TPM gave it. */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
  readonly point: { readonly x: Uint8Array; readonly y: Uint8Array };
}

const COORDINATE = 32;

/** TCG's template for an ECC storage key (TPM v2.0 Provisioning Guidance, section 7.5.1), up to its unique part. */
const TEMPLATE = concatBytes(
  u16be(TPM_ALG.ecc),
  u16be(TPM_ALG.sha256),
  u32be(
    OBJECT.fixedTpm |
      OBJECT.fixedParent |
      OBJECT.sensitiveDataOrigin |
      OBJECT.userWithAuth |
      OBJECT.noDa |
      OBJECT.restricted |
      OBJECT.decrypt,
  ),
  sized(new Uint8Array(0)),
  u16be(TPM_ALG.aes),
  u16be(128),
  u16be(TPM_ALG.cfb),
  u16be(TPM_ALG.null),
  u16be(TPM_ECC_NIST_P256),
  u16be(TPM_ALG.null),
);
const NO_POINT = concatBytes(sized(new Uint8Array(COORDINATE)), sized(new Uint8Array(COORDINATE)));

/**
 * Makes the storage key for as long as `work` takes.
 *
 * @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`.
 */
export async function withPrimary<T>(
  tpm: Transact,
  primitives: Pick<Primitives, "digest">,
  work: (primary: Primary) => Promise<T>,
): Promise<T> {
  const plan = { hierarchy: TPM_RH.owner, template: concatBytes(TEMPLATE, NO_POINT) };
  return withPrimaryOf(plan, tpm, async (made) => work(primaryIn(made, primitives)));
}

function primaryIn(
  made: { readonly handle: number; readonly parameters: Uint8Array },
  primitives: Pick<Primitives, "digest">,
): Primary {
  const reader = answerReader(made.parameters);
  const publicArea = readSized(reader);
  readSized(reader); // creation data, its hash and its ticket: nothing of ours asks for them
  readSized(reader);
  reader.bytes(6);
  readSized(reader);
  readSized(reader); // its name: computed here, and compared by the TPM with each command
  reader.end();
  const name = nameOf(publicArea, primitives);
  return { handle: made.handle, publicArea, name, point: pointIn(publicArea) };
}

/**
 * INVARIANT: a template that was changed on the way there makes a key that might be taken out of the TPM. It is compared on the way back.
 *
 * @throws {@link Fault} `tpm/malformed`.
 */
function pointIn(publicArea: Uint8Array): Primary["point"] {
  const reader = answerReader(publicArea);
  const isOurs = equalBytes(reader.bytes(TEMPLATE.length), TEMPLATE);
  const point = { x: readSized(reader), y: readSized(reader) };
  reader.end();
  const isWhole = point.x.length === COORDINATE && point.y.length === COORDINATE;
  if (isOurs && isWhole && isOnCurve(concatBytes(Uint8Array.of(4), point.x, point.y))) return point;
  throw malformed("expected a storage key of the template that was asked for");
}

function isOnCurve(point: Uint8Array): boolean {
  try {
    ECDH.convertKey(point, "prime256v1");
    return true;
  } catch {
    return false;
  }
}
