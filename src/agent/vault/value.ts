/** How do the bytes of a secret become the `data` of a key-value engine, and back? By the form of its mount. */
import { base64Of, hexOf, parseBase64, parseHex, parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { MAX_SECRET_BYTES } from "../../wire/limits.ts";
import type { ValueForm } from "./binding.ts";

const LIMITS = { maxBytes: MAX_SECRET_BYTES, maxDepth: 8, code: "vault/other-form" } as const;

/** @throws {@link Fault} `vault/other-form` for bytes that the form cannot say. */
export function dataOf(secret: Uint8Array, form: ValueForm): JsonObject {
  if (form.encoding === "json") {
    const value = parseStrictJson(secret, LIMITS);
    if (isJsonObject(value)) return value;
    throw otherForm("a secret that is a JSON object");
  }
  return { [form.field]: textOf(secret, form.encoding) };
}

function textOf(secret: Uint8Array, encoding: "hex" | "base64" | "text"): string {
  if (encoding === "hex") return hexOf(secret);
  if (encoding === "base64") return base64Of(secret);
  const text = parseUtf8(secret);
  if (text === undefined) throw otherForm("a secret that is text");
  return text;
}

/** The bytes of what a program writes. @throws {@link Fault} `vault/other-form`. */
export function bytesOfData(data: JsonValue | undefined, form: ValueForm): Uint8Array {
  if (data === undefined || !isJsonObject(data)) throw otherForm("`data` as an object");
  if (form.encoding === "json") return utf8(canonicalJson(data));
  const { field, encoding } = form;
  const text = data[field];
  if (typeof text !== "string" || Object.keys(data).length !== 1) {
    throw otherForm(`\`data\` with the member \`${field}\` and no other`);
  }
  const bytes = parsed(text, encoding);
  if (bytes === undefined) throw otherForm(`\`${field}\` in ${encoding}`);
  return bytes;
}

function parsed(text: string, encoding: "hex" | "base64" | "text"): Uint8Array | undefined {
  if (encoding === "hex") return parseHex(text);
  return encoding === "base64" ? parseBase64(text) : utf8(text.toWellFormed());
}

export function otherForm(expected: string): Fault {
  return new Fault("vault/other-form", `expected ${expected}`);
}
