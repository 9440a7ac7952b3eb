/** What does a Rego policy of Trustee consist of? Rules with bodies; what was not understood stands there as such. */

export type RegoTerm =
  | { readonly kind: "constant"; readonly value: string | number | boolean | null }
  /** A list or a set: what is compared with one is not told apart. */
  | { readonly kind: "list"; readonly of: readonly RegoTerm[] }
  | { readonly kind: "object"; readonly members: readonly (readonly [name: string, term: RegoTerm])[] }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly of: RegoTerm; readonly key: RegoTerm }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly RegoTerm[] }
  | { readonly kind: "unclear"; readonly why: string };

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type RegoStep = { readonly line: number } & (
  | { readonly kind: "term"; readonly term: RegoTerm }
  | { readonly kind: "compare"; readonly op: Comparison; readonly left: RegoTerm; readonly right: RegoTerm }
  | { readonly kind: "in"; readonly term: RegoTerm; readonly list: RegoTerm }
  | { readonly kind: "let"; readonly name: string; readonly term: RegoTerm }
  | { readonly kind: "some"; readonly name: string; readonly list: RegoTerm }
  | {
      readonly kind: "every";
      readonly name: string;
      readonly list: RegoTerm;
      readonly body: readonly RegoStep[];
    }
  | { readonly kind: "not"; readonly step: RegoStep }
  /** What nobody here understands: it may be true, or false. */
  | { readonly kind: "unclear"; readonly why: string }
);

/** One way to a value: its body, and then what stands after `else`. */
export interface RegoBranch {
  readonly value: RegoTerm;
  /** Empty: it always holds. */
  readonly body: readonly RegoStep[];
}

export interface RegoRule {
  readonly name: string;
  readonly line: number;
  readonly isDefault: boolean;
  /** Of a function. */
  readonly params: readonly string[] | undefined;
  readonly branches: readonly RegoBranch[];
}

export interface RegoPolicy {
  readonly rules: readonly RegoRule[];
  /** Where something stands of which not even the name is understood: then nothing of the whole is sure. */
  readonly opaque: readonly { readonly line: number; readonly why: string }[];
}
