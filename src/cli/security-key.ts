/** How does somebody sign whose key is a security key? A link to the broker's page goes out, and what the key answered comes back. */
import { base64UrlOf, hexOf, parseBase64Url } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { AdminClient } from "../client/admin.ts";
import { challengeOf, encodeAssertion, type WebAuthnKey, whyNotAsserted } from "../policy/webauthn.ts";
import { Misuse, type Terminal } from "./command.ts";

/** Longer ones are bundles: then the link has their digest alone. */
const MAX_SHOWN_BYTES = 4096;
const MAX_ASSERTION_BYTES = 64 * 1024;

interface Edges {
  readonly client: Pick<AdminClient, "listAdmins">;
  readonly terminal: Pick<Terminal, "err" | "readFile">;
  readonly primitives: Pick<Primitives, "verify" | "digest">;
  /** Where the answer is read from; `-` is standard input. */
  readonly answers: string;
}

/**
 * Makes a signer of statements by the security key of an admin, wherever that key is: whoever holds it opens the link, or gives the challenge to
 * another program that speaks WebAuthn. The answer is judged here before it is sent.
 *
 * @throws Misuse where there is no admin of that name with a security key.
 */
export async function securityKeySigner(name: string, edges: Edges): Promise<Signer> {
  const admin = (await edges.client.listAdmins()).admins.find(({ kid }) => kid === name);
  const { spki, webauthn } = admin ?? {};
  if (spki === undefined || webauthn === undefined) {
    throw new Misuse(
      `expected --security-key NAME of an admin who has one (\`ostiary admin list\`), received \`${name}\``,
    );
  }
  const key = { spki, webauthn };
  return { kid: name, algorithm: "WebAuthn", spki, sign: (bytes) => signed(bytes, { name, key }, edges) };
}

interface Holder {
  readonly name: string;
  readonly key: WebAuthnKey;
}

async function signed(
  bytes: Uint8Array,
  { name, key }: Holder,
  { terminal, primitives, answers }: Edges,
): Promise<Uint8Array> {
  const challenge = challengeOf(bytes, primitives.digest);
  terminal.err(
    `to be signed by the security key of ${name}: SHA-256 ${hexOf(challenge)}\n` +
      `challenge ${base64UrlOf(challenge)}\n` +
      `open      ${linkOf(bytes, challenge, { name, key })}\n` +
      `compare the digest there, touch the key, and give what the page shows then to ${answers === "-" ? "this program, with Ctrl-D behind it" : answers}\n`,
  );
  const assertion = assertionIn(await terminal.readFile(answers, MAX_ASSERTION_BYTES));
  const why = await whyNotAsserted(bytes, assertion, key, primitives);
  if (why === undefined) return assertion;
  throw new Fault("policy/bad-signature", `the security key's answer: ${why}`);
}

/** Behind `#`, so that no server is told: the page takes it apart and shows what it is. */
function linkOf(bytes: Uint8Array, challenge: Uint8Array, { name, key: { webauthn } }: Holder): string {
  const what: Readonly<Record<string, string>> =
    bytes.length <= MAX_SHOWN_BYTES ? { signs: base64UrlOf(bytes) } : { challenge: base64UrlOf(challenge) };
  const about = new URLSearchParams({ name, credential: base64UrlOf(webauthn.id), ...what });
  return `${webauthn.origin}/admin/key#${about.toString()}`;
}

/** What the page shows, or a whole `PublicKeyCredential` as `toJSON()` writes it. @throws {@link Fault} `policy/bad-signature`. */
function assertionIn(answer: Uint8Array): Uint8Array {
  const limits = { maxBytes: MAX_ASSERTION_BYTES, maxDepth: 16, code: "policy/bad-signature" } as const;
  const read = parseStrictJson(answer, limits);
  const given = isJsonObject(read) && isJsonObject(read["response"]) ? read["response"] : read;
  const member = (name: string): Uint8Array => {
    const text = isJsonObject(given) ? given[name] : undefined;
    const bytes = typeof text === "string" ? parseBase64Url(text) : undefined;
    if (bytes !== undefined) return bytes;
    throw new Fault("policy/bad-signature", `the security key's answer: expected \`${name}\` in base64url`);
  };
  return encodeAssertion({
    authenticatorData: member("authenticatorData"),
    clientDataJSON: member("clientDataJSON"),
    signature: member("signature"),
  });
}
