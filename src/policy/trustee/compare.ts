/** When does a claim equal a value that a policy of Trustee names? As an expression of Writ that is true or false, never unknown. */
import { hexOf, parseBase64, parseHex } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import { type Claim, isIdentity, type Tee } from "./claims.ts";
import { type Condition, NEVER, not } from "./condition.ts";
import type { Comparison } from "./rego-tree.ts";

/** `undefined` where the two are of kinds that cannot be compared here. */
export function compared(tee: Tee, claim: Claim, op: Comparison, value: JsonValue): Condition | undefined {
  if (op === "!=") {
    const same = compared(tee, claim, "==", value);
    return same === undefined ? undefined : different(claim, same);
  }
  switch (claim.type.kind) {
    case "bytes":
      return op === "==" ? bytesCompared(tee, claim, claim.type.size, value) : undefined;
    case "flag":
      return op === "==" ? flagCompared(claim, value) : undefined;
    case "level":
      return levelCompared(claim, op, value);
    case "abi": {
      const number = levelOf(value);
      return op === "==" && number !== undefined
        ? { kind: "abi", half: claim.type.half, value: number }
        : undefined;
    }
  }
}

/** What is absent differs from nothing, in Rego. */
function different({ field, isOptional }: Claim, same: Condition): Condition {
  return isOptional
    ? { kind: "all", of: [{ kind: "atom", text: `has ${field}`, isIdentity: false }, not(same)] }
    : not(same);
}

function bytesCompared(tee: Tee, claim: Claim, size: number, value: JsonValue): Condition | undefined {
  const bytes = digestOf(value, size);
  if (bytes === undefined) return typeof value === "string" ? undefined : NEVER;
  return atomOf(tee, claim, `${claim.field} == hex"${hexOf(bytes)}"`);
}

/** An atom about a claim, with its presence before it where it may be absent. */
export function atomOf(tee: Tee, claim: Claim, text: string): Condition {
  const whole = claim.isOptional ? `has ${claim.field} and ${text}` : text;
  return { kind: "atom", text: whole, isIdentity: isIdentity(tee, claim) };
}

const SMALL_HEX = /^(?:[0-9a-f]{2})+$/;

/** Versions of Trustee have written digests in hex and in base64. */
export function digestOf(value: JsonValue, size: number): Uint8Array | undefined {
  if (typeof value !== "string") return undefined;
  // Trustee compares text, and writes small letters: a value with capitals equals nothing there.
  const bytes = SMALL_HEX.test(value) ? parseHex(value) : parseBase64(value);
  return bytes?.length === size ? bytes : undefined;
}

/** They have written flags as booleans and as text. */
function flagCompared({ field }: Claim, value: JsonValue): Condition | undefined {
  const atom: Condition = { kind: "atom", text: field, isIdentity: false };
  if (value === true || value === "true") return atom;
  if (value === false || value === "false") return not(atom);
  return undefined;
}

function levelCompared({ field }: Claim, op: Comparison, value: JsonValue): Condition | undefined {
  const level = levelOf(value);
  if (level === undefined) return undefined;
  // The order of texts is not that of numbers.
  if (op !== "==" && typeof value === "string") return undefined;
  return { kind: "atom", text: `${field} ${op} ${level}`, isIdentity: false };
}

function levelOf(value: JsonValue): number | undefined {
  const number = typeof value === "string" && /^(?:0|[1-9][0-9]{0,2})$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= 255
    ? number
    : undefined;
}
