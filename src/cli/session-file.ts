/** How is a session kept between two verbs? A file of its holder's alone: where the broker is, what it gave, and the key that signs. */
import { parseUtf8, utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { hasShape, integer, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { Instant } from "../base/time.ts";

export type SessionFile = {
  readonly broker: string;
  readonly audience: string;
  readonly kid: string;
  readonly session: string;
  /** Ed25519, PKCS#8 PEM: it signs requests while the session is good, and nothing else ever. */
  readonly key: string;
  readonly expiresAt: number;
};

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 2, code: "file/unusable" } as const;
const WORD = text(/^\P{Cc}{1,8192}$/u);
const SHAPE = {
  v: integer(1, 1),
  broker: WORD,
  audience: WORD,
  kid: WORD,
  session: WORD,
  key: text(/^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,1024}-----END PRIVATE KEY-----\n?$/),
  expiresAt: integer(0, Number.MAX_SAFE_INTEGER),
};

export function encodeSessionFile(file: SessionFile): Uint8Array {
  return utf8(`${canonicalJson({ v: 1, ...file })}\n`);
}

/** @throws {@link Fault} `file/unusable` for another file; `admin/unauthorized` for a session that is over. */
export function parseSessionFile(bytes: Uint8Array, path: string, now: Instant): SessionFile {
  const read = parseStrictJson(utf8((parseUtf8(bytes) ?? "").trim()), LIMITS);
  if (!isSessionFile(read))
    throw new Fault("file/unusable", `expected a session of \`ostiary admin login\` in \`${path}\``);
  if (read.expiresAt > now) return read;
  throw new Fault("admin/unauthorized", `the session in \`${path}\` is over: \`ostiary admin login\` again`);
}

function isSessionFile(value: JsonValue): value is SessionFile & { readonly v: 1 } {
  return hasShape(value, SHAPE);
}
