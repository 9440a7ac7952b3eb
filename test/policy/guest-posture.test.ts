/** What does a policy see of a guest's own word? Every part of it under `posture`, nothing of it anywhere else, and older as time goes by. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { factsJson } from "../../src/policy/claims.ts";
import { EXCHANGE_FIELDS, factsAgain, factsOf } from "../../src/policy/facts.ts";
import { type GuestPosture, POSTURE_READINGS } from "../../src/policy/guest-posture.ts";
import { factsOfTold } from "../../src/policy/told-facts.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { POSTURE_FIELDS } from "../../src/policy/vocabulary-posture.ts";
import { brokenAxioms } from "../../src/writ/solver/axioms.ts";
import { posture } from "../wire/posture-arbitrary.ts";
import { CHIPS, CONTEXT, MILAN_V3, NOW, verificationOf } from "./report-bytes.ts";

const HOUR = 3600;
const SAID: GuestPosture = {
  v: 1,
  passed: ["memory.swap", "console.sysrq"],
  warned: ["kernel.lockdown"],
  failed: ["cmdline.init", "app.config"],
  agent: "0.1.0",
  kernel: "6.12.9-cloud-amd64",
  lockdown: "integrity",
  secureBoot: true,
  verity: false,
  ima: true,
  smt: false,
  uptime: 90,
};

describe("what a guest says of itself", () => {
  const facts = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, posture: SAID });

  it.each([
    ["posture.age", 0],
    ["posture.passed", ["console.sysrq", "memory.swap"]],
    ["posture.warned", ["kernel.lockdown"]],
    ["posture.failed", ["app.config", "cmdline.init"]],
    ["posture.warnings", 1],
    ["posture.failures", 2],
    ["posture.agent", [0, 1, 0]],
    ["posture.kernel", [6, 12, 9]],
    ["posture.kernel_release", "6.12.9-cloud-amd64"],
    ["posture.lockdown", "integrity"],
    ["posture.secure_boot", true],
    ["posture.verity", false],
    ["posture.ima", true],
    ["posture.smt", false],
    ["posture.uptime", 90_000],
  ])("is %s", (field, value) => {
    expect(facts.get(field)).toEqual(value);
  });

  it("is absent from what it leaves out, and altogether where it says nothing", () => {
    const { kernel: _, ima: _ima, ...less } = SAID;
    const seen = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, posture: less });
    expect(["posture.kernel", "posture.kernel_release", "posture.ima"].some((field) => seen.has(field))).toBe(
      false,
    );
    const silent = factsOf(verificationOf(MILAN_V3), CONTEXT);
    expect([...silent.keys()].filter((field) => field.startsWith("posture"))).toEqual([]);
  });

  it("has no list of nothing, which no line could ask for", () => {
    const posture = { ...SAID, failed: [], passed: [] };
    const seen = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, posture });
    expect([seen.has("posture.failed"), seen.has("posture.passed"), seen.get("posture.failures")]).toEqual([
      false,
      false,
      0,
    ]);
  });

  it("has a row in the vocabulary for each reading, and the other way round", () => {
    expect(POSTURE_READINGS.map(([field]) => field)).toEqual(POSTURE_FIELDS.map(({ name }) => name));
    expect(POSTURE_FIELDS.every(({ name, absence }) => name.startsWith("posture.") && absence)).toBe(true);
  });
});

describe("whatever a guest says of itself", () => {
  const chip = fc.constantFrom(...CHIPS);

  test.prop([posture, chip])("changes no fact that anybody else decides", (said, of) => {
    const without = factsOf(verificationOf(of), CONTEXT);
    const seen = factsOf(verificationOf(of), { ...CONTEXT, posture: said });
    expect(new Map([...seen].filter(([field]) => !field.startsWith("posture.")))).toEqual(without);
  });

  test.prop([posture])("breaks no axiom, and is read back from a trace as it was seen", (said) => {
    const seen = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, posture: said });
    expect(brokenAxioms(seen, SNP_VOCABULARY, []).map(({ text }) => text)).toEqual([]);
    const guests = new Map([...seen].filter(([field]) => !EXCHANGE_FIELDS.has(field)));
    expect(factsOfTold(factsJson(seen))).toEqual(guests);
  });
});

describe("the posture of evidence that is held", () => {
  const seen = factsOf(verificationOf(MILAN_V3), { ...CONTEXT, posture: SAID });
  const later = { ...CONTEXT, now: addSeconds(NOW, HOUR), heldMs: HOUR * 1000 } as const;

  it("ages with it, and so does what it says of time", () => {
    const again = factsAgain(seen, later);
    expect(again.get("posture.age")).toBe(HOUR * 1000);
    expect(again.get("posture.uptime")).toBe(90_000 + HOUR * 1000);
    expect(again.get("posture.failed")).toEqual(["app.config", "cmdline.init"]);
  });

  it("is no other one, whatever comes beside the token", () => {
    const better: GuestPosture = { v: 1, passed: [], warned: [], failed: [] };
    expect(factsAgain(seen, { ...later, posture: better })).toEqual(factsAgain(seen, later));
    const silent = factsOf(verificationOf(MILAN_V3), CONTEXT);
    expect([...factsAgain(silent, { ...later, posture: better }).keys()]).not.toContain("posture.age");
  });
});
