/** Does a fault carry its code, and does every code have an answer for guest and operator? */
import { describe, expect, it } from "vitest";
import { Fault, isFault } from "../../src/base/fault.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";

describe("a fault", () => {
  it("carries code, detail and cause", () => {
    const cause = new Error("below");
    const fault = new Fault("nonce/spent", "spent at an earlier decision", { kid: 1 }, cause);
    expect(fault).toMatchObject({ name: "Fault", code: "nonce/spent", detail: { kid: 1 }, cause });
    expect("cause" in new Fault("nonce/spent", "no cause")).toBe(false);
    expect(new Fault("nonce/spent", "no detail").detail).toEqual({});
  });

  it("is told from other errors, and by its code", () => {
    const fault = new Fault("nonce/spent", "spent");
    expect(isFault(fault)).toBe(true);
    expect(isFault(fault, "nonce/spent")).toBe(true);
    expect(isFault(fault, "nonce/expired")).toBe(false);
    for (const other of [new Error("nonce/spent"), { code: "nonce/spent" }, undefined, null, "nonce/spent"]) {
      expect(isFault(other)).toBe(false);
    }
  });
});

describe("the table of fault codes", () => {
  it.each(Object.entries(FAULT_CODES))("answers for %s", (code, { status, wire, next }) => {
    expect(code).toMatch(/^[a-z]+(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)$/);
    expect(wire).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(next).not.toMatch(/[.\n]$/);
    expect(next.length).toBeGreaterThan(5);
  });

  it("gives one status class to each wire code, so that the code alone tells a guest whether to try again", () => {
    const classes = new Map<string, Set<number>>();
    for (const { wire, status } of Object.values(FAULT_CODES)) {
      classes.set(wire, (classes.get(wire) ?? new Set()).add(Math.floor(status / 100)));
    }
    for (const [wire, statuses] of classes) expect([wire, statuses.size]).toEqual([wire, 1]);
  });
});
