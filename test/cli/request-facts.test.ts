/** Does the command line take every value that a request can have, and no other? */
import { describe, expect, it } from "vitest";
import { factsOfJson, factsOfSettings } from "../../src/cli/request-facts.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";

const set = (setting: string) => [...factsOfSettings(new Map(), [setting], SNP_VOCABULARY).values()][0];

describe("--set FIELD=VALUE", () => {
  it.each([
    ["vmpl=255", 255],
    ["broker.region=true", "true"],
    ["broker.region=7", "7"],
    ["request.source=192.0.2.1", "192.0.2.1"],
    ["request.source=2001:db8::1", "2001:db8::1"],
    ["request.nonce_age=3s", 3000],
    ["now=2026-10-01", 1_790_812_800],
    ["now=2026-10-01T12:00Z", 1_790_856_000],
    ["now=2026-10-01T12:00:30Z", 1_790_856_030],
    [`vtpm.pcr[23]=${"ab".repeat(32)}`, "ab".repeat(32)],
  ])("takes %s", (setting, value) => {
    expect(set(setting)).toBe(value);
  });

  it.each([
    `measurement[3]=${"ab".repeat(48)}`,
    `vtpm.pcr=${"ab".repeat(32)}`,
    `vtpm.pcr[24]=${"ab".repeat(32)}`,
    `vtpm.pcr[01]=${"ab".repeat(32)}`,
    "vmpl=256",
    "request.attempt=4294967296",
    "request.source=192.0.2.256",
    "request.source=somewhere",
    "request.nonce_age=999999999999d",
    "now=2026-13-01T12:00Z",
  ])("refuses %s", (setting) => {
    expect(() => set(setting)).toThrow(/is no field|cannot be/);
  });

  it("refuses the same as JSON", () => {
    expect(() => factsOfJson({ vmpl: 256 }, SNP_VOCABULARY)).toThrow("cannot be 256");
  });
});
