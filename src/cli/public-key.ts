/** Which public key is in a file? Ed25519, PEM, as `openssl pkey -pubout` writes it. */
import { parseBase64, parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { bareKeyOf } from "../base/spki.ts";

/** DER SubjectPublicKeyInfo. @throws {@link Fault} `file/unusable`. */
export function publicKeyOf(bytes: Uint8Array, file: string): Uint8Array {
  const [, body = ""] =
    /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)-----END PUBLIC KEY-----\s*$/.exec(
      parseUtf8(bytes) ?? "",
    ) ?? [];
  const spki = parseBase64(body.replaceAll("\n", ""));
  if (spki !== undefined && bareKeyOf("ed25519", spki) !== undefined) return spki;
  throw new Fault("file/unusable", `expected an Ed25519 public key in \`${file}\`, PEM`);
}
