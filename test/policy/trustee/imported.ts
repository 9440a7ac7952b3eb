/** What becomes of a Trustee's policies, and whom does that let in? The import, compiled, and asked about guests. */
import { utf8 } from "../../../src/base/bytes.ts";
import { importTrustee } from "../../../src/policy/trustee/import.ts";
import { parseReferenceValues } from "../../../src/policy/trustee/reference-values.ts";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { evaluate } from "../../../src/writ/evaluation/evaluator.ts";
import type { Program } from "../../../src/writ/program.ts";
import type { Case } from "./cases.ts";
import { guests } from "./guests.ts";

export const GUESTS = guests(256);

export type Sources = Pick<Case, "resource" | "attestation" | "references">;

export function imported({ resource, attestation, references = {} }: Sources) {
  return importTrustee({
    resource: { file: "policy.rego", text: resource },
    attestation: attestation === undefined ? undefined : { file: "service.rego", text: attestation },
    references: parseReferenceValues(utf8(JSON.stringify(references))),
  });
}

/** @throws where the module does not compile. */
export function programOf(text: string): Program {
  const { program, diagnostics } = compileSources([{ path: "trustee.writ", text: utf8(text) }], {
    vocabulary: SNP_VOCABULARY,
    digest: nodePrimitives.digest,
    files: () => undefined,
  });
  if (program === undefined) throw new Error(`${diagnostics[0]?.message}\n${text}`);
  return program;
}

export function decided(one: Sources): readonly boolean[] {
  const program = programOf(imported(one).text);
  return GUESTS.map(({ facts }) => evaluate(program, facts).isAllowed);
}

export function bitsOf(hex: string): readonly boolean[] {
  return [...hex].flatMap((digit) => {
    const value = Number.parseInt(digit, 16);
    return [8, 4, 2, 1].map((bit) => (value & bit) !== 0);
  });
}
