/** Names in the log that only the salt tells: one each, opened one at a time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeEntry, parseEntry } from "../../src/ledger/entry.ts";
import { openingOf, pseudonymOf } from "../../src/ledger/pseudonym.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const salt = new Uint8Array(32).fill(7);
const named = (name: string, by = salt): string =>
  pseudonymOf(name, openingOf(name, by, nodePrimitives), nodePrimitives);

describe("a pseudonym", () => {
  it("is an actor like any other, and is the same each time", () => {
    const actor = named("anna@example");
    expect(actor).toMatch(/^~[A-Za-z0-9_-]{43}$/);
    expect(named("anna@example")).toBe(actor);
    const entry = {
      v: 1,
      seq: 0,
      time: 1,
      kind: "admin",
      actor,
      act: "secret-put",
      subject: "a",
      digest: "",
    } as const;
    expect(parseEntry(encodeEntry(entry))).toEqual(entry);
  });

  it("is another for another name, and under another salt", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        fc.pre(one !== other);
        expect(named(one)).not.toBe(named(other));
      }),
    );
    expect(named("anna")).not.toBe(named("anna", new Uint8Array(32)));
  });

  it("is opened for one name, and for no other by the same opening", () => {
    const opening = openingOf("anna", salt, nodePrimitives);
    expect(pseudonymOf("anna", opening, nodePrimitives)).toBe(named("anna"));
    expect(pseudonymOf("bert", opening, nodePrimitives)).not.toBe(named("bert"));
    expect(openingOf("bert", salt, nodePrimitives)).not.toEqual(opening);
  });
});
