/** Does a Trustee's policy decide in Writ as it did in Rego, and never more? Held against Open Policy Agent's own decisions. */
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { importTrustee } from "../../../src/policy/trustee/import.ts";
import { parseReferenceValues } from "../../../src/policy/trustee/reference-values.ts";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import { formatSource } from "../../../src/writ/formatting/format.ts";
import type { Program } from "../../../src/writ/program.ts";
import { CASES, type Case } from "./cases.ts";
import { guests, MEASUREMENTS } from "./guests.ts";
import { isOpaHere, opaDecisions } from "./opa.ts";

const GUESTS = guests(256);

function imported({
  resource,
  attestation,
  references = {},
}: Pick<Case, "resource" | "attestation" | "references">) {
  return importTrustee({
    resource: { file: "policy.rego", text: resource },
    attestation: attestation === undefined ? undefined : { file: "service.rego", text: attestation },
    references: parseReferenceValues(utf8(JSON.stringify(references))),
  });
}

/** @throws where the module does not compile. */
function programOf(text: string): Program {
  const { program, diagnostics } = compileSources([{ path: "trustee.writ", text: utf8(text) }], {
    vocabulary: SNP_VOCABULARY,
    digest: nodePrimitives.digest,
    files: () => undefined,
  });
  if (program === undefined) throw new Error(`${diagnostics[0]?.message}\n${text}`);
  return program;
}

function decided(one: Pick<Case, "resource" | "attestation" | "references">): readonly boolean[] {
  const program = programOf(imported(one).text);
  return GUESTS.map(({ facts }) => evaluate(program, facts).isAllowed);
}

function bitsOf(hex: string): readonly boolean[] {
  return [...hex].flatMap((digit) => {
    const value = Number.parseInt(digit, 16);
    return [8, 4, 2, 1].map((bit) => (value & bit) !== 0);
  });
}

describe("a Trustee's policy in Writ", () => {
  for (const one of CASES) {
    const name = one.isWhole ? "decides as in Rego" : "lets in nobody whom Rego refused";
    it(`${name}: ${one.name}`, () => {
      const [writ, rego] = [decided(one), bitsOf(one.decided)];
      if (one.isWhole) expect(writ).toEqual(rego);
      else expect(writ.filter((allowed, at) => allowed && rego[at] !== true)).toEqual([]);
      expect(writ.some(Boolean)).toBe(true);
      expect(writ.every(Boolean)).toBe(false);
    });
  }

  it.skipIf(!isOpaHere)(`was decided in Rego as is written here${isOpaHere ? "" : " (no opa here)"}`, () => {
    for (const one of CASES) {
      const rego = opaDecisions(one, GUESTS).map((allowed, at) => allowed && GUESTS[at]?.isDebug === false);
      expect(rego, one.name).toEqual(bitsOf(one.decided));
    }
  });
});
