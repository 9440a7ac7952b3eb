/** How do admins write secrets, and what do they see of them? Plaintext goes in and never comes back. */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import {
  ALL_BINDING_NAMES,
  ALL_BINDINGS,
  BINDING_NAMES,
  type BindingName,
} from "../channel/binding-names.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import {
  bytesField,
  bytesText,
  countField,
  instantField,
  instantText,
  secretPathField,
  textField,
} from "./fields.ts";
import { MAX_SECRET_BYTES } from "./limits.ts";
import type {
  BindingId,
  SecretBindings,
  SecretContent,
  SecretRotation,
  SecretStateChange,
  SecretSummary,
} from "./messages.ts";

const GENERATED_SIZE = v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(MAX_SECRET_BYTES));

export const SECRET_CONTENT = v.variant("kind", [
  v.strictObject({ kind: v.literal("static"), plaintext: bytesField(1, MAX_SECRET_BYTES) }),
  v.strictObject({ kind: v.literal("generated"), size: GENERATED_SIZE }),
]);

export const SECRET_ROTATION = v.strictObject({ size: GENERATED_SIZE });

const STATE = v.picklist(["enabled", "disabled", "destroyed"]);

const STATE_CHANGE = v.strictObject({ version: countField(1), state: STATE });

const NAMES = v.pipe(
  v.array(v.picklist(ALL_BINDING_NAMES)),
  v.minLength(1),
  v.maxLength(ALL_BINDINGS.length),
  v.check((names) => new Set(names).size === names.length, "each binding once"),
);

const BINDINGS_CHANGE = v.strictObject({ bindings: NAMES });

/** One version's state, or the secret's bindings. */
export const SECRET_CHANGE = v.union([STATE_CHANGE, BINDINGS_CHANGE]);

export const SECRET_SUMMARY = v.object({
  path: secretPathField(),
  kind: v.picklist(["static", "generated"]),
  version: countField(1),
  state: STATE,
  createdAt: instantField(),
  createdBy: textField(128),
  bindings: v.exactOptional(NAMES),
});

export const SECRET_LIST = v.object({ secrets: v.array(SECRET_SUMMARY) });

/** Reads the content of a new version. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSecretContent(bytes: Uint8Array): SecretContent {
  return decode(SECRET_CONTENT, bytes, REQUEST);
}

export function encodeSecretContent(content: SecretContent): string {
  if (content.kind === "generated") return encode({ kind: content.kind, size: content.size });
  return encode({ kind: content.kind, plaintext: bytesText(content.plaintext) });
}

/** Reads the wish for a fresh random version. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSecretRotation(bytes: Uint8Array): SecretRotation {
  return decode(SECRET_ROTATION, bytes, REQUEST);
}

export function encodeSecretRotation({ size }: SecretRotation): string {
  return encode({ size });
}

/** Reads a change of state or of bindings. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSecretChange(bytes: Uint8Array): SecretStateChange | SecretBindings {
  const change = decode(SECRET_CHANGE, bytes, REQUEST);
  return "bindings" in change ? { bindings: numbersOf(change.bindings) } : change;
}

export function encodeSecretStateChange({ version, state }: SecretStateChange): string {
  return encode({ version, state });
}

export function encodeSecretBindings({ bindings }: SecretBindings): string {
  return encode({ bindings: namesOf(bindings) });
}

function numbersOf(names: readonly BindingName[]): readonly BindingId[] {
  return ALL_BINDINGS.filter((binding) => names.includes(BINDING_NAMES[binding]));
}

function namesOf(bindings: readonly BindingId[]): readonly BindingName[] {
  return bindings.map((binding) => BINDING_NAMES[binding]);
}

/** Reads one version, without its content. @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeSecretSummary(bytes: Uint8Array): SecretSummary {
  return secretOf(decode(SECRET_SUMMARY, bytes, ANSWER));
}

function secretOf({ bindings, ...secret }: v.InferOutput<typeof SECRET_SUMMARY>): SecretSummary {
  return bindings === undefined ? secret : { ...secret, bindings: numbersOf(bindings) };
}

export function encodeSecretSummary(secret: SecretSummary): string {
  return encode(summaryOf(secret));
}

/** Reads versions, without their content. @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeSecretList(bytes: Uint8Array): readonly SecretSummary[] {
  return decode(SECRET_LIST, bytes, ANSWER).secrets.map(secretOf);
}

export function encodeSecretList(secrets: readonly SecretSummary[]): string {
  return encode({ secrets: secrets.map(summaryOf) });
}

/** Member by member: what is not named here (an envelope) cannot slip out. */
function summaryOf(secret: SecretSummary): JsonObject {
  const { path, kind, version, state, createdAt, createdBy, bindings } = secret;
  return {
    path,
    kind,
    version,
    state,
    createdAt: instantText(createdAt),
    createdBy,
    bindings: bindings === undefined ? undefined : namesOf(bindings),
  };
}
