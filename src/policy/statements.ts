/** What do admins sign about policy beside bundles? Orders to activate one: canonical JSON in DSSE. */
import { equalBytes } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Signer } from "../base/primitives.ts";
import { hasShape, hex, integer, type Shape, text } from "../base/shape.ts";
import { parseObject, signDsse } from "./signatures.ts";

export const ACTIVATION_TYPE = "application/vnd.ostiary.activation.v2+json";

const MAX_BYTES = 4096;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31
const SERIAL = integer(1, Number.MAX_SAFE_INTEGER);
const TIME = integer(0, MAX_SECONDS);
const AUDIENCE = text(/^\P{Cc}{1,512}$/u);
const isHeadOrNull = (value: Parameters<typeof TIME>[0]): boolean => value === null || hex(32)(value);

/** An order to make one bundle the live one. */
export type ActivationStatement = {
  /** SHA-256 of the bundle's archive, lower-case hex. */
  readonly digest: string;
  /** Number of this activation on this broker, from 1 without gaps: an old order cannot be replayed. */
  readonly serial: number;
  /** The broker the order is for. */
  readonly audience: string;
  /** When it was signed, in Unix seconds: approvals have to be alive then. */
  readonly at: number;
  /** The head of the roster that whoever signed it knew; null where nothing was added to the configuration's admins. */
  readonly roster: string | null;
};

const ACTIVATION = {
  digest: hex(32),
  serial: SERIAL,
  audience: AUDIENCE,
  at: TIME,
  roster: isHeadOrNull,
} satisfies Shape<ActivationStatement>;

/** Signs the order to activate a bundle. */
export function signActivation(statement: ActivationStatement, signer: Signer): Promise<string> {
  return signDsse(ACTIVATION_TYPE, encodeActivation(statement), signer);
}

/** The canonical JSON that {@link signActivation} signs. */
export function encodeActivation({ digest, serial, audience, at, roster }: ActivationStatement): Uint8Array {
  return canonicalJsonBytes({ v: 2, act: "activate", digest, serial, audience, at, roster });
}

/** Reads the payload of an activation: canonical, with these members and no others. @throws {@link Fault} `policy/bad-signature`. */
export function parseActivation(payload: Uint8Array): ActivationStatement {
  const { v: _version, act: _act, ...statement } = parseObject(payload, MAX_BYTES);
  if (isActivation(statement) && equalBytes(encodeActivation(statement), payload)) return statement;
  throw rejected("an activation: v, act, digest, serial, audience, at, roster");
}

function isActivation(value: JsonObject): value is ActivationStatement {
  return hasShape(value, ACTIVATION);
}

function rejected(expected: string): Fault {
  return new Fault("policy/bad-signature", `statement: expected ${expected}`);
}
