/** In what state is the host? The bits of PLATFORM_INFO (AMD 56860, ATTESTATION_REPORT). */

export interface PlatformInfo {
  readonly smt: boolean;
  readonly tsme: boolean;
  readonly ecc: boolean;
  readonly raplDisabled: boolean;
  readonly ciphertextHiding: boolean;
  /** Absent before report version 3. */
  readonly aliasCheck?: boolean;
  /** Absent before report version 5. */
  readonly iommuWriteSafe?: boolean;
  /** Absent before report version 5. */
  readonly tio?: boolean;
  /** A bit is set that this report version does not define. A fact, which the built-in guard denies. */
  readonly hasUnknownBits: boolean;
}

/** How many low bits each report version defines. */
const DEFINED_BITS: Readonly<Record<2 | 3 | 4 | 5, bigint>> = { 2: 5n, 3: 6n, 4: 6n, 5: 8n };

export function parsePlatformInfo(bits: bigint, version: 2 | 3 | 4 | 5): PlatformInfo {
  const isSet = (bit: bigint): boolean => ((bits >> bit) & 1n) === 1n;
  return {
    smt: isSet(0n),
    tsme: isSet(1n),
    ecc: isSet(2n),
    raplDisabled: isSet(3n),
    ciphertextHiding: isSet(4n),
    ...(version >= 3 ? { aliasCheck: isSet(5n) } : {}),
    ...(version === 5 ? { iommuWriteSafe: isSet(6n), tio: isSet(7n) } : {}),
    hasUnknownBits: bits >> DEFINED_BITS[version] !== 0n,
  };
}
