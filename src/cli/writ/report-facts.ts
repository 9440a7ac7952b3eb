/** What does a report beside the tests claim, as facts? The rest of the request is the test's to set. */
import { isFault } from "../../base/fault.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Facts } from "../../writ/facts.ts";
import { claimsInFile } from "../evidence-claims.ts";
import { evidenceInFile } from "../evidence-file.ts";
import { readBelow } from "../policy-files.ts";
import { factsOfJson } from "../request-facts.ts";

/** The claims of a report below `root`; `undefined` where there is none that can be read. */
export function reportAt(root: string, path: string): Facts | undefined {
  const bytes = readBelow(root, path);
  if (bytes === undefined) return undefined;
  try {
    return factsOfJson(claimsInFile(evidenceInFile(bytes)), SNP_VOCABULARY);
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
