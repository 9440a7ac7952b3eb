/** Which numbers does PKCS#11 give its functions, attributes and answers? (OASIS PKCS #11 2.40, pkcs11t.h and pkcs11f.h) */

/** The place of each function that is used here in CK_FUNCTION_LIST, and how many arguments it takes. */
export const FUNCTIONS = {
  C_Initialize: { at: 0, takes: 1 },
  C_GetSlotList: { at: 4, takes: 3 },
  C_GetTokenInfo: { at: 6, takes: 2 },
  C_OpenSession: { at: 12, takes: 5 },
  C_CloseSession: { at: 13, takes: 1 },
  C_Login: { at: 18, takes: 4 },
  C_DestroyObject: { at: 22, takes: 2 },
  C_GetAttributeValue: { at: 24, takes: 4 },
  C_FindObjectsInit: { at: 26, takes: 3 },
  C_FindObjects: { at: 27, takes: 4 },
  C_FindObjectsFinal: { at: 28, takes: 1 },
  C_EncryptInit: { at: 29, takes: 3 },
  C_Encrypt: { at: 30, takes: 5 },
  C_DecryptInit: { at: 33, takes: 3 },
  C_Decrypt: { at: 34, takes: 5 },
  C_GenerateKey: { at: 58, takes: 5 },
  C_GenerateKeyPair: { at: 59, takes: 8 },
  C_DeriveKey: { at: 62, takes: 6 },
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

export const CKA = {
  class: 0x0n,
  token: 0x1n,
  private: 0x2n,
  label: 0x3n,
  value: 0x11n,
  keyType: 0x100n,
  sensitive: 0x103n,
  encrypt: 0x104n,
  decrypt: 0x105n,
  derive: 0x10cn,
  valueLen: 0x161n,
  extractable: 0x162n,
  ecParams: 0x180n,
  ecPoint: 0x181n,
} as const;

export const CKO = { publicKey: 2n, privateKey: 3n, secretKey: 4n } as const;
export const CKK = { ec: 0x3n, genericSecret: 0x10n, aes: 0x1fn } as const;
export const CKM = {
  ecKeyPairGen: 0x1040n,
  ecdh1Derive: 0x1050n,
  aesKeyGen: 0x1080n,
  aesEcb: 0x1081n,
  aesGcm: 0x1087n,
} as const;
export const CKD_NULL = 1n;
export const CKU_USER = 1n;
export const CKF = {
  readWrite: 2n,
  osLocking: 2n,
  serialSession: 4n,
  /** One more wrong PIN locks it. */
  finalTry: 1n << 17n,
  locked: 1n << 18n,
} as const;

export const CKR = {
  ok: 0x0n,
  generalError: 0x5n,
  deviceError: 0x30n,
  deviceRemoved: 0x32n,
  encryptedDataInvalid: 0x40n,
  encryptedDataLenRange: 0x41n,
  keyHandleInvalid: 0x60n,
  objectHandleInvalid: 0x82n,
  pinIncorrect: 0xa0n,
  pinLocked: 0xa4n,
  sessionClosed: 0xb0n,
  sessionHandleInvalid: 0xb3n,
  tokenNotPresent: 0xe0n,
  alreadyLoggedIn: 0x100n,
  notLoggedIn: 0x101n,
  notInitialized: 0x190n,
  alreadyInitialized: 0x191n,
} as const;

/** `id-secp384r1` as DER: what CKA_EC_PARAMS of a P-384 key is. */
export const P384_OID = Uint8Array.of(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22);
