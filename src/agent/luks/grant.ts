/** What may a disk be formatted for, and over what? What the admin wrote at `PATH/format`, which the broker releases once. */
import type { JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { hasShape, oneOf, optional, type Shape, text } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";

export type FormatGrant = {
  /** The path of the secret whose volume may be made. */
  readonly format: string;
  /** `blank`: only where zeros are; `anything`: whatever is there is lost. */
  readonly over: "blank" | "anything";
  /** The new volume's UUID, where the admin wants to know it beforehand. */
  readonly uuid?: string;
};

const GRANT: Shape<FormatGrant> = {
  format: text(/^[A-Za-z0-9._/-]{1,512}$/),
  over: oneOf("blank", "anything"),
  uuid: optional(text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)),
};

const MAX_GRANT_BYTES = 4096;

export function grantPathOf(secret: string): string {
  return `${secret}/format`;
}

/**
 * Reads a grant, for the volume of this secret and no other.
 *
 * @throws {@link Fault} `disk/bad-grant`.
 */
export function parseGrant(bytes: Uint8Array, secret: string): FormatGrant {
  const limits = { maxBytes: MAX_GRANT_BYTES, maxDepth: 2, code: "disk/bad-grant" } as const;
  const grant = parseStrictJson(bytes, limits);
  if (!isGrant(grant)) {
    throw new Fault(
      "disk/bad-grant",
      'expected `{"format":"PATH","over":"blank"}`, with "anything" or a "uuid" where you mean it',
    );
  }
  if (grant.format !== secret) {
    throw new Fault(
      "disk/bad-grant",
      `expected a grant for \`${secret}\`, received one for \`${grant.format}\``,
    );
  }
  return grant;
}

function isGrant(value: JsonValue): value is FormatGrant {
  return hasShape(value, GRANT);
}
