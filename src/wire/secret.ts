/** How do admins write secrets, and what do they see of them? Plaintext goes in and never comes back. */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import {
  ALL_BINDING_NAMES,
  ALL_BINDINGS,
  BINDING_NAMES,
  type BindingName,
} from "../channel/binding-names.ts";
import { CONTEXT_FIELDS } from "../keys/derivation.ts";
import { RECIPE_NAMES, type Recipe, type RecipeName } from "../keys/recipe.ts";
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
import type { BindingId } from "./messages.ts";
import type { SecretChange, SecretContent, SecretRotation, SecretSummary } from "./secret-messages.ts";

const SIZE = v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(MAX_SECRET_BYTES));

/** `size` is for `bytes`, which is what is meant where nothing is named. */
const MADE = { make: v.exactOptional(v.picklist(RECIPE_NAMES)), size: v.exactOptional(SIZE) };

const MAX_PUBLIC_KEY_BYTES = 1024;

export const SECRET_CONTENT = v.variant("kind", [
  v.strictObject({ kind: v.literal("static"), plaintext: bytesField(1, MAX_SECRET_BYTES) }),
  v.strictObject({ kind: v.literal("generated"), ...MADE }),
  v.strictObject({
    kind: v.literal("derived"),
    size: v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(1024)),
    by: v.pipe(v.array(v.picklist(CONTEXT_FIELDS)), v.minLength(1), v.maxLength(CONTEXT_FIELDS.length)),
  }),
]);

export const SECRET_ROTATION = v.strictObject(MADE);

const STATE_CHANGE = v.strictObject({
  version: countField(1),
  state: v.picklist(["enabled", "disabled", "destroyed"]),
  despite: v.exactOptional(countField(1)),
});

const MAX_WAIT_SECONDS = 10 * 366 * 86_400;

const CONDEMNATION = v.strictObject({
  version: countField(1),
  destroyAfter: v.pipe(countField(1), v.maxValue(MAX_WAIT_SECONDS)),
  despite: v.exactOptional(countField(1)),
});

const BINDING_SET = v.pipe(
  v.array(v.picklist(ALL_BINDING_NAMES)),
  v.minLength(1),
  v.maxLength(ALL_BINDINGS.length),
  v.check((names) => new Set(names).size === names.length, "each binding once"),
);

const MIN_ROTATE_SECONDS = 60;

const ROTATE_SECONDS = v.pipe(countField(MIN_ROTATE_SECONDS), v.maxValue(MAX_WAIT_SECONDS));

/** A guest has to be able to renew in time, and nobody should wait for a month in vain. */
const MIN_LEASE_SECONDS = 60;

const LEASE_SECONDS = v.pipe(countField(MIN_LEASE_SECONDS), v.maxValue(30 * 86_400));

const MAX_LABELS = 32;

const LABELS = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[a-z0-9](?:[a-z0-9._/-]{0,62})$/)), textField(256)),
  v.check((labels) => Object.keys(labels).length <= MAX_LABELS, "at most 32 labels"),
);

const SETTINGS_CHANGE = v.pipe(
  v.strictObject({
    bindings: v.exactOptional(BINDING_SET),
    current: v.exactOptional(v.nullable(countField(1))),
    minimum: v.exactOptional(countField(1)),
    rotateSeconds: v.exactOptional(v.nullable(ROTATE_SECONDS)),
    retire: v.exactOptional(v.boolean()),
    leaseSeconds: v.exactOptional(v.nullable(LEASE_SECONDS)),
    owner: v.exactOptional(textField(128)),
    labels: v.exactOptional(LABELS),
  }),
  v.check((change) => Object.keys(change).length > 0, "at least one setting"),
);

/** One version's state or end, or what holds for the secret as a whole. */
export const SECRET_CHANGE = v.union([STATE_CHANGE, CONDEMNATION, SETTINGS_CHANGE]);

export const SECRET_SUMMARY = v.object({
  path: secretPathField(),
  kind: v.picklist(["static", "generated", "derived"]),
  make: v.exactOptional(textField(64)),
  version: countField(1),
  state: v.picklist(["enabled", "disabled", "condemned", "destroyed"]),
  publicKey: v.exactOptional(bytesField(1, MAX_PUBLIC_KEY_BYTES)),
  destroyAt: v.exactOptional(instantField()),
  createdAt: instantField(),
  createdBy: textField(128),
  bindings: v.exactOptional(BINDING_SET),
  current: v.exactOptional(countField(1)),
  minimum: v.exactOptional(countField(1)),
  rotateSeconds: v.exactOptional(ROTATE_SECONDS),
  retire: v.exactOptional(v.literal(true)),
  leaseSeconds: v.exactOptional(LEASE_SECONDS),
  owner: v.exactOptional(textField(128)),
  labels: v.exactOptional(LABELS),
});

export const SECRET_LIST = v.object({ secrets: v.array(SECRET_SUMMARY) });

/** Reads the content of a new version. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSecretContent(bytes: Uint8Array): SecretContent {
  const content = decode(SECRET_CONTENT, bytes, REQUEST);
  return content.kind === "generated" ? { kind: "generated", make: recipeOf(content) } : content;
}

export function encodeSecretContent(content: SecretContent): string {
  if (content.kind === "generated") return encode({ kind: content.kind, ...madeOf(content.make) });
  if (content.kind === "derived") return encode({ ...content, by: [...content.by] });
  return encode({ kind: content.kind, plaintext: bytesText(content.plaintext) });
}

/** Reads the wish for a fresh version. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSecretRotation(bytes: Uint8Array): SecretRotation {
  const { make, size } = decode(SECRET_ROTATION, bytes, REQUEST);
  return make === undefined && size === undefined ? {} : { make: recipeOf({ make, size }) };
}

export function encodeSecretRotation({ make }: SecretRotation): string {
  return encode(make === undefined ? {} : madeOf(make));
}

interface NamedRecipe {
  readonly make?: RecipeName | undefined;
  readonly size?: number | undefined;
}

function recipeOf({ make = "bytes", size }: NamedRecipe): Recipe {
  return size === undefined ? { name: make } : { name: make, size };
}

function madeOf({ name, size }: Recipe): JsonObject {
  return { make: name, size };
}

/** Reads a change of a version or of the secret. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeSecretChange(bytes: Uint8Array): SecretChange {
  const change = decode(SECRET_CHANGE, bytes, REQUEST);
  if ("version" in change) return change;
  const { bindings, ...rest } = change;
  return bindings === undefined ? rest : { ...rest, bindings: numbersOf(bindings) };
}

export function encodeSecretChange(change: SecretChange): string {
  if ("version" in change) return encode({ ...change });
  const { bindings, ...rest } = change;
  return encode({ ...rest, bindings: bindings && namesOf(bindings) });
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
  const { path, kind, make, version, state, publicKey, destroyAt, createdAt, createdBy } = secret;
  const { bindings, current, minimum, rotateSeconds, retire, leaseSeconds, owner, labels } = secret;
  return {
    path,
    kind,
    make,
    version,
    state,
    publicKey: publicKey === undefined ? undefined : bytesText(publicKey),
    destroyAt: destroyAt === undefined ? undefined : instantText(destroyAt),
    createdAt: instantText(createdAt),
    createdBy,
    bindings: bindings && namesOf(bindings),
    current,
    minimum,
    rotateSeconds,
    retire,
    leaseSeconds,
    owner,
    labels,
  };
}
