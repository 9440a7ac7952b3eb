/** How does a program use keys as in a transit engine? Encrypt, decrypt and data keys, by keys that never leave the broker. */
import { base64Of, parseBase64, parseUtf8 } from "../../base/bytes.ts";
import type { JsonObject } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { parseTransitText, type TransitText, transitText } from "../../keys/transit-text.ts";
import { isSecretPath } from "../../wire/resource-path.ts";
import type { TransitItem } from "../../wire/transit.ts";
import type { SecretSource } from "../secret-source.ts";
import { dataAnswer, type VaultAnswer } from "./answer.ts";
import type { TransitMount } from "./binding.ts";
import { bodyOf, type VaultRequest } from "./request.ts";
import { NOT_BOUND, WRONG_METHOD } from "./system.ts";
import { otherForm } from "./value.ts";

export interface TransitRequest {
  readonly request: VaultRequest;
  readonly mount: TransitMount;
  readonly rest: string;
}

/** @throws {@link Fault} as {@link SecretSource}, `vault/other-form`. */
export async function transitAnswer(asked: TransitRequest, source: SecretSource): Promise<VaultAnswer> {
  const { request, mount, rest } = asked;
  const [, word = "", key = ""] =
    /^(encrypt|decrypt|rewrap|datakey\/plaintext|datakey\/wrapped)\/(.+)$/.exec(rest) ?? [];
  const path = `${mount.path}/${key}`;
  if (word === "" || !isSecretPath(path)) return NOT_BOUND;
  if (request.method !== "POST" && request.method !== "PUT") return WRONG_METHOD;
  const body = bodyOf(request);
  if (body["batch_input"] !== undefined) throw otherForm("one use at a time, no `batch_input`");
  const use = { path, context: contextOf(body) };
  switch (word) {
    case "encrypt":
      return encryptAnswer(use, body, source);
    case "decrypt":
      return decryptAnswer(use, body, source);
    case "rewrap":
      return madeAnswer(use, { operation: "rewrap", made: madeOf(body), context: use.context }, source);
    default:
      return dataKeyAnswer(use, { body, isWrappedOnly: word === "datakey/wrapped" }, source);
  }
}

interface Use {
  readonly path: string;
  readonly context: Uint8Array;
}

/** Vault has two words for what is authenticated and not kept; here they are one. */
function contextOf(body: JsonObject): Uint8Array {
  const { associated_data: associated, context } = body;
  if (associated !== undefined && context !== undefined)
    throw otherForm("`associated_data` or `context`, not both");
  const text = associated ?? context ?? "";
  return base64In(text, "context");
}

function base64In(text: unknown, name: string): Uint8Array {
  const bytes = typeof text === "string" ? parseBase64(text) : undefined;
  if (bytes === undefined) throw otherForm(`\`${name}\` in base64`);
  return bytes;
}

async function encryptAnswer(use: Use, body: JsonObject, source: SecretSource): Promise<VaultAnswer> {
  const plaintext = base64In(body["plaintext"], "plaintext");
  try {
    return await madeAnswer(use, { operation: "encrypt", plaintext, context: use.context }, source);
  } finally {
    plaintext.fill(0);
  }
}

/** Of what makes a text. */
async function madeAnswer({ path }: Use, item: TransitItem, source: SecretSource): Promise<VaultAnswer> {
  const [made] = await used(path, item, source);
  return dataAnswer(textOf(made));
}

async function decryptAnswer(
  { path, context }: Use,
  body: JsonObject,
  source: SecretSource,
): Promise<VaultAnswer> {
  const [plaintext = NONE] = await used(path, { operation: "decrypt", made: madeOf(body), context }, source);
  try {
    return dataAnswer({ plaintext: base64Of(plaintext) });
  } finally {
    plaintext.fill(0);
  }
}

const NONE = new Uint8Array(0);
const SIZES: readonly unknown[] = [128, 256, 512];

async function dataKeyAnswer(
  { path, context }: Use,
  { body, isWrappedOnly }: { readonly body: JsonObject; readonly isWrappedOnly: boolean },
  source: SecretSource,
): Promise<VaultAnswer> {
  const bits = body["bits"] ?? 256;
  if (!SIZES.includes(bits)) throw otherForm("`bits` as 128, 256 or 512");
  const item = { operation: "datakey", size: Number(bits) / 8, context, isWrappedOnly } as const;
  const [key = NONE, wrapped] = await used(path, item, source);
  try {
    return dataAnswer({ ...textOf(wrapped), ...(isWrappedOnly ? {} : { plaintext: base64Of(key) }) });
  } finally {
    key.fill(0);
  }
}

async function used(path: string, item: TransitItem, source: SecretSource): Promise<readonly Uint8Array[]> {
  return (await source.transit(path, item)).results;
}

/** Programs look for Vault's own head in front of what they keep, and for the version in it. */
const HEAD = "vault:";
const OWN_HEAD = "ostiary:";

function textOf(bytes: Uint8Array | undefined): JsonObject {
  const made = parseTransitText(parseUtf8(bytes ?? NONE) ?? "");
  if (made === undefined) throw new Fault("channel/bad-release", "expected a text that the key made");
  return { ciphertext: `${HEAD}${transitText(made).slice(OWN_HEAD.length)}`, key_version: made.version };
}

function madeOf({ ciphertext }: JsonObject): TransitText {
  const text = typeof ciphertext === "string" && ciphertext.startsWith(HEAD) ? ciphertext : "";
  const made = parseTransitText(`${OWN_HEAD}${text.slice(HEAD.length)}`);
  if (made === undefined) throw otherForm("`ciphertext` as `vault:v3:AAAA`");
  return made;
}
