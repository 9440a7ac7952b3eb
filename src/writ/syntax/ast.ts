/** What does a source say, before anything is known about names and types? The tree, as data with places. */
import type { Span } from "../diagnostics/diagnostic.ts";
import type { VersionFact } from "../facts.ts";
import type { EntryState, Relation } from "../program.ts";
import type { Comment } from "./tokens.ts";

/** A name or dotted path as written. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

export interface Text {
  readonly value: string;
  readonly span: Span;
}

/** `vtpm.pcr[11]`: `text` has the index in it. */
export interface FieldName extends Name {
  readonly base: string;
  readonly index?: number;
}

export interface TcbItem {
  readonly component: Name;
  readonly level: number;
  readonly levelSpan: Span;
}

export type Literal = { readonly span: Span } & (
  | { readonly kind: "bytes"; readonly value: string }
  | { readonly kind: "digest"; readonly algorithm: "sha256" | "sha384"; readonly path: Text }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "int" | "duration" | "date"; readonly value: number; readonly text: string }
  | { readonly kind: "version"; readonly value: VersionFact; readonly text: string }
  | { readonly kind: "name"; readonly text: string }
  | { readonly kind: "tcb"; readonly items: readonly TcbItem[] }
  /** Was reported by the lexer or parser; every use of it is silent. */
  | { readonly kind: "broken" }
);

/** `true` and `false` are names: which they mean is decided by the field's type. */
export type NameLiteral = Extract<Literal, { readonly kind: "name" }>;
export type TcbLiteral = Extract<Literal, { readonly kind: "tcb" }>;
export type BytesLiteral = Extract<Literal, { readonly kind: "bytes" | "digest" | "broken" }>;

export interface RelationMark {
  readonly relation: Relation;
  readonly span: Span;
}

export type Expression = { readonly span: Span } & (
  | { readonly kind: "and" | "or" | "all" | "any" | "none"; readonly members: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "has"; readonly field: FieldName }
  | AtomExpression
  /** Was reported by the parser. */
  | { readonly kind: "broken" }
);

/** One field, one question. */
export type AtomExpression = { readonly span: Span; readonly field: FieldName } & (
  | { readonly kind: "flag" }
  | { readonly kind: "compare"; readonly mark: RelationMark; readonly value: Literal }
  | { readonly kind: "at-least"; readonly value: TcbLiteral | NameLiteral }
  | {
      readonly kind: "in-set";
      readonly set: Name;
      readonly where?: { readonly mark: RelationMark; readonly version: VersionFact; readonly text: string };
    }
  | { readonly kind: "in-list" | "within"; readonly list: readonly Literal[] }
  | { readonly kind: "in-range"; readonly from: Literal; readonly to: Literal }
  | { readonly kind: "contains"; readonly value: Literal }
  | { readonly kind: "contains-bits"; readonly bits: readonly Literal[] }
  | { readonly kind: "approvals"; readonly group: Text; readonly mark: RelationMark; readonly count: Literal }
);

export interface WindowClause {
  /** Of an entry, from `valid` on. */
  readonly span: Span;
  readonly from: number;
  readonly to?: number;
}

export interface Meta {
  readonly key: Name;
  readonly value: Text;
}

export interface EntryItem {
  readonly span: Span;
  readonly label: Text;
  readonly value: BytesLiteral;
  readonly version?: VersionFact;
  readonly vcpus?: number;
  readonly valid?: WindowClause;
  readonly state?: EntryState;
  readonly source?: string;
}

export interface RowItem {
  readonly name: Name;
  readonly span: Span;
  /** `undefined` is `refuse`. */
  readonly least: TcbLiteral | undefined;
}

export interface ClauseItem {
  readonly kind: "require" | "allow" | "deny";
  readonly span: Span;
  /** From the keyword to the end of the condition: without `else` and `because`. */
  readonly bodySpan: Span;
  readonly label?: Text;
  readonly when?: Expression;
  readonly reason?: Text;
}

export type KeyVersionItem = "current" | "any" | { readonly atLeast: Literal };

export type ObligationItem = { readonly span: Span; readonly name: Name } & (
  | {
      readonly kind: "token_ttl" | "reattest" | "approvals_expire";
      readonly duration: Literal;
    }
  | {
      readonly kind: "max_releases";
      readonly limit: Literal;
      readonly per: FieldName;
      readonly within?: Literal;
    }
  | { readonly kind: "rate"; readonly limit: Literal; readonly per: Literal }
  | { readonly kind: "wrap"; readonly wrap: Name }
  | { readonly kind: "key_version"; readonly version: KeyVersionItem }
  | { readonly kind: "notify"; readonly names: readonly Text[] }
  | { readonly kind: "audit"; readonly level: "full" | "summary" }
);

export type RuleItem =
  | { readonly kind: "for"; readonly span: Span; readonly patterns: readonly Text[] }
  | { readonly kind: "meta"; readonly span: Span; readonly meta: Meta }
  | { readonly kind: "platform"; readonly span: Span; readonly name: Name }
  | { readonly kind: "valid"; readonly span: Span; readonly window: WindowClause }
  | {
      readonly kind: "use";
      readonly span: Span;
      readonly name: Name;
      readonly values: readonly Literal[];
    }
  | ClauseItem
  | { readonly kind: "release"; readonly span: Span; readonly obligations: readonly ObligationItem[] };

interface Declared {
  readonly name: Name;
  readonly span: Span;
  /** Up to the opening brace. */
  readonly headSpan: Span;
  /** Whether a syntax error was reported inside: its name counts, what it lacks is not judged. */
  readonly isBroken: boolean;
}

export type RefsetItem = Declared & {
  readonly kind: "refset";
  readonly field: FieldName;
  readonly meta: readonly Meta[];
  readonly entries: readonly EntryItem[];
};

export type FloorItem = Declared & {
  readonly kind: "floor";
  readonly meta: readonly Meta[];
  readonly rows: readonly RowItem[];
};

export type RuleSetItem = Declared & {
  readonly kind: "policy" | "guard";
  readonly title?: Text;
  readonly items: readonly RuleItem[];
};

export type TemplateItem = Declared & {
  readonly kind: "template";
  readonly parameters: readonly Name[];
  readonly items: readonly RuleItem[];
};

export interface Setting {
  readonly span: Span;
  /** A field, or a group of `approvals from "group"`. */
  readonly target: FieldName | { readonly approvals: Text };
  readonly value:
    | Literal
    | { readonly kind: "list"; readonly span: Span; readonly list: readonly Literal[] }
    | { readonly kind: "reference"; readonly span: Span; readonly set: Name; readonly label: Text }
    | { readonly kind: "absent"; readonly span: Span };
}

export type Expectation = { readonly span: Span } & (
  | { readonly kind: "allow"; readonly by?: Text; readonly obligations: readonly ObligationItem[] }
  | {
      readonly kind: "deny";
      readonly because?: Text | { readonly code: Name; readonly set?: Name; readonly label?: Text };
    }
);

export interface TestItem {
  readonly kind: "test";
  readonly span: Span;
  readonly title: Text;
  readonly of: readonly Name[];
  readonly start?:
    | { readonly kind: "ordinary"; readonly product: Name }
    | { readonly kind: "report" | "like"; readonly from: Text };
  readonly settings: readonly Setting[];
  readonly expect: Expectation;
}

export type AssertItem = { readonly kind: "assert"; readonly span: Span } & (
  | { readonly claim: "never"; readonly condition: Expression; readonly pattern: Text }
  | { readonly claim: "implies" | "equivalent"; readonly left: Name; readonly right: Name }
  | { readonly claim: "satisfiable"; readonly left: Name }
);

export type Item = RefsetItem | FloorItem | RuleSetItem | TemplateItem | TestItem | AssertItem;
export type NamedItem = RefsetItem | FloorItem | RuleSetItem | TemplateItem;

export interface ModuleLine {
  readonly name: Name;
  readonly version: Name;
  readonly meta: readonly Meta[];
  readonly widening: "review" | "major";
  /** The line that says so, where one does. */
  readonly wideningSpan?: Span;
}

export interface ImportItem {
  readonly span: Span;
  readonly path: Text;
  readonly digest?: BytesLiteral;
  readonly names: readonly Name[];
}

/** One source file as a tree. */
export interface SourceTree {
  readonly path: string;
  readonly text: string;
  readonly module?: ModuleLine;
  readonly imports: readonly ImportItem[];
  readonly items: readonly Item[];
  readonly comments: readonly Comment[];
}
