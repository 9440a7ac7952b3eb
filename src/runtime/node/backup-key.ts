/** Which key is a backup sealed to, and where is its other half? A pair of X-Wing keys, the private one offline. */
import { writeFile } from "node:fs/promises";
import { base64UrlOf, parseBase64Url, parseUtf8 } from "../../base/bytes.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { STREAM_PRIVATE_KEY, STREAM_PUBLIC_KEY } from "../../channel/sealed-stream.ts";
import { HPKE_XWING } from "../../channel/suites.ts";
import { systemRandom } from "./clock.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";

const PRIVATE = "ostiary-backup-private-1:";
const PUBLIC = "ostiary-backup-public-1:";

/** Makes a pair: the private half in `path`, the public one beside it. @throws {@link Fault} `file/unusable` where one is there. */
export async function makeBackupKey(path: string): Promise<string> {
  const privateKey = systemRandom(STREAM_PRIVATE_KEY);
  const publicKey = await HPKE_XWING.kem.publicKeyOf(privateKey, nodePrimitives);
  const publicPath = `${path}.pub`;
  try {
    await writeFile(path, `${PRIVATE}${base64UrlOf(privateKey)}\n`, { flag: "wx", mode: 0o600 });
    await writeFile(publicPath, `${PUBLIC}${base64UrlOf(publicKey)}\n`, { flag: "wx" });
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${path}\` and \`${publicPath}\` cannot be made (${reason})`, {
      reason,
    });
  } finally {
    privateKey.fill(0);
  }
  return publicPath;
}

/** @throws {@link Fault} `file/unusable`. */
export function publicKeyIn(path: string): Promise<Uint8Array> {
  return keyIn(path, PUBLIC, STREAM_PUBLIC_KEY);
}

/** @throws {@link Fault} `file/unusable`; the message never quotes it. */
export function privateKeyIn(path: string): Promise<Uint8Array> {
  return keyIn(path, PRIVATE, STREAM_PRIVATE_KEY);
}

async function keyIn(path: string, prefix: string, size: number): Promise<Uint8Array> {
  const text = (parseUtf8(await bytesOf(path)) ?? "").trim();
  const key = text.startsWith(prefix) ? parseBase64Url(text.slice(prefix.length)) : undefined;
  if (key?.length === size) return key;
  throw new Fault("file/unusable", `expected \`${path}\` to hold one line that begins with \`${prefix}\``, {
    path,
  });
}
