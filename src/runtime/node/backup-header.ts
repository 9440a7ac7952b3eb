/** What stands in clear at the beginning of a backup? One line of JSON: of whom it is, when it was made, of which tables. */
import { hexOf, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { formatInstant, type Instant } from "../../base/time.ts";
import { schemaText } from "../../store/dump.ts";
import { nodePrimitives } from "./primitives.ts";

const FORMAT = "ostiary-backup-1";

/** Bytes that it has at most, with the end of its line. */
export const MAX_HEADER = 4096;

/** The line, with its end. */
export function headerOf(audience: string, at: Instant): Uint8Array {
  const header = { format: FORMAT, audience, at: formatInstant(at), schema: schemaDigest() };
  return utf8(`${JSON.stringify(header)}\n`);
}

function schemaDigest(): string {
  return hexOf(nodePrimitives.digest("sha256", utf8(schemaText())));
}

/** @throws {@link Fault} `store/malformed-backup`; `store/incompatible` for another broker's, and other tables than these. */
export function refuseOtherHeader(line: Uint8Array, audience: string): void {
  const reading = { maxBytes: MAX_HEADER, maxDepth: 2, code: "store/malformed-backup" } as const;
  const told = parseStrictJson(line, reading);
  if (!isJsonObject(told) || told["format"] !== FORMAT) {
    throw new Fault("store/malformed-backup", "expected a file that `ostiary backup` made");
  }
  if (told["audience"] !== audience) {
    throw new Fault("store/incompatible", "expected a backup of this broker, it is of another audience", {
      expected: audience,
      received: String(told["audience"]).slice(0, 200),
    });
  }
  if (told["schema"] !== schemaDigest()) {
    throw new Fault(
      "store/incompatible",
      "another version of Ostiary made this backup: restore it with that version, then start this one",
    );
  }
}
