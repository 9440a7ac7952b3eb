/** In which form does an application want a secret? As it is, as text, or one member of it. */
import { parseUtf8, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";

export type SecretFormat = "raw" | "hex" | "base64" | `json:${string}`;

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 16, code: "secret/unfit" } as const;

/** `undefined` for a word that is none; `json:NAME` is the member NAME of a secret that is a JSON object. */
export function secretFormatOf(word: string): SecretFormat | undefined {
  if (word === "raw" || word === "hex" || word === "base64") return word;
  return /^json:[\w.-]{1,128}$/.test(word) ? `json:${word.slice("json:".length)}` : undefined;
}

/**
 * A copy in that form, which the caller overwrites.
 *
 * @throws {@link Fault} `secret/unfit` for a member that is not there, or is neither text, a number nor a truth value.
 */
export function inFormat(secret: Uint8Array, format: SecretFormat): Uint8Array {
  if (format === "raw") return secret.slice();
  if (format === "hex" || format === "base64") {
    return Uint8Array.from(Buffer.from(Buffer.from(secret).toString(format), "latin1"));
  }
  return memberOf(secret, format.slice("json:".length));
}

function memberOf(secret: Uint8Array, name: string): Uint8Array {
  const value = parseStrictJson(secret, LIMITS);
  const member = isJsonObject(value) ? value[name] : undefined;
  if (typeof member === "string") return utf8(member);
  if (typeof member === "number" || typeof member === "boolean") return utf8(String(member));
  throw new Fault("secret/unfit", `expected a JSON object with the member \`${name}\`, a text or a number`);
}

/** A secret as text. @throws {@link Fault} `secret/unfit` for what no environment variable can hold. */
export function asText(bytes: Uint8Array): string {
  const text = parseUtf8(bytes);
  if (text !== undefined && !text.includes("\0")) return text;
  throw new Fault("secret/unfit", "expected a secret in UTF-8 without NUL: ask for it as hex or base64");
}
