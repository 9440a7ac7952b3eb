import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { POSTURE_FIELDS } from "../../src/policy/vocabulary-posture.ts";
import { WRAP_OF_SUITE } from "../../src/policy/wraps.ts";
import type { Field } from "../../src/writ/vocabulary.ts";
import { itWithVectors, sharedDesign } from "../support/shared-vectors.ts";

const { fields, ordinary, products, components, platforms } = SNP_VOCABULARY;
const byName = new Map(fields.map((field) => [field.name, field]));

describe("the vocabulary", () => {
  it("names each field once", () => {
    expect(byName.size).toBe(fields.length);
  });

  it("has an ordinary request for each product, of fields that it has", () => {
    expect(Object.keys(ordinary)).toEqual(products.map(({ name }) => name));
    for (const facts of Object.values(ordinary)) {
      for (const name of facts.keys()) expect(byName.has(name)).toBe(true);
    }
  });

  it("leaves of an ordinary request only to the test what no request shares, and what follows from it", () => {
    const open = ["request.resource", "now", "now.weekday", "now.hour"];
    for (const facts of Object.values(ordinary)) {
      const unset = fields.filter(({ name, absence }) => absence === undefined && !facts.has(name));
      expect(unset.map(({ name }) => name)).toEqual(open);
    }
  });

  it("gives each product's ordinary TCB exactly the components the product has", () => {
    for (const { name, components: parts } of products) {
      expect(Object.keys(ordinary[name]?.get("tcb.committed") ?? {})).toEqual(parts);
    }
    expect(components.map(({ name }) => name)).toEqual(products.at(-1)?.components);
  });

  it("lists every silicon line under one product", () => {
    const type = byName.get("silicon")?.type;
    expect(products.flatMap(({ silicon }) => silicon)).toEqual(type?.kind === "enum" ? type.values : []);
  });

  it("knows the wraps of PROTOCOL section 7, and none for the KBS exchange", () => {
    expect(SNP_VOCABULARY.wraps).toEqual(["hpke-x25519", "hpke-xwing", "jwe-p256"]);
    expect(WRAP_OF_SUITE[0]).toBeUndefined();
  });

  it("says what is ordinary on a platform in its own words", () => {
    for (const { ordinary: facts = new Map<string, unknown>() } of platforms) {
      for (const name of facts.keys()) expect(byName.has(name)).toBe(true);
    }
  });
});

describe("against WRIT section 6", () => {
  const KINDS: readonly (readonly [RegExp, (field: Field) => string])[] = [
    [/^bytes<(\d+)>/, ({ type }) => (type.kind === "bytes" ? String(type.size) : type.kind)],
    [/^uint<(\d+)>/, ({ type }) => (type.kind === "uint" ? String(type.bits) : type.kind)],
    [/^bits<(\d+)>/, ({ type }) => (type.kind === "bits" ? String(type.bits) : type.kind)],
    [/^enum (.*)$/, ({ type }) => (type.kind === "enum" ? type.values.join(", ") : type.kind)],
    [/^(set)<str>/, ({ type }) => type.kind],
    [/^([a-z]+)/, ({ type }) => type.kind],
  ];

  /** Rows of the table: every name of the first cell, the type of the second. Components follow from `components`. */
  function rows(): readonly (readonly [name: string, type: string])[] {
    const text = readFileSync(join(sharedDesign ?? "", "writ/WRIT.md"), "utf8");
    const section = text.slice(text.indexOf("## 6. Fields"), text.indexOf("## 7."));
    return section.split("\n").flatMap((line) => {
      const [, names = "", types = ""] = line.split("|").map((cell) => cell.trim());
      const typeOf = types.split(/,\s*(?=flag|bytes|uint)/);
      return [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name = ""], index) =>
        /^tcb\.X|^\.|^approvals/.test(name)
          ? []
          : [[name.replace("[0..23]", ""), typeOf[index] ?? types] as const],
      );
    });
  }

  /** Fields that WRIT does not have yet: a provider's word on its firmware, a guest's on itself, how old evidence is (docs/writ.md). */
  const PROPOSED = [
    ...["evidence.age", "uefi.endorsed_by", "uefi.svn", "uefi.digest"],
    ...POSTURE_FIELDS.map(({ name }) => name),
  ];

  itWithVectors("has its fields, those that are proposed to it, and no others", () => {
    expect([...rows().map(([name]) => name), ...PROPOSED].sort()).toEqual(
      fields.map(({ name }) => name).sort(),
    );
  });

  itWithVectors("has its types, and is optional where it is", () => {
    for (const [name, stated] of rows()) {
      const field = byName.get(name);
      const isOptional = stated.includes("?");
      expect([name, field?.absence !== undefined]).toEqual([name, isOptional]);
      const plain = stated
        .replaceAll(/[`?]/g, "")
        .replace(/^enum (\d) (\d) (\d) (\d)$/, "enum $1, $2, $3, $4")
        .replace("mon–sun", "mon, tue, wed, thu, fri, sat, sun");
      const [pattern, kind] = KINDS.find(([candidate]) => candidate.test(plain)) ?? [];
      expect([name, field && kind?.(field)]).toEqual([name, pattern?.exec(plain)?.[1]]);
    }
  });
});
