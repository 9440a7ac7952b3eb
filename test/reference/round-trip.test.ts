/** Is what leaves Writ as a CoRIM the same when it comes back? */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { formatInstant, instant } from "../../src/base/time.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import type { CorimTrust } from "../../src/reference/corim.ts";
import { openCorim } from "../../src/reference/corim.ts";
import { carryCorim } from "../../src/reference/from-corim.ts";
import type { SigningKey } from "../../src/reference/sign1.ts";
import type { TcbName } from "../../src/reference/snp-profile.ts";
import { makeCorim, type Statement } from "../../src/reference/to-corim.ts";
import { referenceModule } from "../../src/reference/to-writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Entry, Program } from "../../src/writ/program.ts";
import { codeOfPromise } from "../support/faults.ts";
import { NOW, trusting } from "./made-corim.ts";

const WINDOW = { from: instant(NOW - 86_400), to: instant(NOW + 86_400 * 200 + 17) };
const key = await nodePrimitives.generateKeyPair("p-256");

function compiled(text: string): Program {
  const { program, diagnostics } = compileSources([{ path: "a.writ", text: utf8(text) }], {
    vocabulary: SNP_VOCABULARY,
    digest: nodePrimitives.digest,
    files: () => undefined,
  });
  if (program === undefined) throw new Error(`${diagnostics.map(({ message }) => message).join()}\n${text}`);
  return program;
}

function statementOf(program: Program, floors: Statement["floors"] = []): Statement {
  return { id: "round", signer: "team@example.org", sets: program.refsets, floors, window: WINDOW };
}

async function back(statement: Statement, signedBy: SigningKey | undefined, keys: CorimTrust["keys"]) {
  const { bytes, notes } = await makeCorim(statement, signedBy, nodePrimitives);
  const corim = await openCorim(bytes, trusting(keys));
  const carried = carryCorim(corim, { anyInstance: false, product: undefined });
  const { notBefore = NOW, notAfter = NOW } = corim.validity;
  const text = referenceModule(
    carried,
    { module: "m", version: "1.0.0", set: "images", owner: "team@example.org" },
    { source: "corim", about: [], from: notBefore, to: notAfter },
  );
  return { program: compiled(text), carried, notes, bytes };
}

const digests = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map(hexOf);
const numbers = fc.nat({ max: 999_999 });
const labels = fc
  .string({ unit: fc.constantFrom(...Array.from(`abcXYZ 0189._-/\\"'äß€😀`)), minLength: 1, maxLength: 40 })
  .filter((label) => !/ vcpu/.test(label));
const entries = fc.uniqueArray(
  fc.record({
    label: labels,
    value: digests(48),
    version: fc.option(fc.tuple(numbers, numbers, numbers), { nil: undefined }),
    vcpus: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 12, selector: ({ label }) => label, comparator: (a, b) => a === b },
);

interface Made {
  readonly label: string;
  readonly value: string;
  readonly version?: readonly number[] | undefined;
  readonly vcpus?: number | undefined;
}

function setText(field: string, name: string, made: readonly Made[]): string {
  const lines = made.map(({ label, value, version, vcpus }) => {
    const whole = vcpus === undefined ? label : `${label} / ${vcpus} vcpu`;
    const about = `${version === undefined ? "" : `version ${version.join(".")}`} ${vcpus === undefined ? "" : `vcpus ${vcpus}`}`;
    const [from, to] = [WINDOW.from, WINDOW.to].map(formatInstant);
    return `"${whole.replaceAll(/["\\]/g, "\\$&")}" = hex"${value}" ${about} valid ${from} .. ${to}`;
  });
  return `refset ${name} of ${field} { owner "team@example.org"\n${lines.join("\n")}\n}`;
}

function plain({ label, value, version, vcpus, valid, state }: Entry) {
  return { label, value, version, vcpus, valid, state };
}

describe("a set that leaves as a CoRIM", () => {
  test.prop([entries, fc.boolean()])("comes back as it was", async (made, isSigned) => {
    const program = compiled(
      `writ 1\nmodule m version 1.0.0 { owner "t" }\n${setText("measurement", "images", made)}`,
    );
    const again = isSigned
      ? await back(statementOf(program), key, [key.spki])
      : await back(statementOf(program), undefined, "unsigned");
    expect(again.program.refsets.map(({ entries: all }) => all.map(plain))).toEqual(
      program.refsets.map(({ entries: all }) => all.map(plain)),
    );
    expect([again.carried.notes, again.notes]).toEqual([[], []]);
  });

  test.prop([
    fc.tuple(
      fc.uniqueArray(digests(48), { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(digests(48), { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(digests(32), { minLength: 1, maxLength: 3 }),
    ),
  ])("comes back with its neighbours of other fields", async ([ids, authors, hosts]) => {
    const named = (values: readonly string[]) => values.map((value, at) => ({ label: `n${at}`, value }));
    const program = compiled(
      `writ 1\nmodule m version 1.0.0 { owner "t" }
      ${setText("id_block.id_key", "images_id_keys", named(ids))}
      ${setText("id_block.author_key", "images_authors", named(authors))}
      ${setText("host_data", "images_host_data", named(hosts))}`,
    );
    const again = await back(statementOf(program), key, [key.spki]);
    const all = ({ refsets }: Program) =>
      refsets.map(({ name, field, entries: own }) => [name, field, own.map(plain)]);
    expect(new Set(all(again.program).map(String))).toEqual(new Set(all(program).map(String)));
  });

  const level = fc.nat({ max: 255 });
  test.prop([
    fc.record({ bootloader: level, tee: level, snp: level, microcode: level }),
    fc.record({ fmc: level, bootloader: level, tee: level, snp: level, microcode: level }),
    fc.constantFrom<TcbName>("current", "reported", "committed", "launch"),
  ])("comes back beside its floors", async (milan, turin, tcb) => {
    const rows = [
      { name: "milan", least: milan, origin: { file: "", span: { start: 0, end: 0 } } },
      { name: "turin", least: turin, origin: { file: "", span: { start: 0, end: 0 } } },
    ];
    const { floors } = (
      await back(
        { ...statementOf(compiled("writ 1\n")), floors: [{ floor: { name: "f", module: "m", rows }, tcb }] },
        key,
        [key.spki],
      )
    ).carried;
    expect(floors).toEqual([
      {
        tcb,
        rows: new Map([
          ["milan", milan],
          ["turin", turin],
        ]),
      },
    ]);
  });

  it("is the same bytes each time, where no signature draws on chance", async () => {
    const program = compiled(
      `writ 1\nmodule m version 1.0.0 { owner "t" }\n${setText("measurement", "images", [{ label: "a", value: "11".repeat(48) }])}`,
    );
    const pair = await nodePrimitives.generateKeyPair("ed25519");
    for (const signedBy of [undefined, pair]) {
      const [one, other] = [
        await makeCorim(statementOf(program), signedBy, nodePrimitives),
        await makeCorim(statementOf(program), signedBy, nodePrimitives),
      ];
      expect(hexOf(one.bytes)).toBe(hexOf(other.bytes));
    }
  });
});

describe("what a CoRIM cannot say", () => {
  const value = (byte: string) => byte.repeat(48);
  const module = (lines: string) =>
    `writ 1\nmodule m version 1.0.0 { owner "t" }\nrefset images of measurement { owner "t"\n${lines} }`;

  it("is told: revocation, retirement, processors and sources", async () => {
    const program = compiled(
      module(`"a" = hex"${value("11")}" state revoked
        "b" = hex"${value("22")}" state retiring
        "c" = hex"${value("33")}" vcpus 4
        "d / 2 vcpu" = hex"${value("44")}"
        "e" = hex"${value("55")}" source "ostiary measure"`),
    );
    const { notes, carried } = await back(statementOf(program), undefined, "unsigned");
    expect(notes).toEqual([
      '"a" of images: it is revoked, and a CoRIM only says what is right',
      '"b" of images: that it retires',
      '"c" of images: vcpus, which its label does not end with',
      '"d / 2 vcpu" of images: vcpus, which its label does not end with',
      '"e" of images: its source',
    ]);
    expect(carried.sets[0]?.entries.map(({ label }) => label)).toEqual(["b", "c", "d / 2 vcpu", "e"]);
  });

  it("is nothing where every value is revoked, and where the profile has no such field", async () => {
    const revoked = compiled(module(`"a" = hex"${value("11")}" state revoked`));
    expect(await codeOfPromise(makeCorim(statementOf(revoked), undefined, nodePrimitives))).toBe(
      "reference/nothing-carried",
    );
    const chips = compiled(
      `writ 1\nmodule m version 1.0.0 { owner "t" }\nrefset chips of report.chip_id { "a" = hex"${"11".repeat(64)}" }`,
    );
    expect(await codeOfPromise(makeCorim(statementOf(chips), undefined, nodePrimitives))).toBe(
      "reference/nothing-carried",
    );
  });

  it("is told of floors: rows that refuse, and rows of silicon", async () => {
    const program = compiled(`writ 1\nmodule m version 1.0.0 { owner "t" }
      floor f { owner "t" milan { bootloader 3, tee 0, snp 14, microcode 211 } genoa refuse milan-x { bootloader 3, tee 0, snp 14, microcode 211 } }`);
    const [floor] = program.floors;
    if (floor === undefined) throw new Error("no floor");
    const { notes, carried } = await back(
      { ...statementOf(program), floors: [{ floor, tcb: "committed" }] },
      undefined,
      "unsigned",
    );
    expect(notes).toEqual([
      "genoa of f: that it is refused",
      "milan-x of f: a line of silicon, not a product",
    ]);
    expect([...(carried.floors[0]?.rows.keys() ?? [])]).toEqual(["milan"]);
  });
});
