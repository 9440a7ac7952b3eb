/** What may a term of a Trustee policy stand for? Values that are known, and what is known only when a guest asks. */
import type { Claim } from "./claims.ts";
import type { Condition, PathForm } from "./condition.ts";
import type { ReferenceValue } from "./reference-values.ts";

export type Sym =
  | { readonly kind: "constant"; readonly value: string | number | boolean | null }
  | { readonly kind: "list"; readonly of: readonly Sym[] }
  /** A place within `input`, or `data` itself. */
  | { readonly kind: "tree"; readonly path: readonly string[] }
  | { readonly kind: "data" }
  | { readonly kind: "data-reference" }
  | { readonly kind: "claim"; readonly claim: Claim }
  | { readonly kind: "references"; readonly name: string; readonly value: ReferenceValue }
  /** `ear.status`, and a claim of `ear.trustworthiness-vector`. */
  | { readonly kind: "status" }
  | { readonly kind: "vector"; readonly claim: string }
  /** The path as it is, what `split` makes of it, a part, and how many there are. */
  | { readonly kind: "resource" }
  | { readonly kind: "split" }
  | { readonly kind: "segment"; readonly form: PathForm; readonly at: number }
  | { readonly kind: "count"; readonly form: PathForm }
  | { readonly kind: "truth"; readonly condition: Condition }
  /** Never there, for guests of this kind: `undefined`, in Rego's words. */
  | { readonly kind: "absent" }
  | { readonly kind: "unclear"; readonly why: string };

export function unclearSym(why: string): Sym {
  return { kind: "unclear", why };
}
