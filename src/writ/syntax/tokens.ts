/** What is a text made of? Tokens with their places. */
import type { Span } from "../diagnostics/diagnostic.ts";
import type { VersionFact } from "../facts.ts";

interface Placed extends Span {
  /** As written; for words and marks this is what they are. */
  readonly text: string;
  /** Whether nothing but blanks stands before it on its line. */
  readonly startsLine: boolean;
}

/**
 * A token. Values: `int` a number (saturated above 2^53 - 1), `duration` milliseconds, `date` Unix seconds, `version` three parts,
 * `string` what its escapes stand for, `hex` lower-case digits. `broken` is a constant that was reported already.
 */
export type Token =
  | (Placed & { readonly kind: "word" | "mark" | "end" | "broken" })
  | (Placed & { readonly kind: "int" | "duration" | "date"; readonly value: number })
  | (Placed & { readonly kind: "version"; readonly value: VersionFact })
  | (Placed & { readonly kind: "string" | "hex"; readonly value: string });

/** A comment, `#` included, without the line end. */
export interface Comment extends Span {
  readonly text: string;
  /** Whether it stands alone on its line. */
  readonly startsLine: boolean;
}

export interface Tokens {
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
}

export const CAPS = {
  sourceBytes: 1 << 20,
  nesting: 64,
  entries: 10_000,
  nameLength: 200,
  stringLength: 2000,
  templateRules: 100_000,
  versionViews: 1000,
} as const;
