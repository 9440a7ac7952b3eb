import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ERRORS_DOC, errorsDocument } from "../../scripts/errors-doc.ts";
import { FAULT_CODES, type WireCode } from "../../src/base/fault-codes.ts";

/** PROTOCOL section 5: which wire codes there are, and with which status each goes. */
const STATUS_OF_WIRE: Readonly<Partial<Record<WireCode, readonly number[]>>> = {
  "malformed-evidence": [400],
  unauthorized: [401, 403],
  "rejected-evidence": [403],
  denied: [403],
  "stale-nonce": [409],
  "too-large": [413],
  "wrong-channel": [421],
  "slow-down": [429],
  internal: [500],
  "try-later": [503],
};

describe("docs/errors.md", () => {
  it("is what the table says; `node scripts/errors-doc.ts` writes it", () => {
    expect(readFileSync(ERRORS_DOC, "utf8")).toBe(errorsDocument());
  });
});

describe("the table of fault codes", () => {
  it.each(Object.entries(FAULT_CODES))(
    "gives %s a status that the protocol knows, and advice",
    (code, row) => {
      expect(code).toMatch(/^[a-z]+\/[a-z-]+$/);
      expect(STATUS_OF_WIRE[row.wire] ?? [row.status]).toContain(row.status);
      expect(row.next).toMatch(/^\S.*[^.]$/);
    },
  );
});
