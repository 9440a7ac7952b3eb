/** What is left of a set of sources once every name and type in it is known? Normalised data: what is evaluated and solved. */
import type { AtomText, ClauseText } from "./decision.ts";
import type { Span } from "./diagnostics/diagnostic.ts";
import type { TcbFact, VersionFact } from "./facts.ts";
import type { FieldType } from "./vocabulary.ts";

/** A stretch of a source file. Of text that a template or a platform brought in: the use, and where the text is written. */
export interface Origin {
  readonly file: string;
  readonly span: Span;
  readonly written?: Written;
}

/** Text that is used elsewhere. `from` is `template base` or `platform aws`; a platform's `file` is that too. */
export interface Written {
  readonly from: string;
  readonly file: string;
  readonly span: Span;
}

/** A field as an atom reads it: `facts.get(key)`, then the component where one is named. */
export interface FieldRef {
  readonly name: string;
  readonly key: string;
  readonly component?: string;
  readonly type: FieldType;
  /** Where it is absent; given exactly when it may be. */
  readonly absentWhere?: string;
  /** What an absent fact counts as, where absence means a number: nobody's approval is 0 approvals. */
  readonly fallback?: number;
}

/** Bounds are inclusive; a missing one is open. */
export interface Interval {
  readonly least?: number;
  readonly most?: number;
}

/** Half open, [from, to), in Unix seconds; a missing end is open. */
export interface Window {
  readonly from: number;
  readonly to?: number;
}

export type EntryState = "active" | "retiring" | "revoked";

/** One reference value. */
export interface Entry {
  readonly label: string;
  /** Lower-case hex. */
  readonly value: string;
  readonly version?: VersionFact;
  readonly vcpus?: number;
  readonly valid?: Window;
  readonly state: EntryState;
  readonly source?: string;
  /** `file:line`. */
  readonly at: string;
  readonly origin: Origin;
}

export interface Refset {
  readonly name: string;
  readonly module: string;
  readonly field: string;
  readonly owner?: string;
  readonly entries: readonly Entry[];
  /** From the keyword to the name. */
  readonly origin: Origin;
}

/** Component → least level, or `undefined` for `refuse`. */
export interface FloorRow {
  readonly name: string;
  readonly least: TcbFact | undefined;
  readonly origin: Origin;
}

export interface Floor {
  readonly name: string;
  readonly module: string;
  readonly rows: readonly FloorRow[];
  /** From the keyword to the name. */
  readonly origin: Origin;
}

/** An address block: `base` with the bits below `prefix` zero. IPv4-mapped addresses are IPv4. */
export interface Block {
  readonly family: 4 | 6;
  readonly base: bigint;
  readonly prefix: number;
}

/** What one atom asks of its field. */
export type Test =
  | { readonly kind: "has" }
  | { readonly kind: "flag" }
  | { readonly kind: "one-of"; readonly values: readonly string[] }
  | { readonly kind: "interval"; readonly intervals: readonly Interval[] }
  | { readonly kind: "version"; readonly relation: Relation; readonly value: VersionFact }
  /** Both ends count. */
  | { readonly kind: "version-range"; readonly from: VersionFact; readonly to: VersionFact }
  | { readonly kind: "vector-equals"; readonly value: TcbFact }
  | { readonly kind: "vector-least"; readonly least: TcbFact }
  | { readonly kind: "floor"; readonly floor: string; readonly rows: readonly FloorRow[] }
  | { readonly kind: "member"; readonly set: string; readonly entries: readonly Entry[] }
  | { readonly kind: "bits"; readonly mask: bigint }
  | { readonly kind: "contains"; readonly value: string }
  | { readonly kind: "within"; readonly blocks: readonly Block[] };

export type Relation = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** Compares one field with constants; `isNegated` turns true and false round and leaves unknown alone. */
export interface Atom {
  readonly kind: "atom";
  readonly field: FieldRef;
  readonly test: Test;
  readonly isNegated: boolean;
  readonly text: AtomText;
  readonly origin: Origin;
}

export interface Group {
  readonly kind: "and" | "or" | "not" | "all" | "any" | "none";
  readonly members: readonly Condition[];
  readonly origin: Origin;
}

export type Condition = Atom | Group;

/** A require, allow or deny. Without `when` it is always true. */
export interface Clause {
  readonly text: ClauseText;
  readonly when?: Condition;
  /** From the keyword to the end of the condition. */
  readonly origin: Origin;
  /** With `else` or `because` and its sentence. */
  readonly whole: Span;
}

/** A path pattern: segments, `*` for one of any name; `isOpen` when it ends in `**`. */
export interface Pattern {
  readonly segments: readonly string[];
  readonly isOpen: boolean;
}

/** What one obligation asks. */
export type Term =
  | { readonly kind: "token_ttl"; readonly ms: number }
  | {
      readonly kind: "max_releases";
      readonly limit: number;
      readonly per: FieldRef | "approvals";
      readonly windowMs?: number;
    }
  | { readonly kind: "rate"; readonly limit: number; readonly windowMs: number }
  | { readonly kind: "wrap"; readonly wrap: string }
  | { readonly kind: "key_version"; readonly version: "current" | "any" | { readonly atLeast: number } }
  | { readonly kind: "reattest"; readonly ms: number }
  | { readonly kind: "approvals_expire"; readonly ms: number }
  | { readonly kind: "notify"; readonly names: readonly string[] }
  | { readonly kind: "audit"; readonly level: "full" | "summary" };

/** An obligation of one policy. */
export type Obligation = Term & { readonly origin: Origin };

/** A policy or a guard, with templates and platform expanded. */
export interface Declaration {
  readonly kind: "policy" | "guard";
  readonly name: string;
  readonly module: string;
  /** `file:line`. */
  readonly at: string;
  readonly title?: string;
  readonly patterns: readonly Pattern[];
  readonly valid?: Window;
  readonly requires: readonly Clause[];
  readonly allows: readonly Clause[];
  readonly denies: readonly Clause[];
  readonly obligations: readonly Obligation[];
  readonly origin: Origin;
  /** The name alone. */
  readonly nameSpan: Span;
}

/** A named unit of sources. `revocable` are the sets it declares or imports: their revoked entries bind its scopes. */
export interface Module {
  readonly name: string;
  /** As written; missing where the file has no module line. */
  readonly version?: string;
  /** What a change that widens needs: a recorded approval, or no more than a major version. */
  readonly widening: "review" | "major";
  readonly revocable: readonly Refset[];
}

/** A whole set of sources, checked. Declarations are sorted: guards by name, then policies by name. */
export interface Program {
  readonly vocabulary: { readonly id: string; readonly version: number };
  readonly resourceField: string;
  readonly timeField: string;
  readonly productField?: string;
  readonly siliconField?: string;
  readonly modules: readonly Module[];
  readonly refsets: readonly Refset[];
  readonly floors: readonly Floor[];
  readonly declarations: readonly Declaration[];
}
