/** What does Google say of a firmware? A VMLaunchEndorsement, read: the bytes that were signed, and what they mean. */
import { Fault } from "../../base/fault.ts";
import { type ProtobufField, protobufFields } from "./protobuf.ts";

/** Read, and not yet believed. */
export interface LaunchEndorsement {
  /** `serialized_uefi_golden` as it was received: what the signature covers. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** Unix seconds. */
  readonly signedAt: bigint;
  /** Which source the firmware was built from: a change list or a commit. */
  readonly hasProvenance: boolean;
  /** Of the key that signed, DER. */
  readonly certificate: Uint8Array;
  /** SHA-384 of the UEFI image, 48 bytes. */
  readonly uefiDigest: Uint8Array;
  readonly snp: SnpEndorsement;
}

/** VMSevSnp. */
export interface SnpEndorsement {
  readonly svn: number;
  /** Number of VMSAs at launch → MEASUREMENT (48 bytes). */
  readonly measurements: ReadonlyMap<number, Uint8Array>;
  /** MEASUREMENT of the SVSM that starts this firmware. */
  readonly svsmMeasurement: Uint8Array | undefined;
  /** 16 bytes; absent where it is empty. */
  readonly familyId: Uint8Array | undefined;
  readonly imageId: Uint8Array | undefined;
  /** The guest policy that goes with it; 0 says nothing. */
  readonly policy: bigint;
}

/** A guest gets 16 KiB for its whole certificate table (`SNP_GET_EXT_REPORT`). */
const MAX_ENDORSEMENT_BYTES = 16_384;
const MAX_FIELDS = 64;
/** 15 counts of VMSAs are in use. */
const MAX_MEASUREMENTS = 128;
const MEASUREMENT_BYTES = 48;
const ID_BYTES = 16;
const MAX_UINT32 = 0xffff_ffffn;
const NOTHING = new Uint8Array(0);

/**
 * Reads a launch endorsement. Strict where nobody signed (the outer message has its two fields and no others); a signed field of
 * a number that is not known is passed over, so that Google may say more.
 *
 * @param bytes - As the host or Google's bucket gave it, attacker-controlled. Copied.
 * @throws {@link Fault} `endorsement/firmware-malformed`: no such message, a field twice, a digest of another size, no SEV-SNP part.
 * @see google/gce-tcb-verifier `proto/endorsement.proto` (the names and numbers of fields)
 */
export function parseLaunchEndorsement(bytes: Uint8Array): LaunchEndorsement {
  if (bytes.length > MAX_ENDORSEMENT_BYTES) throw malformed(`at most ${MAX_ENDORSEMENT_BYTES} bytes`);
  const outer = fieldsOf(protobufFields(bytes.slice(), MAX_FIELDS));
  if ([...outer.numbers].some((number) => number > 2))
    throw malformed("a message and its signature, and no more");
  const signedBytes = outer.bytes(1);
  const signature = outer.bytes(2);
  if (signedBytes === undefined || signature === undefined) throw malformed("a message and its signature");
  return { signedBytes, signature, ...goldenOf(fieldsOf(protobufFields(signedBytes, MAX_FIELDS))) };
}

/** VMGoldenMeasurement. 6 (the authorities) is no anchor and 8 is another technology's: neither is looked at. */
function goldenOf(golden: Fields): Omit<LaunchEndorsement, "signedBytes" | "signature"> {
  const certificate = golden.bytes(4);
  const snp = golden.bytes(7);
  const signedAt = golden.bytes(1);
  if (certificate === undefined || snp === undefined || signedAt === undefined)
    throw malformed("a time, a certificate and a part for SEV-SNP");
  return {
    signedAt: fieldsOf(protobufFields(signedAt, MAX_FIELDS)).varint(1),
    hasProvenance: golden.varint(2) !== 0n || (golden.bytes(3) ?? NOTHING).length > 0,
    certificate,
    uefiDigest: sized(golden.bytes(5), MEASUREMENT_BYTES) ?? missing("the digest of the firmware"),
    snp: snpOf(protobufFields(snp, MAX_FIELDS + MAX_MEASUREMENTS)),
  };
}

const SNP_MEASUREMENTS = 2;

function snpOf(all: readonly ProtobufField[]): SnpEndorsement {
  const entries = all.filter(({ number }) => number === SNP_MEASUREMENTS);
  const rest = fieldsOf(all.filter(({ number }) => number !== SNP_MEASUREMENTS));
  return {
    svn: uint32(rest.varint(1)),
    measurements: measurementsOf(entries),
    familyId: sized(rest.bytes(3), ID_BYTES),
    imageId: sized(rest.bytes(4), ID_BYTES),
    policy: rest.varint(5),
    svsmMeasurement: sized(rest.bytes(7), MEASUREMENT_BYTES),
  };
}

/** A map is a field per entry, `{1 key, 2 value}`; a key that comes twice would leave open which value counts. */
function measurementsOf(entries: readonly ProtobufField[]): ReadonlyMap<number, Uint8Array> {
  if (entries.length > MAX_MEASUREMENTS) throw malformed(`at most ${MAX_MEASUREMENTS} measurements`);
  const measurements = new Map<number, Uint8Array>();
  for (const { value } of entries) {
    if (!(value instanceof Uint8Array)) throw malformed("an entry with a length");
    const entry = fieldsOf(protobufFields(value, MAX_FIELDS));
    const count = uint32(entry.varint(1));
    if (measurements.has(count)) throw malformed("each number of VMSAs once");
    measurements.set(count, sized(entry.bytes(2), MEASUREMENT_BYTES) ?? missing("a measurement"));
  }
  return measurements;
}

/** The fields of a message by number, each at most once. */
interface Fields {
  readonly numbers: Iterable<number>;
  /** 0 where there is none: proto3 does not write it. */
  readonly varint: (number: number) => bigint;
  /** A copy. */
  readonly bytes: (number: number) => Uint8Array | undefined;
}

function fieldsOf(fields: readonly ProtobufField[]): Fields {
  const byNumber = new Map<number, ProtobufField>();
  for (const field of fields) {
    if (byNumber.has(field.number)) throw malformed(`field ${field.number} once`);
    byNumber.set(field.number, field);
  }
  return {
    numbers: byNumber.keys(),
    varint: (number) => {
      const { value } = byNumber.get(number) ?? { value: 0n };
      if (typeof value !== "bigint") throw malformed(`a number in field ${number}`);
      return value;
    },
    bytes: (number) => {
      const field = byNumber.get(number);
      if (field === undefined) return undefined;
      if (!(field.value instanceof Uint8Array)) throw malformed(`bytes in field ${number}`);
      return field.value.slice();
    },
  };
}

/** Absent and empty are one thing in proto3; any other size than the one that is wanted is a mistake. */
function sized(bytes: Uint8Array | undefined, size: number): Uint8Array | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  if (bytes.length !== size) throw malformed(`${size} bytes, received ${bytes.length}`);
  return bytes;
}

function uint32(value: bigint): number {
  if (value > MAX_UINT32) throw malformed("a number of at most 32 bits");
  return Number(value);
}

function missing(what: string): never {
  throw malformed(what);
}

function malformed(expected: string): Fault {
  return new Fault("endorsement/firmware-malformed", `launch endorsement: expected ${expected}`);
}
