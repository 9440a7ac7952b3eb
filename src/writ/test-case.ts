/** What do `test` and `assert` say, once every name and type in them is known? Checked, not yet run or proved (WRIT section 13). */
import type { DecisionCode } from "./decision.ts";
import type { FactValue } from "./facts.ts";
import type { Condition, FieldRef, Origin, Pattern, Term } from "./program.ts";

/** A policy or guard, by the names that counters and traces have for it. */
export interface DeclarationName {
  readonly module: string;
  readonly name: string;
}

/** One field of a request as a test sets it; without `value` it is absent. */
export interface FieldSetting {
  readonly field: FieldRef;
  readonly value?: FactValue;
  readonly origin: Origin;
}

/** What a request starts from: nothing, where it is not given. */
export type Start =
  | { readonly kind: "ordinary"; readonly product: string }
  | { readonly kind: "report"; readonly path: string; readonly origin: Origin }
  | { readonly kind: "like"; readonly title: string; readonly origin: Origin };

export type Expected = { readonly origin: Origin } & (
  | { readonly outcome: "allow"; readonly by?: string; readonly terms: readonly Term[] }
  | { readonly outcome: "deny"; readonly because?: Because }
);

/** The author's sentence, or a code, with the revoked entry where one is meant. */
export type Because =
  | { readonly text: string }
  | { readonly code: DecisionCode; readonly set?: string; readonly label?: string };

export interface TestCase {
  readonly title: string;
  /** `file:line`. */
  readonly at: string;
  readonly origin: Origin;
  readonly of: readonly DeclarationName[];
  readonly start?: Start;
  readonly settings: readonly FieldSetting[];
  readonly expect: Expected;
}

export type Assertion = {
  readonly at: string;
  readonly origin: Origin;
  /** As written, on one line. */
  readonly text: string;
} & (
  | { readonly claim: "never"; readonly condition: Condition; readonly pattern: Pattern }
  | {
      readonly claim: "implies" | "equivalent";
      readonly left: DeclarationName;
      readonly right: DeclarationName;
    }
  | { readonly claim: "satisfiable"; readonly left: DeclarationName }
);
