/** What do admins sign beside bundles and activations? Which bundle is in shadow, and why a gain is meant. */
import { equalBytes } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Signer } from "../base/primitives.ts";
import { hasShape, hex, integer, list, object, oneOf, type Rule, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { parsePattern } from "../writ/patterns.ts";
import { signDsse } from "./signatures.ts";

export const SHADOW_TYPE = "application/vnd.ostiary.shadow.v1+json";
export const EXPLANATION_TYPE = "application/vnd.ostiary.gain-explanation.v1+json";

/** An order that puts a bundle in shadow, or ends that. */
export interface ShadowStatement {
  /** SHA-256 of the bundle's archive, lower-case hex; `null` ends the shadow. */
  readonly digest: string | null;
  /** Number of this order on this broker, from 1 without gaps: an old order cannot be replayed. */
  readonly serial: number;
  readonly audience: string;
  /** Unix seconds; from then on there is no shadow. `null`: until another order. */
  readonly until: number | null;
}

/** Why whoever is let in by this clause may have these resources. */
export type ExplainedGain = {
  /** A pattern of the language. */
  readonly resource: string;
  /** As the replay names what grants. */
  readonly clause: string;
  readonly why: string;
};

export interface ExplanationStatement {
  readonly digest: string;
  readonly audience: string;
  readonly gains: readonly ExplainedGain[];
}

const MAX_STATEMENT_BYTES = 1 << 20;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31
/** How many gains one statement explains at most. */
export const MAX_EXPLAINED = 256;

const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null || rule(value);
const pattern: Rule = (value) => typeof value === "string" && parsePattern(value).kind === "pattern";
const AUDIENCE: Rule = (value) => typeof value === "string";

const SHADOW = {
  v: oneOf(1),
  act: oneOf("shadow"),
  digest: orNull(hex(32)),
  serial: integer(1, Number.MAX_SAFE_INTEGER),
  audience: AUDIENCE,
  until: orNull(integer(0, MAX_SECONDS)),
};
const GAIN = { resource: pattern, clause: text(/^\P{Cc}{1,1024}$/u), why: text(/^\P{Cc}{1,500}$/u) };
const EXPLANATION = {
  v: oneOf(1),
  act: oneOf("explain-gains"),
  digest: hex(32),
  audience: AUDIENCE,
  gains: list(object(GAIN), 1, MAX_EXPLAINED),
};

export function signShadow(statement: ShadowStatement, signer: Signer): Promise<string> {
  return signDsse(SHADOW_TYPE, canonicalJsonBytes({ ...statement, v: 1, act: "shadow" }), signer);
}

export function signExplanation(statement: ExplanationStatement, signer: Signer): Promise<string> {
  const told = { ...statement, gains: [...statement.gains], v: 1, act: "explain-gains" };
  return signDsse(EXPLANATION_TYPE, canonicalJsonBytes(told), signer);
}

/** Reads the payload of an order. @throws {@link Fault} `policy/bad-signature` for anything but its canonical form. */
export function parseShadow(payload: Uint8Array): ShadowStatement {
  const value = canonical(payload);
  if (!isShadow(value)) throw rejected("an order of a shadow: v, act, digest, serial, audience, until");
  const { digest, serial, audience, until } = value;
  return { digest, serial, audience, until };
}

/** Reads the payload of an explanation. @throws {@link Fault} `policy/bad-signature`. */
export function parseExplanation(payload: Uint8Array): ExplanationStatement {
  const value = canonical(payload);
  if (!isExplanation(value)) throw rejected("an explanation of gains: v, act, digest, audience, gains");
  const { digest, audience, gains } = value;
  return { digest, audience, gains };
}

function canonical(payload: Uint8Array): JsonValue {
  const limits = { maxBytes: MAX_STATEMENT_BYTES, maxDepth: 4, code: "policy/bad-signature" } as const;
  const value = parseStrictJson(payload, limits);
  if (!equalBytes(canonicalJsonBytes(value), payload)) throw rejected("canonical JSON");
  return value;
}

function isShadow(value: JsonValue): value is ShadowStatement & JsonObject {
  return hasShape(value, SHADOW);
}

function isExplanation(value: JsonValue): value is ExplanationStatement & JsonObject {
  return hasShape(value, EXPLANATION);
}

function rejected(expected: string): Fault {
  return new Fault("policy/bad-signature", `signed statement: expected ${expected}`);
}
