/** What does Azure's paravisor vouch for? Runtime claims: the key that its vTPM quotes by, and how the VM is configured. */
import { parseBase64Url, parseHex } from "../../base/bytes.ts";
import type { JsonObject, JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { spkiOf } from "../../base/spki.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { HCL_AK_NAME, HCL_MAX_CLAIMS_SIZE } from "./layout.ts";

/** How the paravisor runs the VM; absent is what it does not say. */
export interface ParavisorClaims {
  readonly isSecureBoot?: boolean;
  readonly hasTpm?: boolean;
  readonly isTpmPersisted?: boolean;
  readonly hasConsole?: boolean;
  readonly hasInteractiveConsole?: boolean;
  readonly vmId?: string;
  readonly sealingPolicy?: string;
}

export interface RuntimeClaims {
  /** DER SubjectPublicKeyInfo: RSA, 2048 bits, exponent 65537. */
  readonly akSpki: Uint8Array;
  readonly paravisor: ParavisorClaims;
}

/** In the claims' own words. */
const FLAGS = {
  "secure-boot": "isSecureBoot",
  "tpm-enabled": "hasTpm",
  "tpm-persisted": "isTpmPersisted",
  "console-enabled": "hasConsole",
  "interactive-console-enabled": "hasInteractiveConsole",
} as const;
const TEXTS = { vmUniqueId: "vmId", "hardware-sealing-policy": "sealingPolicy" } as const;

const MAX_DEPTH = 8;
const MODULUS_SIZE = 256;
const EXPONENT_65537 = "AQAB";
const USER_DATA_SIZE = 64;
const MAX_TEXT = 64;

/**
 * Reads the runtime claims. Members that nobody here knows are passed over: whoever could add one could change the others.
 *
 * @param bytes - Exactly as they were hashed.
 * @throws {@link Fault} `evidence/ak-missing` for what is no JSON, holds a member twice or has not exactly one key `HCLAkPub` of RSA
 *   with 2048 bits; `evidence/malformed` for another member that is not what it should be.
 */
export function parseRuntimeClaims(bytes: Uint8Array): RuntimeClaims {
  const claims = parseStrictJson(bytes, {
    maxBytes: HCL_MAX_CLAIMS_SIZE,
    maxDepth: MAX_DEPTH,
    code: "evidence/ak-missing",
  });
  if (!isObject(claims)) throw withoutKey("a JSON object of runtime claims");
  refuseOddUserData(claims["user-data"]);
  return { akSpki: attestationKeyOf(claims["keys"]), paravisor: paravisorOf(claims["vm-configuration"]) };
}

/** By its name, never by its place; the operations that it names have changed over the years. */
function attestationKeyOf(keys: JsonValue | undefined): Uint8Array {
  const named = (isList(keys) ? keys : []).filter((key) => isObject(key) && key["kid"] === HCL_AK_NAME);
  const [key] = named;
  if (named.length !== 1 || key === undefined || !isObject(key)) {
    throw withoutKey(`one key \`${HCL_AK_NAME}\` among the runtime claims`);
  }
  const modulus = typeof key["n"] === "string" ? parseBase64Url(key["n"]) : undefined;
  const isRsa = key["kty"] === "RSA" && key["e"] === EXPONENT_65537;
  if (!isRsa || modulus === undefined || !isModulus(modulus)) {
    throw withoutKey(`\`${HCL_AK_NAME}\` to be an RSA key of 2048 bits with the exponent 65537`);
  }
  return spkiOf("rsa-2048-pkcs1-sha256", modulus);
}

function isModulus(modulus: Uint8Array): boolean {
  const [first = 0, last = 0] = [modulus[0], modulus.at(-1)];
  return modulus.length === MODULUS_SIZE && (first & 0x80) !== 0 && (last & 1) === 1;
}

/** Nobody asks it to hold anything; it is absent, or has the size that it has. */
function refuseOddUserData(value: JsonValue | undefined): void {
  if (value === undefined) return;
  if (typeof value === "string" && parseHex(value)?.length === USER_DATA_SIZE) return;
  throw malformed(`\`user-data\` of ${USER_DATA_SIZE} bytes in hex`);
}

function paravisorOf(configuration: JsonValue | undefined): ParavisorClaims {
  if (!isObject(configuration)) throw malformed("an object `vm-configuration`");
  const flags = Object.entries(FLAGS).map(([name, own]) => [own, flagOf(configuration, name)] as const);
  const texts = Object.entries(TEXTS).map(([name, own]) => [own, textOf(configuration, name)] as const);
  return Object.fromEntries([...flags, ...texts].filter(([, value]) => value !== undefined));
}

function flagOf(configuration: JsonObject, name: string): boolean | undefined {
  const value = configuration[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw malformed(`\`${name}\` to be true or false`);
}

function textOf(configuration: JsonObject, name: string): string | undefined {
  const value = configuration[name];
  if (value === undefined || (typeof value === "string" && value.length <= MAX_TEXT)) return value;
  throw malformed(`\`${name}\` to be a text of at most ${MAX_TEXT} characters`);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function withoutKey(expected: string): Fault {
  return new Fault("evidence/ak-missing", `expected ${expected}`);
}

function malformed(expected: string): Fault {
  return new Fault("evidence/malformed", `expected ${expected} in the paravisor's runtime claims`);
}
