/** Do the facts of a stored decision come back as policy saw them, and age as they should? */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { appraiseAgain, type HeldFacts } from "../../src/policy/appraise.ts";
import { factsJson } from "../../src/policy/claims.ts";
import { EXCHANGE_FIELDS, factsAgain, factsOf } from "../../src/policy/facts.ts";
import { factsOfTold } from "../../src/policy/told-facts.ts";
import type { Facts } from "../../src/writ/facts.ts";
import { CHIPS, CONTEXT, MILAN_V3, NOW, TURIN_V5, verificationOf } from "./report-bytes.ts";

const HOUR = 3600;
const heldOf = (facts: Facts): HeldFacts => facts as HeldFacts;

describe("facts that were told", () => {
  it.each(CHIPS)("of a $product report, version $version, are the ones that were seen", (chip) => {
    const seen = factsOf(verificationOf(chip), CONTEXT);
    const guests = new Map([...seen].filter(([field]) => !EXCHANGE_FIELDS.has(field)));
    expect(guests.size).toBeGreaterThan(30);
    expect(factsOfTold(factsJson(seen))).toEqual(guests);
  });

  it.each([
    ["a field that there is not", { "report.colour": "red" }],
    ["a value of another type", { vmpl: "none" }],
    ["a measurement of another size", { measurement: "02" }],
  ])("are none with %s", (_, told) => {
    expect(
      factsOfTold({ ...factsJson(factsOf(verificationOf(MILAN_V3), CONTEXT)), ...told }),
    ).toBeUndefined();
  });

  it("need no address that can be read: a later use has its own", () => {
    const seen = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, source: "unknown" });
    expect(factsOfTold(factsJson(seen))?.get("vmpl")).toBe(0);
  });
});

describe("facts of a use", () => {
  const seen = factsOf(verificationOf(TURIN_V5), CONTEXT, new Map([["02".repeat(48), 4]]));
  const later = { ...CONTEXT, now: addSeconds(NOW, HOUR), op: "unwrap", heldMs: HOUR * 1000 } as const;

  it("age by as long as they were held", () => {
    const now = factsAgain(seen, later);
    expect(now.get("endorsement.crl_age")).toBe(2 * HOUR * 1000);
    expect(now.get("endorsement.not_after_in")).toBe(23 * HOUR * 1000);
    expect(now.get("now")).toBe(NOW + HOUR);
    expect(now.get("request.op")).toBe("unwrap");
  });

  it("say how long ago the evidence was judged, by this use alone", () => {
    expect(seen.get("evidence.age")).toBe(0);
    expect(factsAgain(seen, later).get("evidence.age")).toBe(HOUR * 1000);
    expect(factsOfTold(factsJson(seen))?.has("evidence.age")).toBe(false);
  });

  it("are never less than nothing", () => {
    const old = factsAgain(seen, { ...later, heldMs: 48 * HOUR * 1000 });
    expect(old.get("endorsement.not_after_in")).toBe(0);
  });

  it("have the label of the live bundle's reference value, or none", () => {
    expect(seen.get("vm.vcpus")).toBe(4);
    expect(factsAgain(seen, later).get("vm.vcpus")).toBeUndefined();
    expect(factsAgain(seen, later, new Map([["02".repeat(48), 8]])).get("vm.vcpus")).toBe(8);
  });

  it("have no approvals: those were for the request that was decided, not for whoever holds its token", () => {
    const approved = new Map([...seen, ["approvals:oncall", 2] as const]);
    expect([...factsAgain(approved, later).keys()].filter((name) => name.startsWith("approvals"))).toEqual(
      [],
    );
  });

  it("are refused without a bundle, and never by an exception", () => {
    expect(appraiseAgain(heldOf(seen), undefined, later)).toMatchObject({
      isAllowed: false,
      code: "no-policy",
    });
    const broken = { ...later, source: Symbol("no address") } as unknown as typeof later;
    expect(appraiseAgain(heldOf(new Map()), undefined, broken)).toMatchObject({ isAllowed: false });
  });
});
