/** What does evidence in a file say, for people and scripts? The claims that policy would see, and what stands beside them. */
import type { ParavisorClaims } from "../attestation/azure/claims.ts";
import type { Verification } from "../attestation/verify.ts";
import { canonicalJson, type JsonObject } from "../base/canonical-json.ts";
import { claimsOf } from "../policy/claims.ts";
import { FIELDS } from "../policy/vocabulary-fields.ts";
import type { EvidenceInFile } from "./evidence-file.ts";

/** @param verification - Where the evidence was verified. */
export function claimsInFile({ evidence, blob }: EvidenceInFile, verification?: Verification): JsonObject {
  const claims = claimsOf(evidence, verification);
  return blob === undefined ? claims : { ...claims, "evidence.format": "azure-hcl" };
}

/** What no policy sees: how a paravisor runs its VM, which boot a quote is of, which services an SVSM has. Empty for a report. */
export function besideClaims({ evidence, blob }: EvidenceInFile): JsonObject {
  if (blob !== undefined) return { paravisor: paravisorJson(blob.runtime.paravisor) };
  switch (evidence.kind) {
    case "raw":
      return {};
    case "azure-hcl": {
      const { resetCount, restartCount } = evidence.quote.attest;
      return { paravisor: paravisorJson(evidence.runtime.paravisor), quote: { resetCount, restartCount } };
    }
    case "svsm": {
      const services = evidence.services.map(({ guid, manifest }) => ({ guid, bytes: manifest.length }));
      if (evidence.vtpm === undefined) return { services };
      const { resetCount, restartCount } = evidence.vtpm.quote.attest;
      return { services, quote: { resetCount, restartCount } };
    }
  }
}

/** Each claim with its value and what it means; a row of registers has one meaning. */
export function claimRows(claims: JsonObject): readonly (readonly string[])[] {
  return FIELDS.flatMap(({ name, doc, index }) => {
    const names = index === undefined ? [name] : indexed(name, index);
    return names.flatMap((known) => {
      const value = claims[known];
      return value === undefined
        ? []
        : [[known, typeof value === "string" ? value : canonicalJson(value), doc]];
    });
  });
}

function indexed(name: string, { from, to }: { readonly from: number; readonly to: number }) {
  return Array.from({ length: to - from + 1 }, (_, i) => `${name}[${from + i}]`);
}

function paravisorJson(paravisor: ParavisorClaims): JsonObject {
  return { ...paravisor };
}
