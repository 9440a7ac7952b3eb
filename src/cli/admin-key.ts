/** Which key does a new admin have? That of a file, or one that a security key registered on the broker's page. */
import { base64UrlOf } from "../base/bytes.ts";
import type { Admin } from "../policy/admins.ts";
import { adminOptionsOf, type GivenOptions, type OpenAdminSession } from "./admin-session.ts";
import { Misuse, type Terminal } from "./command.ts";
import { publicKeyOf } from "./public-key.ts";
import { registeredKey } from "./registration.ts";

type AdminKey = Pick<Admin, "spki" | "webauthn">;

/** The options that name a key, one of the two. */
interface NamedKey extends GivenOptions {
  readonly public?: string | undefined;
  readonly registration?: string | undefined;
}

interface Edges {
  readonly open: OpenAdminSession;
  readonly terminal: Pick<Terminal, "err" | "readFile">;
}

/** @throws Misuse; {@link Fault} `file/unusable` for what is no such key, and as `open` and the broker. */
export async function adminKeyOf(values: NamedKey, edges: Edges): Promise<AdminKey> {
  const { public: file, registration } = values;
  if (file !== undefined && registration === undefined) {
    return { spki: publicKeyOf(await edges.terminal.readFile(file), file) };
  }
  if (file === undefined && registration !== undefined) return registeredIn(registration, values, edges);
  throw new Misuse(
    "expected --public FILE: the new admin's public key, or --registration FILE: of a security key",
  );
}

/** What the registration is held against is what the broker says of its page; the record says it again, for those who sign it. */
async function registeredIn(
  file: string,
  { "security-key": _signer, ...options }: GivenOptions,
  { open, terminal }: Edges,
): Promise<AdminKey> {
  const { client } = await open(adminOptionsOf(options));
  const read = await registeredKey(await terminal.readFile(file), file, await client.keyPage());
  const { spki, webauthn, aaguid, isBackedUp } = read;
  const backup = isBackedUp ? "; the key is backed up: it is also elsewhere" : "";
  terminal.err(`model ${aaguid}, which nothing proves${backup}\n`);
  return { spki, webauthn };
}

/** What people have to know of a key before they sign that it is somebody's: by which page it signs. */
export function keyWords({ webauthn }: AdminKey): string {
  if (webauthn === undefined) return "";
  const { id, rpId, origin } = webauthn;
  return `; by a security key on the page of ${origin} (${rpId}), credential ${base64UrlOf(id).slice(0, 12)}`;
}
