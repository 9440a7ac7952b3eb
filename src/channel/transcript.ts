/** Which bytes must the hardware sign for this exchange? The transcript T of PROTOCOL section 2 and its hash, the binder. */
import type { EvidenceFormat } from "../attestation/evidence.ts";
import { concatBytes, lengthPrefixed, u8, u16be, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { HashName, Primitives } from "../base/primitives.ts";
import {
  type Binding,
  type BoundField,
  CODE_OF_FIELD,
  isLengthOf,
  type Role,
  type Suite,
  wrapPubSizeOf,
} from "./bindings.ts";

/** What T is made of, in its order. An absent field is empty. */
export interface TranscriptFields {
  readonly role: Role;
  readonly binding: Binding;
  readonly suite: Suite;
  /** The VMPL at which the report was requested. */
  readonly vmpl: number;
  /** The verifier's own configured name, never the peer's word. */
  readonly audience: string;
  readonly nonce: Uint8Array;
  readonly ownNonce: Uint8Array;
  readonly cb: Uint8Array;
  readonly attesterSpki: Uint8Array;
  readonly peerSpki: Uint8Array;
  readonly wrapPub: Uint8Array;
  /** SHA-512 of the claims as they were carried. */
  readonly claimsHash: Uint8Array;
}

export interface Transcript {
  readonly fields: TranscriptFields;
  /** What signs the hash: it decides the label. */
  readonly format: EvidenceFormat;
  /** T itself. */
  readonly bytes: Uint8Array;
  /** The hash of T: 64 bytes for REPORT_DATA, 32 for a TPM's `qualifyingData`. */
  readonly binder: Uint8Array;
}

/** What evidence can be bound to: T, or what another exchange has in its place. */
export interface BindingTranscript extends Pick<Transcript, "format" | "binder"> {
  readonly fields: Pick<TranscriptFields, "vmpl">;
}

/**
 * Each way in which hardware signs T has a label and a hash of its own (sections 2 and 10). The highest VMPL is that of who asks
 * for the report: a paravisor and an SVSM are at 0, wherever their guest is.
 */
const FORMS = {
  raw: { label: "ostiary/attest/v1", hash: "sha512", maxVmpl: 3 },
  "azure-hcl": { label: "ostiary/attest-tpm/v1", hash: "sha256", maxVmpl: 0 },
  svsm: { label: "ostiary/attest-svsm/v1", hash: "sha512", maxVmpl: 0 },
} as const satisfies Record<EvidenceFormat, { label: string; hash: HashName; maxVmpl: number }>;

const MAX_AUDIENCE_BYTES = 512;

/**
 * Builds T from one's own view of the exchange and hashes it.
 *
 * Lengths are those of the tables in `bindings.ts` and nothing else: a wrong one is refused before anything is hashed.
 *
 * @param format - What signs: a report that the guest asked for, a TPM's quote, or an SVSM's report.
 * @returns T, its fields (copied) and its hash.
 * @throws {@link Fault} `request/malformed` for what the peer chose, `channel/bad-carrier` for its TLS key,
 *   `internal/invariant` for what our own side saw or configured.
 */
export function transcriptOf(
  fields: TranscriptFields,
  primitives: Pick<Primitives, "digest">,
  format: EvidenceFormat,
): Transcript {
  refuseWrongLengths(fields, format);
  const { label, hash } = FORMS[format];
  const bytes = encodeTranscript(fields, label);
  return { fields: copyOf(fields), format, bytes, binder: primitives.digest(hash, bytes) };
}

/** The bytes of T under a label. The order is the document's; every field of variable length carries its length. */
export function encodeTranscript(fields: TranscriptFields, label: string): Uint8Array {
  return concatBytes(
    lengthPrefixed(utf8(label)),
    u8(fields.role),
    u8(fields.binding),
    u16be(fields.suite),
    u8(fields.vmpl),
    lengthPrefixed(utf8(fields.audience)),
    lengthPrefixed(fields.nonce),
    lengthPrefixed(fields.ownNonce),
    lengthPrefixed(fields.cb),
    lengthPrefixed(fields.attesterSpki),
    lengthPrefixed(fields.peerSpki),
    lengthPrefixed(fields.wrapPub),
    lengthPrefixed(fields.claimsHash),
  );
}

const BOUND_FIELDS: readonly BoundField[] = [
  "nonce",
  "ownNonce",
  "cb",
  "attesterSpki",
  "peerSpki",
  "claimsHash",
];

function refuseWrongLengths(fields: TranscriptFields, format: EvidenceFormat): void {
  const { role, suite, vmpl } = fields;
  const { maxVmpl } = FORMS[format];
  if (!Number.isInteger(vmpl) || vmpl < 0 || vmpl > maxVmpl) {
    throw new Fault("request/malformed", `expected a VMPL of at most ${maxVmpl}`, { received: vmpl });
  }
  const audienceSize = utf8(fields.audience).length;
  if (audienceSize === 0 || audienceSize > MAX_AUDIENCE_BYTES) {
    throw new Fault("internal/invariant", `expected an audience of 1 to ${MAX_AUDIENCE_BYTES} bytes`);
  }
  for (const field of BOUND_FIELDS) {
    if (!isLengthOf(field, fields[field].length, fields)) throw wrongLength(field, fields);
  }
  if (fields.wrapPub.length !== wrapPubSizeOf(role, suite)) throw wrongLength("wrapPub", fields);
}

function wrongLength(field: BoundField | "wrapPub", fields: TranscriptFields): Fault {
  const { role, binding, suite } = fields;
  return new Fault(CODE_OF_FIELD[field], `\`${field}\` has a length that this exchange does not have`, {
    received: fields[field].length,
    role,
    binding,
    suite,
  });
}

function copyOf(fields: TranscriptFields): TranscriptFields {
  return {
    ...fields,
    nonce: fields.nonce.slice(),
    ownNonce: fields.ownNonce.slice(),
    cb: fields.cb.slice(),
    attesterSpki: fields.attesterSpki.slice(),
    peerSpki: fields.peerSpki.slice(),
    wrapPub: fields.wrapPub.slice(),
    claimsHash: fields.claimsHash.slice(),
  };
}
