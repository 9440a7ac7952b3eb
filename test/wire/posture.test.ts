/** What may a guest say of itself? Any posture that is one comes through whole; whatever else is said is refused with the request. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import type { GuestPosture } from "../../src/policy/guest-posture.ts";
import { decodeClaims, encodeClaims } from "../../src/wire/claims.ts";
import { checkedPosture } from "../../src/wire/posture.ts";
import { codeOf } from "../support/faults.ts";
import { posture } from "./posture-arbitrary.ts";

const GOOD: GuestPosture = { v: 1, passed: ["memory.swap"], warned: [], failed: ["kernel.lockdown"] };

function claimsText(said: unknown): Uint8Array {
  return utf8(
    `{"want":[{"secret":"a"}],"posture":${typeof said === "string" ? said : JSON.stringify(said)}}`,
  );
}

const refusal = (said: unknown) => codeOf(() => decodeClaims(claimsText(said)));

describe("a posture", () => {
  test.prop([posture])("comes through as it was said", (said) => {
    const claims = { want: [{ secret: "a" }], posture: said };
    expect(decodeClaims(encodeClaims(claims))).toEqual(claims);
    expect(checkedPosture(said)).toEqual(said);
  });

  test.prop([fc.jsonValue()])("is nothing else than that, whatever JSON stands in its place", (said) => {
    expect(refusal(said)).toBe("request/malformed");
  });

  test.prop([posture, fc.string({ minLength: 1 }).filter((name) => name !== "__proto__"), fc.jsonValue()])(
    "has no place for another member, whatever its name",
    (said, name, value) => {
      if (name in KNOWN) return;
      expect(refusal({ ...said, [name]: value })).toBe("request/malformed");
    },
  );

  it("may be left out, and then nothing of the claims is other than before there were postures", () => {
    const bytes = encodeClaims({ want: [{ secret: "prod/disk" }] });
    expect(new TextDecoder().decode(bytes)).toBe('{"want":[{"secret":"prod/disk"}]}');
  });
});

const KNOWN: Readonly<Record<string, true>> = Object.assign(Object.create(null), {
  ...{ v: true, passed: true, warned: true, failed: true, agent: true, kernel: true, lockdown: true },
  ...{ secureBoot: true, verity: true, ima: true, smt: true, uptime: true },
});

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `check-${i}`);

describe("a posture that deviates", () => {
  it("is accepted without the deviation, and as large as it may be", () => {
    expect(refusal(GOOD)).toBeUndefined();
    expect(refusal({ ...GOOD, passed: names(64), warned: [`a${"b".repeat(63)}`] })).toBeUndefined();
  });

  const rows: readonly (readonly [string, unknown])[] = [
    ["version 2", { ...GOOD, v: 2 }],
    ["version 1 as text", { ...GOOD, v: "1" }],
    ["no version", { ...GOOD, v: undefined }],
    ["no list of what failed", { ...GOOD, failed: undefined }],
    ["a check twice in one list", { ...GOOD, passed: ["memory.swap", "memory.swap"] }],
    ["a check that passed and failed", { ...GOOD, failed: ["memory.swap"] }],
    ["sixty-five checks", { ...GOOD, passed: names(65) }],
    ["a name of sixty-five letters", { ...GOOD, passed: [`a${"b".repeat(64)}`] }],
    ["an empty name", { ...GOOD, passed: [""] }],
    ["a name in capitals", { ...GOOD, passed: ["Memory.swap"] }],
    ["a name with a Cyrillic letter that looks like another", { ...GOOD, passed: ["m\u0435mory.swap"] }],
    ["a name with a zero-width space", { ...GOOD, passed: ["memory\u200b.swap"] }],
    ["a name that is written backwards", { ...GOOD, passed: ["\u202epaws.yromem"] }],
    ["a name whose last letter is a line break", { ...GOOD, passed: ["memory.swap\n"] }],
    ["a name whose letters compose", { ...GOOD, passed: ["me\u0301mory.swap"] }],
    ["a name with a NUL", { ...GOOD, passed: ["memory.swap\0"] }],
    ["`__proto__` as a check", { ...GOOD, passed: ["__proto__"] }],
    ["a name without letters between its dots", { ...GOOD, passed: ["memory..swap"] }],
    ["a number for a name", { ...GOOD, passed: [1] }],
    ["an object for a list", { ...GOOD, passed: { 0: "memory.swap" } }],
    ["a fact of the report", { ...GOOD, measurement: "02".repeat(48) }],
    ["another level of lockdown", { ...GOOD, lockdown: "total" }],
    ["true as text", { ...GOOD, ima: "true" }],
    ["null for a fact", { ...GOOD, ima: null }],
    ["an uptime below zero", { ...GOOD, uptime: -1 }],
    ["an uptime of half seconds", { ...GOOD, uptime: 0.5 }],
    ["an uptime of more than ten years", { ...GOOD, uptime: 315_576_001 }],
    [
      "a number that JSON does not carry exactly",
      JSON.stringify(GOOD).replace("}", ',"uptime":9007199254740993}'),
    ],
    ["a number that is infinite", JSON.stringify(GOOD).replace("}", ',"uptime":1e999}')],
    ["a kernel with an escape of the terminal", { ...GOOD, kernel: "6.12.9\u001b[31m" }],
    ["a kernel of sixty-five letters", { ...GOOD, kernel: `6.12${"x".repeat(61)}` }],
    ["an agent without a version", { ...GOOD, agent: "next" }],
    ["`__proto__` as a member", JSON.stringify(GOOD).replace("}", ',"__proto__":{"ima":true}}')],
    ["`constructor` as a member", { ...GOOD, constructor: { ima: true } }],
    ["a member twice", JSON.stringify(GOOD).replace("}", ',"failed":[]}')],
    ["a member twice, once in escapes", JSON.stringify(GOOD).replace("}", ',"f\\u0061iled":[]}')],
    ["a list of lists of lists", { ...GOOD, passed: [[[["memory.swap"]]]] }],
    ["a depth bomb", `${'{"v":'.repeat(20)}1${"}".repeat(20)}`],
  ];
  it.each(rows)("is refused: %s", (_name, said) => {
    expect(refusal(said)).toBe("request/malformed");
  });

  it("is refused unread where the claims are larger than claims may be", () => {
    expect(refusal({ ...GOOD, passed: names(2000) })).toBe("request/too-large");
  });

  it("is not sent: the guest that made it is told", () => {
    expect(codeOf(() => checkedPosture({ ...GOOD, failed: ["memory.swap"] }))).toBe("config/invalid");
    expect(codeOf(() => checkedPosture({ ...GOOD, passed: names(65) }))).toBe("config/invalid");
  });
});
