/** Which errors do reference values have that come from elsewhere? A part of `fault-codes.ts`. */
import type { FaultRow } from "./fault-row.ts";

export const REFERENCE_FAULT_CODES = {
  "reference/malformed": {
    status: 422,
    wire: "bad-reference-values",
    next: "ask whoever made the file for one that its format allows: a CoRIM has tag 501, a signed one tag 18",
  },
  "reference/unsigned": {
    status: 422,
    wire: "bad-reference-values",
    next: "ask for a signed file; `--unsigned` takes this one on the word of whoever brought it",
  },
  "reference/bad-signature": {
    status: 422,
    wire: "bad-reference-values",
    next: "compare the key with the one that its owner publishes; where it is the right one, the file was changed on its way",
  },
  "reference/out-of-date": {
    status: 422,
    wire: "bad-reference-values",
    next: "ask whoever made the file for the values of today",
  },
  "reference/nothing-carried": {
    status: 422,
    wire: "bad-reference-values",
    next: "read what was left out and why: nothing in this file can be said in Writ",
  },
} as const satisfies Readonly<Record<string, FaultRow>>;
