/** What did the guest's owner demand and allow at launch? The bits of POLICY (AMD 56860, Guest Policy). */

/** Bits 16, 18, 19, 21 allow; 20, 22 to 25 demand. A bit that the firmware does not know reads 0. */
export interface GuestPolicy {
  readonly abiMajor: number;
  readonly abiMinor: number;
  readonly smt: boolean;
  readonly migrateMa: boolean;
  readonly debug: boolean;
  readonly singleSocket: boolean;
  readonly cxl: boolean;
  readonly aes256Xts: boolean;
  readonly raplDisabled: boolean;
  readonly ciphertextHiding: boolean;
  readonly pageSwapDisabled: boolean;
  /** A reserved bit is wrong: 17 clear, or any of 63:26 set. A fact, which the built-in guard denies. */
  readonly hasUnknownBits: boolean;
}

const MUST_BE_ONE = 1n << 17n;
const FIRST_RESERVED = 26n;

export function parseGuestPolicy(policy: bigint): GuestPolicy {
  const isSet = (bit: bigint): boolean => ((policy >> bit) & 1n) === 1n;
  return {
    abiMajor: Number((policy >> 8n) & 0xffn),
    abiMinor: Number(policy & 0xffn),
    smt: isSet(16n),
    migrateMa: isSet(18n),
    debug: isSet(19n),
    singleSocket: isSet(20n),
    cxl: isSet(21n),
    aes256Xts: isSet(22n),
    raplDisabled: isSet(23n),
    ciphertextHiding: isSet(24n),
    pageSwapDisabled: isSet(25n),
    hasUnknownBits: (policy & MUST_BE_ONE) === 0n || policy >> FIRST_RESERVED !== 0n,
  };
}
