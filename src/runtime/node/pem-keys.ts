/** How is a key read that a person brings? From a file in PEM, private or public. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Terminal } from "../../cli/command.ts";

const MAX_KEY_BYTES = 16_384;
const PUBLIC_KEY = /^-----BEGIN PUBLIC KEY-----/m;

/** PKCS#8, and the public half as SubjectPublicKeyInfo. @throws {@link Fault} `file/unusable`. */
export async function readPrivateKey(
  path: string,
  terminal: Terminal,
): Promise<{ readonly pkcs8: Uint8Array; readonly spki: Uint8Array }> {
  const pem = await terminal.readFile(path, MAX_KEY_BYTES);
  try {
    const key = createPrivateKey(Buffer.from(pem));
    return {
      pkcs8: Uint8Array.from(key.export({ type: "pkcs8", format: "der" })),
      spki: Uint8Array.from(createPublicKey(key).export({ type: "spki", format: "der" })),
    };
  } catch (thrown) {
    throw unusable(`expected a private key in PEM without a password in ${path}`, thrown);
  }
}

/** SubjectPublicKeyInfo; neither a certificate, whose dates nobody would look at, nor a private key. @throws {@link Fault} `file/unusable`. */
export async function readPublicKey(path: string, terminal: Terminal): Promise<Uint8Array> {
  const pem = await terminal.readFile(path, MAX_KEY_BYTES);
  try {
    if (PUBLIC_KEY.test(parseUtf8(pem) ?? ""))
      return Uint8Array.from(createPublicKey(Buffer.from(pem)).export({ type: "spki", format: "der" }));
  } catch (thrown) {
    throw unusable(`expected a public key in PEM in ${path}`, thrown);
  }
  throw unusable(`expected a public key in PEM in ${path}`, undefined);
}

function unusable(message: string, cause: unknown): Fault {
  return new Fault("file/unusable", message, {}, cause);
}
