/** How would Google endorse a firmware? A VMLaunchEndorsement, written and signed; every part can be given otherwise. */
import { constants, type KeyObject, sign } from "node:crypto";
import { concatBytes } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";

export interface LaunchEndorsementPlan {
  readonly signedAt: Instant;
  readonly changeList?: number;
  readonly commit?: Uint8Array;
  /** Of the key that signs, DER. */
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
  /** SHA-384 of the image, 48 bytes. */
  readonly uefiDigest: Uint8Array;
  readonly svn: number;
  /** Number of VMSAs → MEASUREMENT. */
  readonly measurements: Readonly<Record<number, Uint8Array>>;
  readonly svsmMeasurement?: Uint8Array;
  readonly familyId?: Uint8Array;
  readonly imageId?: Uint8Array;
  /** The endorsed guest policy; 0x70000 unless said: SMT and a migration agent are allowed. */
  readonly policy?: bigint;
  /** Fields behind those of VMGoldenMeasurement, and behind those of VMSevSnp. */
  readonly extraGolden?: Uint8Array;
  readonly extraSnp?: Uint8Array;
}

const USUAL_POLICY = 0x70000n;
const NOTHING = new Uint8Array(0);

/** The message and its signature over exactly these bytes: RSASSA-PSS, SHA-256, salt of 32 bytes. */
export function writeLaunchEndorsement(plan: LaunchEndorsementPlan): Uint8Array {
  const golden = goldenOf(plan);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const signature = Uint8Array.from(sign("sha256", golden, { key: plan.key, padding, saltLength: 32 }));
  return concatBytes(delimited(1, golden), delimited(2, signature));
}

function goldenOf(plan: LaunchEndorsementPlan): Uint8Array {
  return concatBytes(
    delimited(1, number(1, BigInt(plan.signedAt))),
    number(2, BigInt(plan.changeList ?? 0)),
    delimited(3, plan.commit ?? NOTHING),
    delimited(4, plan.certificate),
    delimited(5, plan.uefiDigest),
    delimited(7, snpOf(plan)),
    plan.extraGolden ?? NOTHING,
  );
}

function snpOf(plan: LaunchEndorsementPlan): Uint8Array {
  const entries = Object.entries(plan.measurements).map(([count, measurement]) =>
    delimited(2, concatBytes(number(1, BigInt(count)), delimited(2, measurement))),
  );
  return concatBytes(
    number(1, BigInt(plan.svn)),
    ...entries,
    delimited(3, plan.familyId ?? NOTHING),
    delimited(4, plan.imageId ?? NOTHING),
    number(5, plan.policy ?? USUAL_POLICY),
    delimited(7, plan.svsmMeasurement ?? NOTHING),
    plan.extraSnp ?? NOTHING,
  );
}

/** A field of bytes; proto3 does not write an empty one. */
export function delimited(field: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return NOTHING;
  return concatBytes(varint(BigInt(field) * 8n + 2n), varint(BigInt(bytes.length)), bytes);
}

/** A field of a number; proto3 does not write a zero. */
export function number(field: number, value: bigint): Uint8Array {
  return value === 0n ? NOTHING : concatBytes(varint(BigInt(field) * 8n), varint(value));
}

export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 0x80n) return Uint8Array.from([...bytes, Number(left)]);
    bytes.push(Number(left & 0x7fn) | 0x80);
  }
}
