/** Which types of transit key are there, and what can each do? */

/** Everything that can be asked of a transit key; no key can do all of it. */
export const TRANSIT_OPERATIONS = [
  "encrypt",
  "decrypt",
  "datakey",
  "rewrap",
  "sign",
  "verify",
  "hmac",
] as const;

export type TransitOperation = (typeof TRANSIT_OPERATIONS)[number];

export const TRANSIT_TYPES = [
  "aes-256-gcm",
  "hmac-sha256",
  "hmac-sha384",
  "ed25519",
  "ecdsa-p256",
  "ecdsa-p384",
  "rsa-3072",
  "rsa-4096",
] as const;

export type TransitType = (typeof TRANSIT_TYPES)[number];

const CIPHER: readonly TransitOperation[] = ["encrypt", "decrypt", "datakey", "rewrap"];
const MAC: readonly TransitOperation[] = ["hmac", "verify"];
const SIGNATURE: readonly TransitOperation[] = ["sign", "verify"];

const OPERATIONS_OF: Readonly<Record<TransitType, readonly TransitOperation[]>> = {
  "aes-256-gcm": CIPHER,
  "hmac-sha256": MAC,
  "hmac-sha384": MAC,
  ed25519: SIGNATURE,
  "ecdsa-p256": SIGNATURE,
  "ecdsa-p384": SIGNATURE,
  "rsa-3072": SIGNATURE,
  "rsa-4096": SIGNATURE,
};

/** Whether a key of this type can do that. */
export function canDo(type: TransitType, operation: TransitOperation): boolean {
  return OPERATIONS_OF[type].includes(operation);
}

const PREFIX = "transit:";

/** As the column of a version has it: `transit:aes-256-gcm`. */
export function transitTypeText(type: TransitType): string {
  return `${PREFIX}${type}`;
}

/** Reads {@link transitTypeText}; `undefined` for anything else. */
export function parseTransitType(text: string): TransitType | undefined {
  return TRANSIT_TYPES.find((type) => transitTypeText(type) === text);
}
