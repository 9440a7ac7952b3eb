/** Which numbers does TPM 2.0 give its commands, algorithms and answers? (TCG TPM 2.0 Library, Part 2) */

export const TPM_CC = {
  nvUndefineSpace: 0x122,
  nvDefineSpace: 0x12a,
  createPrimary: 0x131,
  nvIncrement: 0x134,
  activateCredential: 0x147,
  nvRead: 0x14e,
  policySecret: 0x151,
  create: 0x153,
  load: 0x157,
  quote: 0x158,
  unseal: 0x15e,
  flushContext: 0x165,
  nvReadPublic: 0x169,
  readPublic: 0x173,
  startAuthSession: 0x176,
  pcrRead: 0x17e,
  policyPcr: 0x17f,
} as const;

export type TpmCommandName = keyof typeof TPM_CC;

export const TPM_ST = { noSessions: 0x8001, sessions: 0x8002, attestQuote: 0x8018 } as const;
/** Begins what a TPM made itself, and nothing that a restricted key signs for somebody else. */
export const TPM_GENERATED = 0xff544347;
export const TPM_RH = {
  owner: 0x40000001,
  endorsement: 0x4000000b,
  null: 0x40000007,
  password: 0x40000009,
} as const;
export const TPM_ALG = {
  rsa: 0x0001,
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  null: 0x0010,
  rsaSsa: 0x0014,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;
export const TPM_ECC_NIST_P256 = 0x0003;
export const TPM_SE = { hmac: 0, policy: 1 } as const;

/** TPMA_SESSION. */
export const SESSION = { continue: 0x01, decrypt: 0x20, encrypt: 0x40 } as const;

/** TPMA_OBJECT. */
export const OBJECT = {
  fixedTpm: 0x2,
  stClear: 0x4,
  fixedParent: 0x10,
  sensitiveDataOrigin: 0x20,
  userWithAuth: 0x40,
  noDa: 0x400,
  adminWithPolicy: 0x80,
  restricted: 0x1_0000,
  decrypt: 0x2_0000,
  sign: 0x4_0000,
} as const;

/** TPMA_NV, with TPM_NT_COUNTER in bits 4 to 7. */
export const NV = {
  counter: 0x10,
  authWrite: 0x4,
  authRead: 0x4_0000,
  noDa: 0x200_0000,
  written: 0x2000_0000,
} as const;

export const TPM_RC = {
  /** The handle of the first area names nothing. */
  handle1: 0x18b,
  policyFail: 0x99d,
  badAuth: 0x9a2,
  authFail: 0x98e,
  yielded: 0x908,
  testing: 0x90a,
  lockout: 0x921,
  retry: 0x922,
} as const;
