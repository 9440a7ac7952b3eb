/** What does a report beside the tests claim, as facts? The rest of the request is the test's to set. */
import { parseEvidence } from "../../attestation/evidence.ts";
import { isFault } from "../../base/fault.ts";
import { claimsOf } from "../../policy/claims.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Facts } from "../../writ/facts.ts";
import { carriedEvidenceOf } from "../evidence-file.ts";
import { readBelow } from "../policy-files.ts";
import { factsOfJson } from "../request-facts.ts";

/** The claims of a report below `root`; `undefined` where there is none that can be read. */
export function reportAt(root: string, path: string): Facts | undefined {
  const bytes = readBelow(root, path);
  if (bytes === undefined) return undefined;
  try {
    return factsOfJson(claimsOf(parseEvidence(carriedEvidenceOf(bytes))), SNP_VOCABULARY);
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
