/** What did a security key register, and for which page? Read by SimpleWebAuthn: nobody writes CBOR, COSE and attestation twice. */
import type { RegistrationResponseJSON } from "@simplewebauthn/server";
import { concatBytes, parseBase64Url } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { spkiOf } from "../base/spki.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { Admin } from "../policy/admins.ts";
import type { KeyPagePlace } from "../wire/key-page.ts";

const MAX_BYTES = 64 * 1024;
const ES256 = -7;
const EDDSA = -8;

/** The key, and what it says of itself: nothing proves it, since no attestation is asked for. */
export interface RegisteredKey extends Required<Pick<Admin, "spki" | "webauthn">> {
  /** The model, as a UUID. */
  readonly aaguid: string;
  readonly isBackedUp: boolean;
}

/**
 * Reads what `PublicKeyCredential.toJSON()` writes of a new credential. It has to be for this page and domain, by somebody whom the key knows.
 * Its challenge is the page's own and says nothing here: the word of the root is what makes somebody an admin.
 *
 * @throws {@link Fault} `file/unusable` for anything else.
 */
export async function registeredKey(
  bytes: Uint8Array,
  file: string,
  { origin, rpId }: KeyPagePlace,
): Promise<RegisteredKey> {
  const response = responseOf(bytes, file);
  const { verifyRegistrationResponse } = await import("@simplewebauthn/server"); // for this verb alone: it loads X.509 and more
  try {
    const { registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: () => true,
      expectedOrigin: origin,
      expectedRPID: rpId,
      supportedAlgorithmIDs: [ES256, EDDSA],
    });
    if (registrationInfo === undefined) throw unusable(file);
    const { credential, aaguid, credentialBackedUp: isBackedUp } = registrationInfo;
    const id = parseBase64Url(credential.id);
    if (id === undefined) throw unusable(file);
    return {
      spki: await spkiOfCose(credential.publicKey, file),
      webauthn: { id, rpId, origin },
      aaguid,
      isBackedUp,
    };
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw unusable(file, thrown instanceof Error ? thrown.message : undefined);
  }
}

function responseOf(bytes: Uint8Array, file: string): RegistrationResponseJSON {
  const read = parseStrictJson(bytes, { maxBytes: MAX_BYTES, maxDepth: 16, code: "file/unusable" });
  const response = isJsonObject(read) ? read["response"] : undefined;
  if (!isJsonObject(read) || !isJsonObject(response)) throw unusable(file);
  return {
    id: textOf(read["id"], file),
    rawId: textOf(read["rawId"], file),
    type: "public-key",
    clientExtensionResults: {},
    response: {
      clientDataJSON: textOf(response["clientDataJSON"], file),
      attestationObject: textOf(response["attestationObject"], file),
    },
  };
}

function textOf(value: JsonValue | undefined, file: string): string {
  if (typeof value === "string") return value;
  throw unusable(file);
}

/** A COSE key (RFC 9053 section 7) as SubjectPublicKeyInfo. */
async function spkiOfCose(key: Uint8Array, file: string): Promise<Uint8Array> {
  const { cose, decodeCredentialPublicKey } = await import("@simplewebauthn/server/helpers");
  const decoded = decodeCredentialPublicKey(Uint8Array.from(key));
  const [x, y] = cose.isCOSEPublicKeyEC2(decoded)
    ? [decoded.get(cose.COSEKEYS.x), decoded.get(cose.COSEKEYS.y)]
    : [cose.isCOSEPublicKeyOKP(decoded) ? decoded.get(cose.COSEKEYS.x) : undefined, undefined];
  if (x?.length !== 32) throw unusable(file);
  if (y === undefined) return spkiOf("ed25519", x);
  return spkiOf("ecdsa-p256-sha256", concatBytes(x, y));
}

function unusable(file: string, why = "it is none"): Fault {
  return new Fault(
    "file/unusable",
    `expected the registration of a security key for the page of this broker in \`${file}\`: ${why}`,
  );
}
