/** PROTOCOL section 15: what a leaf may say, and that nothing else is one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { type EntryDraft, encodeEntry, MAX_LEAF_BYTES, parseEntry } from "../../src/ledger/entry.ts";
import { codeOf } from "../support/faults.ts";
import { ALLOWED, logOf } from "./entries.ts";

const GOOD = { ...ALLOWED, seq: 5 };

describe("an entry", () => {
  it.each(logOf(7).map((entry) => ({ name: `${entry.seq} ${entry.kind}`, entry })))(
    "of every kind reads back as it was written ($name)",
    ({ entry }) => {
      expect(parseEntry(encodeEntry(entry))).toEqual(entry);
    },
  );

  it("is the RFC 8785 form of one JSON object", () => {
    expect(encodeEntry({ v: 1, seq: 4, time: 9, kind: "epoch", act: "restore" })).toEqual(
      utf8('{"act":"restore","kind":"epoch","seq":4,"time":9,"v":1}'),
    );
  });

  it("of a decision on held evidence is of version 2, and says on which and how old", () => {
    const entry = { ...GOOD, v: 2, held: { decision: GOOD.id, age: 60 } } as const;
    expect(parseEntry(encodeEntry(entry))).toEqual(entry);
  });

  it("leaves out what is only said when true", () => {
    const text = canonicalJson(GOOD);
    expect(text).not.toContain("simulated");
    expect(text).not.toContain("bearer");
  });

  it("is drafted without its position, kind by kind", () => {
    const draft: EntryDraft = { v: 1, time: 9, kind: "epoch", act: "start" };
    // @ts-expect-error a draft has no position
    const numbered: EntryDraft = { v: 1, seq: 1, time: 9, kind: "epoch", act: "start" };
    // @ts-expect-error members of one kind are not those of another
    const mixed: EntryDraft = { v: 1, time: 9, kind: "epoch", act: "start", actor: "admin-1" };
    expect([draft, numbered, mixed]).toHaveLength(3);
  });
});

const HELD = { decision: GOOD.id, age: 60 };
const DENIED = [{ resource: "a", op: "release", version: 0, outcome: "deny" }];

describe("a leaf is refused", () => {
  const deviations: readonly { readonly name: string; readonly change: Record<string, unknown> }[] = [
    { name: "of another version", change: { v: 3 } },
    { name: "of version 2 without held evidence", change: { v: 2 } },
    { name: "of version 1 with held evidence", change: { held: HELD } },
    { name: "with held evidence of no decision", change: { v: 2, held: { ...HELD, decision: "x" } } },
    { name: "with held evidence of the future", change: { v: 2, held: { ...HELD, age: -1 } } },
    { name: "with held evidence that says more", change: { v: 2, held: { ...HELD, nonce: "00" } } },
    { name: "of another kind", change: { kind: "receipt" } },
    { name: "of a kind that every object has", change: { kind: "toString" } },
    { name: "without a kind", change: { kind: undefined } },
    { name: "of another kind's members", change: { kind: "admin" } },
    { name: "with a member more", change: { nonce: "00" } },
    { name: "with a member less", change: { crl: undefined } },
    { name: "with a position below zero", change: { seq: -1 } },
    { name: "with a fraction of a position", change: { seq: 0.5 } },
    { name: "with a position as text", change: { seq: "5" } },
    { name: "with a time before 1970", change: { time: -1 } },
    { name: "with a time after 9999", change: { time: 253_402_300_800 } },
    { name: "with an id that is no ULID", change: { id: "01JD00000000000000000000IL" } },
    { name: "with a ULID beyond 128 bits", change: { id: "8ZZZZZZZZZZZZZZZZZZZZZZZZZ" } },
    { name: "with another outcome", change: { outcome: "maybe" } },
    { name: "with a code beside an allow", change: { code: "denied" } },
    { name: "with a deny that has no code", change: { outcome: "deny", items: DENIED } },
    { name: "with an unknown code", change: { outcome: "deny", items: DENIED, code: "whim" } },
    { name: "with a deny that allows an item", change: { outcome: "deny", code: "denied" } },
    { name: "with an allow that allows no item", change: { items: DENIED } },
    { name: "without items", change: { items: [] } },
    { name: "with items that are no list", change: { items: {} } },
    { name: "with seventeen items", change: { items: Array.from({ length: 17 }, () => GOOD.items[0]) } },
    { name: "with an item that says more", change: { items: [{ ...GOOD.items[0], wrapPub: "00" }] } },
    {
      name: "with an item that says less",
      change: { items: [{ resource: "a", op: "release", version: 1 }] },
    },
    { name: "with an unknown operation", change: { items: [{ ...GOOD.items[0], op: "steal" }] } },
    { name: "with an empty resource", change: { items: [{ ...GOOD.items[0], resource: "" }] } },
    { name: "with a line break in a resource", change: { items: [{ ...GOOD.items[0], resource: "a\nb" }] } },
    { name: "with a hash in upper case", change: { evidence_hash: "CD".repeat(32) } },
    { name: "with a short hash", change: { trace_hash: "ef" } },
    { name: "with a policy hash that is neither", change: { policy_hash: "" } },
    { name: "with a measurement of 32 bytes", change: { measurement: "12".repeat(32) } },
    { name: "with a binding that is none", change: { binding: 4 } },
    { name: "of the KBS exchange, which has no suite, with one", change: { binding: 0 } },
    { name: "over a binding, without a suite", change: { suite: 0 } },
    { name: "with a suite that is none", change: { suite: 4 } },
    { name: "with a VMPL that is none", change: { vmpl: 4 } },
    { name: "with a CRL that says more", change: { crl: { ...GOOD.crl, url: "x" } } },
    { name: "with a CRL of the future's past", change: { crl: { ...GOOD.crl, age: -1 } } },
    { name: "with a mark that is false", change: { simulated: false } },
    { name: "with a mark that is null", change: { bearer: null } },
  ];
  it("of the KBS exchange has neither binding nor suite", () => {
    const entry = { ...GOOD, binding: 0, suite: 0 } as const;
    expect(parseEntry(encodeEntry(entry))).toEqual(entry);
  });

  it.each(deviations)("$name", ({ change }) => {
    const members = Object.entries({ ...GOOD, ...change }).filter(([, value]) => value !== undefined);
    const text = canonicalJson(JSON.parse(JSON.stringify(Object.fromEntries(members))));
    expect(codeOf(() => parseEntry(utf8(text)))).toBe("ledger/malformed");
  });

  const admin = {
    v: 1,
    seq: 1,
    time: 2,
    kind: "admin",
    actor: "admin-1",
    act: "secret-put",
    subject: "a",
    digest: "",
  };
  it.each([
    { name: "an actor with a space", change: { actor: "admin 1" } },
    { name: "an act in capitals", change: { act: "Put" } },
    { name: "no subject", change: { subject: "" } },
    { name: "a terminal's escape in its subject", change: { subject: "a\u001b[2J" } },
    { name: "half a digest", change: { digest: "ab" } },
  ])("when an admin's act has $name", ({ change }) => {
    expect(codeOf(() => parseEntry(utf8(canonicalJson(admin))))).toBeUndefined();
    expect(codeOf(() => parseEntry(utf8(canonicalJson({ ...admin, ...change }))))).toBe("ledger/malformed");
  });

  it.each([
    { name: "a space", text: ` ${canonicalJson(GOOD)}` },
    {
      name: "members in another order",
      text: JSON.stringify({ v: 1, seq: 0, time: 1, kind: "epoch", act: "start" }),
    },
    { name: "a number written otherwise", text: '{"act":"start","kind":"epoch","seq":1e1,"time":9,"v":1}' },
    {
      name: "an escape that is not needed",
      text: '{"act":"st\\u0061rt","kind":"epoch","seq":0,"time":9,"v":1}',
    },
    { name: "a member twice", text: '{"act":"start","act":"start","kind":"epoch","seq":0,"time":9,"v":1}' },
  ])("when it is not canonical: $name", ({ text }) => {
    expect(codeOf(() => parseEntry(utf8(text)))).toBe("ledger/malformed");
  });

  it("beyond 64 KiB", () => {
    expect(codeOf(() => parseEntry(new Uint8Array(MAX_LEAF_BYTES + 1).fill(0x20)))).toBe("ledger/malformed");
  });

  it("whatever bytes or whatever JSON it is, with one code", () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.jsonValue({ maxDepth: 6 }).map((value) => utf8(JSON.stringify(value).toWellFormed())),
    );
    fc.assert(
      fc.property(hostile, (bytes) => {
        expect(codeOf(() => parseEntry(bytes))).toBe("ledger/malformed");
      }),
    );
  });
});
