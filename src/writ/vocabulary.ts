/** Which fields, words and built-in texts does a policy speak in? The shape of a vocabulary; its content is data from outside. */
import type { Axiom } from "./axiom.ts";
import type { Facts } from "./facts.ts";
import type { LintRules } from "./lint/rules.ts";

/** The type of a field. `noun` is how messages call a constant of it, with its article: "a 48-byte digest". */
export type FieldType =
  | { readonly kind: "bytes"; readonly size: number; readonly noun?: string }
  | { readonly kind: "flag" }
  | { readonly kind: "uint"; readonly bits: 8 | 16 | 32 }
  | { readonly kind: "tcb" }
  | { readonly kind: "version" }
  | { readonly kind: "bits"; readonly bits: number }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "duration" }
  | { readonly kind: "time" }
  | { readonly kind: "str" }
  | { readonly kind: "set" }
  | { readonly kind: "cidr" }
  | { readonly kind: "path" };

/** When a field is not there, in the words that messages need. */
export interface Absence {
  /** Where it is absent, beginning with "absent": "absent in report versions 2, 3 and 4". */
  readonly where: string;
  /** Which requests lack it: "every v2, v3 and v4 report". */
  readonly whom: string;
}

/** One field. Component fields (`field.part`) are not listed: they follow from `components`. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Given exactly when the field is optional. */
  readonly absence?: Absence;
  /** Given when the field is a family `name[from]` to `name[to]`. */
  readonly index?: { readonly from: number; readonly to: number };
  /** One sentence for hover and reference; says whose word it is where that is not the hardware's. */
  readonly doc: string;
}

/** One component of a `tcb` value: 0 to `max`. With `absence`, only some products have it. */
export interface Component {
  readonly name: string;
  readonly max: number;
  readonly absence?: Absence;
  /** Its levels are comparable only within one silicon line. */
  readonly isPerSilicon?: true;
}

/** A product line, the silicon lines it is sold as, and the components its `tcb` values have, in print order. */
export interface Product {
  readonly name: string;
  readonly silicon: readonly string[];
  readonly components: readonly string[];
}

/** What a word is for what people write by habit, what to say about constants of a telling length, and what an example shows. */
export interface Hints {
  /** Habitual word → the vocabulary's word: `ucode` → `microcode`. */
  readonly words: Readonly<Record<string, string>>;
  /** Help for a byte constant of the wrong `size` compared with `field`. */
  readonly lengths: readonly { readonly field: string; readonly size: number; readonly help: string }[];
  /** What it takes to change the fields whose names begin with `prefix`: of two ways, the one with less effort is proposed. */
  readonly efforts: readonly Effort[];
  /** Fields that an example of a request shows even where any value would do, in this order. */
  readonly shown: readonly string[];
}

/** `how` is said in brackets behind a proposed change. Where nothing is said of a field, its effort is 0. */
export interface Effort {
  readonly prefix: string;
  readonly effort: number;
  readonly how: string;
}

/** What a `platform P` line adds: items (`require …`, one per line), as Writ text. */
export interface Platform {
  readonly name: string;
  readonly text: string;
  /** What changes in the ordinary request where the policies under test name this platform only. */
  readonly ordinary?: Facts;
  /** What no request shows and whoever names the platform should know. */
  readonly reminder?: string;
}

/** Everything the language knows about its subject. */
export interface Vocabulary {
  readonly id: string;
  readonly version: number;
  /** What a set of facts is, with its article. */
  readonly subject: string;
  /** What a `tcb` value is called in messages: "TCB" gives "TCB vectors", "a TCB component". */
  readonly vector: string;
  readonly fields: readonly Field[];
  readonly components: readonly Component[];
  /** The `path` field that `for resource` matches, and the `time` field that windows are measured by. */
  readonly resourceField: string;
  readonly timeField: string;
  /** The enum fields that choose a floor's row. */
  readonly productField?: string;
  readonly siliconField?: string;
  readonly products: readonly Product[];
  /** Whether `approvals from "group"` exists. */
  readonly hasApprovals: boolean;
  /** Which obligations exist, of those the grammar has. */
  readonly obligations: readonly string[];
  readonly wraps: readonly string[];
  readonly platforms: readonly Platform[];
  /** Guards that are always there, as whole declarations in Writ text (without the `writ 1` line). Their names may have dots. */
  readonly guards: string;
  readonly hints: Hints;
  /** What is true of every request: the solver counts on it, and a test that contradicts it is refused. */
  readonly axioms: readonly Axiom[];
  /** Fields that a test need not set when it sets another: each is a copy of that one, in this order. */
  readonly follows: readonly { readonly field: string; readonly of: string }[];
  /** The ordinary request of a product (tests and counterexamples start from it): field → value, as facts. */
  readonly ordinary: Readonly<Record<string, Facts>>;
  /** What its fields mean to the lints; without it only those that hold of any subject are there. */
  readonly lints?: LintRules;
}
