/** Where does each field of an ATTESTATION_REPORT stand? Offsets and sizes in the order of the document (AMD 56860). */

export const REPORT_SIZE = 0x4a0;
/** The signature covers the bytes before it. */
export const SIGNED_SIZE = 0x2a0;

export const REPORT_FIELDS = {
  version: { at: 0x000, size: 4 },
  guestSvn: { at: 0x004, size: 4 },
  policy: { at: 0x008, size: 8 },
  familyId: { at: 0x010, size: 16 },
  imageId: { at: 0x020, size: 16 },
  vmpl: { at: 0x030, size: 4 },
  signatureAlgo: { at: 0x034, size: 4 },
  currentTcb: { at: 0x038, size: 8 },
  platformInfo: { at: 0x040, size: 8 },
  signerInfo: { at: 0x048, size: 4 },
  reportData: { at: 0x050, size: 64 },
  measurement: { at: 0x090, size: 48 },
  hostData: { at: 0x0c0, size: 32 },
  idKeyDigest: { at: 0x0e0, size: 48 },
  authorKeyDigest: { at: 0x110, size: 48 },
  reportId: { at: 0x140, size: 32 },
  reportIdMa: { at: 0x160, size: 32 },
  reportedTcb: { at: 0x180, size: 8 },
  cpuFamily: { at: 0x188, size: 1 },
  cpuModel: { at: 0x189, size: 1 },
  cpuStepping: { at: 0x18a, size: 1 },
  chipId: { at: 0x1a0, size: 64 },
  committedTcb: { at: 0x1e0, size: 8 },
  currentVersion: { at: 0x1e8, size: 3 },
  committedVersion: { at: 0x1ec, size: 3 },
  launchTcb: { at: 0x1f0, size: 8 },
  launchMitigations: { at: 0x1f8, size: 8 },
  currentMitigations: { at: 0x200, size: 8 },
  signatureR: { at: 0x2a0, size: 72 },
  signatureS: { at: 0x2e8, size: 72 },
} as const;

export type ReportField = keyof typeof REPORT_FIELDS;

/** A range that must be zero, [from, to). */
export type Range = readonly [from: number, to: number];

const ALWAYS_ZERO: readonly Range[] = [
  [0x04c, 0x050],
  [0x18b, 0x1a0],
  [0x1eb, 0x1ec],
  [0x1ef, 0x1f0],
  [0x208, 0x2a0],
  // The signature is not signed: R and S are 48 bytes in fields of 72, then a tail of 368 bytes.
  [0x2d0, 0x2e8],
  [0x318, 0x4a0],
];
const WITHOUT_CPUID: Range = [0x188, 0x18b];
const WITHOUT_MITIGATIONS: Range = [0x1f8, 0x208];

/** What each version leaves zero. Version 4 has the layout of 3. */
export const ZERO_RANGES: Readonly<Record<2 | 3 | 4 | 5, readonly Range[]>> = {
  2: [...ALWAYS_ZERO, WITHOUT_CPUID, WITHOUT_MITIGATIONS],
  3: [...ALWAYS_ZERO, WITHOUT_MITIGATIONS],
  4: [...ALWAYS_ZERO, WITHOUT_MITIGATIONS],
  5: ALWAYS_ZERO,
};
