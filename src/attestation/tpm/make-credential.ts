/** How is a secret sent to whoever has both of two keys in one TPM? As TPM2_MakeCredential does it, outside of any TPM (Part 1, section 24). */
import { concatBytes, u8, utf8 } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { sized } from "./command.ts";
import type { EndorsementKey } from "./endorsement-key.ts";
import { kdfa, kdfe } from "./kdf.ts";

/** What TPM2_ActivateCredential takes. */
export interface Credential {
  /** TPMS_ID_OBJECT: HMAC, and the secret encrypted. */
  readonly idObject: Uint8Array;
  /** The seed of both, encrypted to the endorsement key; without the size of a TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array;
}

/** Who alone may learn it. */
export interface CredentialPlan {
  readonly ek: EndorsementKey;
  /** The name of the object that has to be loaded beside it. */
  readonly name: Uint8Array;
}

export interface CredentialParts {
  readonly primitives: Pick<
    Primitives,
    "hmac" | "digest" | "agree" | "publicKeyOf" | "rsaSeal" | "cfbEncrypt"
  >;
  readonly random: (size: number) => Uint8Array;
}

const LABEL = "IDENTITY";
const SEED_SIZE = 32;
const AES_BITS = 128;
const HMAC_BITS = 256;
const NOTHING = new Uint8Array(0);
/** Each key of a seed encrypts once. */
const NO_IV = new Uint8Array(16);

/**
 * Makes a credential.
 *
 * @param secret - At most 32 bytes, which only a TPM with the endorsement key and an object of that name in it gives out.
 * @returns `undefined` where nothing can be encrypted to the key: a modulus that is none, or a point off the curve.
 */
export async function makeCredential(
  secret: Uint8Array,
  { ek, name }: CredentialPlan,
  parts: CredentialParts,
): Promise<Credential | undefined> {
  const encapsulated = await (ek.kind === "rsa" ? sealedTo(ek.spki, parts) : agreedWith(ek, parts));
  if (encapsulated === undefined) return undefined;
  const { seed, encryptedSecret } = encapsulated;
  const idObject = idObjectOf(secret, { seed, name }, parts.primitives);
  seed.fill(0);
  return { idObject, encryptedSecret };
}

/** The outer wrap (Part 1, section 24.5): under keys of the seed and of the object's name, so that another name opens nothing. */
function idObjectOf(
  secret: Uint8Array,
  { seed, name }: { readonly seed: Uint8Array; readonly name: Uint8Array },
  { hmac, cfbEncrypt }: CredentialParts["primitives"],
): Uint8Array {
  const storage = { label: "STORAGE", contextU: name, contextV: NOTHING, bits: AES_BITS };
  const integrity = { label: "INTEGRITY", contextU: NOTHING, contextV: NOTHING, bits: HMAC_BITS };
  const [cipherKey, macKey] = [kdfa(seed, storage, { hmac }), kdfa(seed, integrity, { hmac })];
  const identity = cfbEncrypt(cipherKey, NO_IV, sized(secret));
  const mac = hmac("sha256", macKey, concatBytes(identity, name));
  cipherKey.fill(0);
  macKey.fill(0);
  return concatBytes(sized(mac), identity);
}

interface Encapsulated {
  readonly seed: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** Annex B.10.4: the label counts with the zero that ends it. */
async function sealedTo(spki: Uint8Array, parts: CredentialParts): Promise<Encapsulated | undefined> {
  const seed = parts.random(SEED_SIZE);
  const encryptedSecret = await parts.primitives.rsaSeal(spki, utf8(`${LABEL}\0`), seed);
  return encryptedSecret === undefined ? undefined : { seed, encryptedSecret };
}

/** Annex C.6.4: a fresh key agrees with the TPM's, and its point is what is sent. */
async function agreedWith(
  { x, y }: { readonly x: Uint8Array; readonly y: Uint8Array },
  { primitives, random }: CredentialParts,
): Promise<Encapsulated | undefined> {
  const ephemeral = random(SEED_SIZE);
  const own = await primitives.publicKeyOf("p256", ephemeral);
  const shared = await primitives.agree("p256", ephemeral, concatBytes(u8(UNCOMPRESSED), x, y));
  ephemeral.fill(0);
  if (shared.length === 0) return undefined;
  const [ownX, ownY] = [own.slice(1, 1 + COORDINATE_SIZE), own.slice(1 + COORDINATE_SIZE)];
  const seed = kdfe(shared, { label: LABEL, contextU: ownX, contextV: x, bits: 8 * SEED_SIZE }, primitives);
  shared.fill(0);
  return { seed, encryptedSecret: concatBytes(sized(ownX), sized(ownY)) };
}

const UNCOMPRESSED = 0x04;
const COORDINATE_SIZE = 32;
