/** Does Open Policy Agent decide about the cases as is written beside them? Where there is one. */
import { describe, expect, it } from "vitest";
import { CASES } from "./cases.ts";
import { bitsOf, GUESTS } from "./imported.ts";
import { isOpaHere, opaDecisions } from "./opa.ts";

describe.skipIf(!isOpaHere)(`Open Policy Agent${isOpaHere ? "" : " (no opa here)"}`, () => {
  it.each(CASES)("decides as is written: $name", (one) => {
    const decisions = opaDecisions(one, GUESTS).map(
      (allowed, at) => allowed && GUESTS[at]?.isDebug === false,
    );
    expect(decisions).toEqual(bitsOf(one.decided));
  });
});
