/** What does a change of policy come to? One word, and the digest that an approver signs to have seen it. */
import { hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import type { Primitives } from "../base/primitives.ts";

/** From the harmless to what needs most; what was not decided widens. */
export const FINDINGS = ["same", "narrows", "widens"] as const;
export type Finding = (typeof FINDINGS)[number];

/** Names a finding about one bundle over another. */
export function verdictDigest(
  about: { readonly digest: string; readonly previous: string | undefined; readonly finding: Finding },
  digest: Primitives["digest"],
): string {
  const { digest: bundle, previous = null, finding } = about;
  return hexOf(digest("sha256", canonicalJsonBytes({ v: 1, bundle, previous, finding })));
}

/** Findings that are as bad as this one, or worse: who approved the worse has approved this. */
export function atLeast(finding: Finding): readonly Finding[] {
  return FINDINGS.slice(FINDINGS.indexOf(finding));
}
